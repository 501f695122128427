"""One whole request as the front hands it on."""

from dataplane.runtime.messages import Headers, Request
from dataplane.server.heads import OURS, Names, RequestShape, Shapes, Values

REQUEST_SHAPES: Shapes[RequestShape] = Shapes(RequestShape)


class Incoming:
    """A message that was accepted: names and values of its headers as they came, and where those of
    interest stand.
    """

    __slots__ = ("body", "method", "names", "path", "query", "shape", "started", "values")

    def __init__(
        self,
        method: str,
        target: str,
        names: Names,
        values: Values,
        shape: RequestShape,
        started: float,
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.names = names
        self.values = values
        self.shape = shape
        self.started = started
        self.body = b""

    def request(self) -> Request:
        """For the coroutine path: text, without headers that are ours."""
        headers: Headers = tuple(
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in zip(self.names, self.values, strict=True)
            if not name.lower().startswith(OURS)
        )
        return Request(self.method, self.path, headers, self.body, self.query)


def from_request(request: Request, started: float) -> Incoming:
    """The way back: a request that filters have changed, for the relay."""
    names = tuple(name.encode("latin-1", "replace") for name, _ in request.headers)
    values = tuple(
        value.encode("utf-8", "surrogateescape").translate(None, b"\r\n\0")
        for _, value in request.headers
    )
    shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)
    incoming = Incoming(request.method, request.path, names, values, shape, started)
    incoming.query = request.query
    incoming.body = request.body
    return incoming
