"""A request that an agent sends us within a run joins it: its trace, its limits, whom it is for.

Rule: a run's ticket says for whom an agent acts, never that it may. Who may call a listener is
found out as ever; limits and logs then name the one whom the run is for. Requests without a ticket
never come here: the list of their headers' names tells (`RequestShape.special`).
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from dataplane.observe import traceparent
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.principal import Principal
from dataplane.runtime.ticket import Ticket
from dataplane.server.incoming import REQUEST_SHAPES, Incoming

if TYPE_CHECKING:
    from dataplane.server.auth.authenticator import Authenticator

TRACEPARENT = b"traceparent"
WITHIN_A_RUN = "run"
"""Principal.kind of nobody in particular."""


class Joining:
    """An Authenticator (it has what of one is asked for) of requests with a ticket."""

    def __init__(self, auth: "Authenticator") -> None:
        self._auth = auth

    def refusal(self, incoming: Incoming) -> LocalReply | None:
        """See Authenticator."""
        refused = self._auth.refusal(incoming)
        if refused is None:
            incoming.principal = acting(incoming.principal, incoming.ticket)
        return refused


def join(incoming: Incoming) -> None:
    """Take a message whose ticket is good into its run."""
    serving = incoming.serving
    tickets = serving.services.tickets
    ticket = tickets.open(incoming.values[incoming.shape.run]) if tickets is not None else None
    if ticket is None:
        return
    incoming.ticket = ticket
    incoming.serving = serving.accounted if ticket.adds_up else serving.within_runs
    if serving.auth is None or incoming.principal is not None:
        incoming.principal = acting(incoming.principal, ticket)
    _place(incoming, ticket.traceparent.encode())


def acting(own: Principal | None, ticket: Ticket) -> Principal:
    """For whom an agent acts, that may itself be somebody: then it may do what that one may."""
    models = own.models if own is not None else frozenset()
    if ticket.principal or ticket.tenant:
        return Principal(ticket.principal, ticket.tenant, models, ticket.kind, ticket)
    if own is not None:
        return replace(own, run=ticket)
    return Principal("", "", models, WITHIN_A_RUN, ticket)


def _place(incoming: Incoming, place: bytes) -> None:
    """Put a message into its run's trace, unless it says itself where in it it stands."""
    at = incoming.shape.traceparent
    told = traceparent.parse(incoming.values[at]) if at >= 0 else None
    ours = traceparent.parse(place)
    if ours is None or (told is not None and told[0] == ours[0]):
        return
    if at >= 0:
        values = list(incoming.values)
        values[at] = place
        incoming.values = values
        return
    incoming.names = (*incoming.names, TRACEPARENT)
    incoming.values = (*incoming.values, place)
    names = incoming.names
    incoming.shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)
