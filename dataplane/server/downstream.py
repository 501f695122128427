"""What an exchange sees of the client's connection: the seam between front and coroutine path.

The front owns the socket and the parser; an exchange gets one whole request as a Call and answers
through a Downstream. Exactly one of `reply`, `relay` or `start ... finish | abort` ends it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dataplane.filters.api import Context
from dataplane.filters.chain import Chain
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.config import Listener, RuntimeConfig
from dataplane.runtime.headers import CREDENTIALS
from dataplane.runtime.messages import Headers, LocalReply, Request
from dataplane.runtime.principal import Principal
from dataplane.runtime.protocols import Protocol as Api
from dataplane.server.surface import CHAT_ASK, Ask

if TYPE_CHECKING:
    from dataplane.agents.a2a.talk import Talk
    from dataplane.agents.session import Asking
    from dataplane.server.limits.charge import Charge
    from dataplane.server.limits.limiter import Limiter
    from dataplane.server.sieve import Sieve


class Admitted(NamedTuple):
    """What became of a request on its way through the filters of a model listener and its route."""

    outcome: Request | LocalReply
    """As they leave it; or what one of them has answered."""
    output: tuple[str, ...] = ()
    """Filters that see the answer."""
    models: tuple[str, ...] = ()
    """Those that are fixed, whatever the request names now: filters of another route have not seen
    it. Empty: what it names."""
    needs_more: bool = False
    """It has not passed those of its route: filters have made of it what others must look at."""


class DownstreamGoneError(Exception):
    """The client has left; whatever works for it should stop."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way, with everything that was fixed when it arrived."""

    config: RuntimeConfig
    listener: Listener
    request: Request
    """Headers from outside that are ours (x-outrider-*) are already stripped."""
    request_id: str
    traceparent: str
    """What every upstream call of this exchange carries, with our own span id."""
    deadline: float
    """On Clock.now()."""
    record: ExchangeRecord
    """What the access log, metrics and span will say; the exchange fills in what it learns."""
    chain: Callable[[tuple[str, ...]], Chain]
    """The filters of these names."""
    ask: Ask = CHAT_ASK
    """What its method and path ask for."""
    caller: Hashable = None
    """Whose it is (callers.py)."""
    principal: Principal | None = None
    """Who calls, where a listener asks."""
    limiter: "Limiter | None" = None
    """Holds the listener's requests to its limits."""
    budgets: "Limiter | None" = None
    """Holds runs to their budgets."""
    context: Context = field(default_factory=Context)
    """What the listener's filters know of it."""
    progress: str = ""
    """How its client wants to be told of a run while it goes on: "events", "comments", "never",
    or nothing of it."""
    explains: bool = False
    """Whether the client wants to read all of the decision."""
    a2a: "Talk | None" = None
    """What the client says in A2A, if it does."""
    speaks: Api = Api.CHAT
    """Agent listeners: the API of the client, in which it is told of progress."""
    resumes: "Asking | None" = None
    """Agent listeners: the run that it goes on with, as an agent has asked for these words."""
    admitted: Admitted | None = None
    """What filters have made of the request before there was a need for a coroutine."""

    @property
    def owner(self) -> str:
        """Whose the request is, among the callers whom a listener knows; empty when it asks nobody.
        A word that no client can say: ids and tenants have no line breaks.
        """
        principal = self.principal
        if principal is None or not (principal.id or principal.tenant):
            return ""
        return (
            f"tenant\n{principal.tenant}"
            if principal.tenant
            else f"{principal.kind}\n{principal.id}"
        )

    def tenant(self, header: str) -> str:
        """Whose the request is: by who calls and by an operator's `header` (its name may be empty);
        where there is neither, by the credential that the client shows.
        """
        if not header and not self.owner:
            shown = (self.request.header(name) for name in sorted(CREDENTIALS - {"cookie"}))
            return next((credential for credential in shown if credential), "")
        told = (self.request.header(header) or "") if header else ""
        return f"{self.owner}\n{told}" if self.owner else told


class Downstream(Protocol):
    """The client's side of one exchange."""

    def reply(self, reply: LocalReply) -> None:
        """Answer whole, in the error body of the API the client speaks (or reply.body as it is)."""

    def relay(
        self,
        request: Request,
        models: Sequence[str] | None = None,
        keep: Callable[[bytes], None] | None = None,
        told: Headers = (),
        marks: int = 0,
    ) -> None:
        """Carry on as the relay does, with this request instead of the one that came.

        :param models: tried in this order, in place of the one that the request names; words that
            clients could ask for.
        :param keep: called once, with a whole 2xx answer as the client has it (of a stream of
            Responses the `response` of its last event), when all of it was sent; not called for
            other streams, for errors, and for what breaks off.
        :param told: headers that the provider's answer gets.
        :param marks: from how many tokens on providers that want to be told what to cache are; 0:
            they are not.
        """

    def last(self) -> None:
        """Have no timeout: the answer lasts as long as its client wants it."""

    def charged(self, charge: "Charge") -> None:
        """What has been taken of limits: settled when the exchange ends; a relay takes no more."""

    def filter(self, sieve: "Sieve") -> None:
        """Have the answer pass filters. Once at most, before anything else."""

    def start(self, status: int, headers: Headers) -> None:
        """Begin an answer whose length is not known; hop-by-hop headers are dropped."""

    async def write(self, data: bytes) -> None:
        """Send a piece of the body; waits for a slow client. Raises DownstreamGoneError."""

    async def aside(self, data: bytes) -> None:
        """Send events that are no part of the answer, between two of its own; as `write`."""

    def finish(self, last: bytes = b"") -> None:
        """End a started answer cleanly, after `last`."""

    def abort(self, last: bytes = b"") -> None:
        """Cut a started answer after `last`, so that the client cannot take it for a whole one."""
