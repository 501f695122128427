"""One request as the front hands it on."""

from typing import TYPE_CHECKING, Final

from dataplane.runtime.messages import Headers, Request
from dataplane.runtime.principal import Principal
from dataplane.runtime.ticket import Ticket
from dataplane.server.arrived import Arrived, as_text
from dataplane.server.heads import Names, RequestShape, Shapes, Values, position

if TYPE_CHECKING:
    from dataplane.server.serving import Serving

REQUEST_SHAPES: Final[Shapes[RequestShape]] = Shapes(RequestShape)
NO_SHAPE = RequestShape(())


class Incoming:
    """A message as it came: names and values of its headers, and where those of interest stand.

    It keeps the Serving of the moment its head was read, to its end.
    """

    __slots__ = (
        "body",
        "method",
        "names",
        "principal",
        "serving",
        "shape",
        "started",
        "target",
        "ticket",
        "values",
    )

    ticket: Ticket
    """Of the run that it is a part of; only there with a Serving `within_runs`."""

    def __init__(
        self,
        serving: "Serving",
        method: str,
        target: str,
        names: Names,
        values: Values,
        shape: RequestShape,
        started: float,
        principal: Principal | None = None,
    ) -> None:
        self.serving = serving
        self.method = method
        self.target = target
        self.names = names
        self.values = values
        self.shape = shape
        self.started = started
        self.body = b""
        self.principal = principal
        """Who calls; None: nobody has asked, or it is nobody we know."""

    def header(self, name: str) -> str | None:
        """The first value of a header, by its lower-case name."""
        at = position(self.names, name.encode())
        return self.values[at].decode("utf-8", "surrogateescape") if at >= 0 else None

    def request(self, path: str, query: str) -> Request:
        """For filters and the coroutine path: text, without headers that are ours."""
        return Arrived.of(self, path, query)

    def headers(self) -> Headers:
        """As text, without those that are ours."""
        return as_text(self.shape, self.values)

    def drop(self, at: int) -> None:
        """Forget the header at a place, if it is one."""
        if at >= 0:
            self.names = names = (*self.names[:at], *self.names[at + 1 :])
            self.values = (*self.values[:at], *self.values[at + 1 :])
            self.shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)


def rewritten(incoming: Incoming, came: Request, request: Request) -> Incoming:
    """What the relay sends when filters have made `request` of the one that `came`; its length is
    the relay's to say.
    """
    if request is came:
        return incoming
    if request.headers == came.headers or request.headers == came.with_body(b"").headers:
        incoming.body = request.body
        return incoming
    return from_request(incoming.serving, request, incoming.started, incoming.principal)


def from_request(
    serving: "Serving", request: Request, started: float, principal: Principal | None = None
) -> Incoming:
    """The way back: a request that filters have changed, for the relay."""
    names = tuple(name.encode("latin-1", "replace") for name, _ in request.headers)
    values = tuple(
        value.encode("utf-8", "surrogateescape").translate(None, b"\r\n\0")
        for _, value in request.headers
    )
    shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)
    incoming = Incoming(
        serving, request.method, request.path, names, values, shape, started, principal
    )
    incoming.body = request.body
    return incoming
