"""Bytes -> one message at a time: the one parser of a client's connection.

The rules. llhttp (by httptools) reads every byte, and nothing looks at them before it; what it lets
through and must not is refused by checks.py before anything is done with a message. Requests are
answered in their order: those that came in one read wait here, and bad bytes behind them are met
only afterwards. A trailer never passes for a header.
tests/unit/dataplane/server/test_parser_contract.py holds what we rely on.
"""

from collections import deque
from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple

import httptools

from dataplane.header_collector import collector
from dataplane.runtime.messages import LocalReply
from dataplane.server import checks
from dataplane.server.incoming import REQUEST_SHAPES, Incoming
from dataplane.server.joining import join

if TYPE_CHECKING:
    from dataplane.runtime.principal import Principal
    from dataplane.server.active_listener import ActiveListener

SLICE_BYTES: Final = 16 * 1024
"""Fed to the parser at once: whatever messages are in it are kept until they are answered."""
_METHODS: Final = {
    method.encode(): method for method in ("DELETE", "GET", "HEAD", "OPTIONS", "POST")
}

_NOBODYS = httptools.HttpRequestParser(None)
"""In place of the parser of a connection that is closed; nobody feeds it."""


class _Found(NamedTuple):
    """A message, or why it is none, and what the front must know of it."""

    message: Incoming | LocalReply
    incoming: Incoming
    http10: bool
    told_to_close: bool
    closes: bool


class MessageReader:
    """The messages of one connection."""

    __slots__ = (
        "_count",
        "_failure",
        "_fed",
        "_host",
        "_names",
        "_parser",
        "_partial",
        "_pieces",
        "_queue",
        "_reads",
        "_ready",
        "_rest",
        "_size",
        "_urls",
        "_values",
        "charged",
        "closes",
        "drained",
        "http10",
        "incoming",
        "on_body",
        "on_header",
        "on_url",
        "peer",
        "receiving",
        "told_to_close",
        "wants_continue",
    )

    def __init__(self, host: "ActiveListener") -> None:
        self._host = host
        self._count = -1
        """Headers of the message, when all are there; what llhttp tells of later are trailers."""
        self._failure: LocalReply | None = None
        self._fed = 0
        """Bytes read for the first message that is not whole yet, framing included."""
        self._names: list[bytes] = []
        self._values: list[bytes] = []
        self._partial: Incoming | None = None
        """The message whose head was there before this read."""
        self._pieces: list[bytes] = []
        self._queue: deque[_Found] = deque()
        self._reads = BytesIO()
        """The body, as far as it came in earlier reads; whole without a second copy."""
        self._rest = memoryview(b"")
        """Read, and not yet parsed."""
        self._ready: Incoming | LocalReply | None = None
        self._size = 0
        """Bytes in `_reads`."""
        self._urls: list[bytes] = []
        self.on_body = self._pieces.append
        self.on_header = collector(self._names, self._values)
        self.on_url = self._urls.append
        self._parser = httptools.HttpRequestParser(self)
        self.charged = 0
        """Bytes of a large body that the gate counts."""
        self.peer: Principal | None = None
        """Whom the connection belongs to, by a client's certificate."""
        self.incoming: Incoming | None = None
        """The message that was refused, if its head is there."""
        self.drained = True
        """Whether nothing is here behind the last message."""
        self.receiving = False
        """Whether a part of a message is there, and not yet the whole."""
        self.wants_continue = False
        """Whether the client waits for 100 Continue."""
        self.http10 = False
        self.told_to_close = False
        """Whether the client said that this message is its last."""
        self.closes = False
        """Whether the connection must end with this message."""

    def feed(self, data: bytes) -> Incoming | LocalReply | None:
        """Read on: a whole message, why there will be none, or None when there is too little.

        No `data`: see what came together with the message before.
        """
        size = len(data)
        if size > SLICE_BYTES or self._rest:
            self._rest = memoryview(bytes(self._rest) + data if self._rest else data)
            self._feed_slices()
        elif size:
            self._parse(data)
        ready = self._ready
        if ready is not None:
            self._ready = None
            self.drained = not (self._queue or self.receiving or self._rest or self._failure)
            return ready
        return self._next()

    def _parse(self, data: bytes | memoryview) -> None:
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_on(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError:
            raise  # a fault of ours
        except httptools.HttpParserError as problem:
            self._fail(checks.parse_error(problem))

    def _feed_slices(self) -> None:
        """Parse what is there up to the next whole message."""
        while self._rest and self._ready is None and not self._queue:
            some, self._rest = self._rest[:SLICE_BYTES], self._rest[SLICE_BYTES:]
            self._parse(some)

    def _fail(self, reply: LocalReply) -> None:
        """Nothing more is read of this client; what came before is answered."""
        self._failure = reply
        self._rest = memoryview(b"")

    def _next(self) -> Incoming | LocalReply | None:
        """What is no plain message, or none yet."""
        if self._queue:
            found = self._queue.popleft()
            self.incoming = found.incoming
            self.http10 = found.http10
            self.told_to_close = found.told_to_close
            self.closes = found.closes
            self.drained = not (self._queue or self.receiving or self._rest or self._failure)
            return found.message
        self.drained = True
        self.incoming = self._partial
        if self._failure is not None:
            return self._failure
        return self._await_rest() if self.receiving else None

    def close(self) -> None:
        """Let go of the parser: it holds us, and the pair would wait for the garbage collector."""
        self.discharge()
        self._parser = _NOBODYS

    def _charge(self, incoming: Incoming, size: int) -> LocalReply | None:
        """Count bytes of a body; why they are too many."""
        gate = self._host.gate
        refusal = gate.refusal(incoming, size)
        self.charged += size
        gate.buffered += size
        return refusal

    def discharge(self) -> None:
        """The body is not held any more."""
        self._host.gate.buffered -= self.charged
        self.charged = 0

    def give_up(self) -> None:
        """The message is refused; its client may go on sending what nobody takes."""
        self.told_to_close = False
        self._reads = BytesIO()
        self.discharge()

    # -- httptools

    def on_message_begin(self) -> None:
        """See httptools."""
        self.receiving = True

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._count = len(self._names)

    def on_message_complete(self) -> None:
        """See httptools."""
        incoming = self._partial or self._head()
        if incoming.shape.upgrade >= 0 and self._has_more(incoming):
            return
        pieces = self._pieces
        if not self._size and len(pieces) == 1:
            incoming.body = body = pieces.pop()
        elif pieces or self._size:
            self._keep_pieces()
            incoming.body = body = self._reads.getvalue()
            self._reads = BytesIO()
            self._size = 0
        else:
            body = b""
        parser = self._parser
        serving = incoming.serving
        closes = not parser.should_keep_alive()
        fed = self._fed
        self._fed = 0
        self._count = -1
        self._names.clear()
        self._values.clear()
        self.receiving = False
        if (
            0 < fed <= serving.header_limit
            and self._ready is None
            and not self._queue
            and not incoming.shape.special
            and len(body) <= serving.body_limit
            and incoming.target[:1] == "/"
            and parser.get_http_version() == "1.1"
        ):  # as nearly always
            self.http10 = False
            self.told_to_close = self.closes = closes
            self._partial = None
            self._ready = incoming
            return
        self._complete(incoming, closes, fed)

    # -- inside

    def _keep_pieces(self) -> None:
        for piece in self._pieces:
            self._size += self._reads.write(piece)
        self._pieces.clear()

    def _head(self) -> Incoming:
        """The message whose headers are complete."""
        count = self._count
        names, values = tuple(self._names), tuple(self._values)
        if len(names) != count:
            names, values = names[:count], values[:count]
        shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)
        urls = self._urls
        url = urls.pop() if len(urls) == 1 else b"".join(urls)
        urls.clear()
        method = self._parser.get_method()
        serving = self._host.serving
        return Incoming(
            serving,
            _METHODS.get(method) or method.decode("latin-1"),
            url.decode("utf-8", "surrogateescape"),
            names,
            values,
            shape,
            serving.now(),
            self.peer,
        )

    def _complete(self, incoming: Incoming, told_to_close: bool, fed: int) -> None:
        """A whole message that is not plain, came in pieces or with others."""
        size = len(incoming.body)
        refusal = self._refusal(incoming, size, fed)
        if refusal is None and size > SLICE_BYTES and size > self.charged:
            refusal = self._charge(incoming, size - self.charged)
        if refusal is None and incoming.shape.run >= 0:
            join(incoming)
        closes = told_to_close or self._must_close(incoming)
        found = _Found(
            incoming if refusal is None else refusal,
            incoming,
            self._parser.get_http_version() == "1.0",
            told_to_close,
            closes,
        )
        self._partial = None
        if self._failure is None:
            self._queue.append(found)
            if refusal is not None:
                self._fail(refusal)

    def _has_more(self, incoming: Incoming) -> bool:
        """Whether httptools has stopped before a body, as it does when a client would like another
        protocol (Java's does so with every request): we stay with this one.
        """
        shape = incoming.shape
        if not self._parser.should_upgrade() or not (_length(incoming) or shape.transfer):
            return False
        self._partial = incoming
        return True

    def _read_on(self, rest: bytes | memoryview) -> None:
        """After a head with an `Upgrade`: its body, if it has one."""
        ready = self._ready
        if isinstance(ready, Incoming):
            self.closes = True
            self.incoming = ready
            self._ready = checks.refusal(ready, self._parser.get_http_version()) or ready
        incoming = self._partial
        if incoming is None or self._count < 0:
            return
        shape = incoming.shape
        version = self._parser.get_http_version().encode()
        framing = b"content-length: %d" % _length(incoming)
        if shape.transfer:
            framing = b"transfer-encoding: " + incoming.values[shape.transfer[0]]
        self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(b"POST / HTTP/%b\r\n%b\r\n\r\n" % (version, framing))
            self._urls.clear()
            self._names.clear()
            self._values.clear()
            self._count = 0
            self._parser.feed_data(rest)
        except httptools.HttpParserError as problem:
            self._fail(checks.parse_error(problem))

    def _must_close(self, incoming: Incoming) -> bool:
        """Whether the connection ends with this message although the client did not say so."""
        shape = incoming.shape
        return shape.upgrade >= 0 or self._parser.get_http_version() != "1.1"

    def _await_rest(self) -> LocalReply | None:
        """Some of a message is there: whether it may go on."""
        fed = self._fed
        if self._count < 0:
            limit = self._host.serving.header_limit
            return checks.headers_too_large(limit) if fed > limit else None
        incoming = self._partial
        first = incoming is None
        if incoming is None:
            incoming = self.incoming = self._partial = self._head()
        if self._pieces:
            before = self._size
            self._keep_pieces()
            held = self._charge(incoming, self._size - before)
            if held is not None:
                return held
        refusal = self._refusal(incoming, self._size, fed)
        auth = incoming.serving.auth
        if first and refusal is None and auth is not None and incoming.principal is None:
            refusal = auth.refusal(incoming)  # of somebody else no body is read
        if first and refusal is None:
            self.http10 = self._parser.get_http_version() == "1.0"
            length = _length(incoming)
            if length > incoming.serving.body_limit:
                return checks.body_too_large(incoming.serving.body_limit)
            if length:
                refusal = self._host.gate.refusal(incoming, max(length - self._size, 0))
            self.wants_continue = incoming.shape.expect >= 0 and not self.http10 and not self._size
        return refusal

    def _refusal(self, incoming: Incoming, size: int, fed: int) -> LocalReply | None:
        """Why a message is not accepted, of which `size` bytes of the body are there and that took
        at most `fed` bytes.
        """
        serving = incoming.serving
        shape = incoming.shape
        refusal = checks.refusal(incoming, self._parser.get_http_version())
        if refusal is not None:
            return refusal
        if checks.head_size(incoming) > serving.header_limit:
            return checks.headers_too_large(serving.header_limit)
        if size > serving.body_limit:
            return checks.body_too_large(serving.body_limit)
        if shape.transfer and checks.too_much_framing(fed, size, serving.header_limit):
            return checks.bad_request("The body's chunks are mostly framing.")
        return None


def _length(incoming: Incoming) -> int:
    at = incoming.shape.length
    return int(incoming.values[at]) if at >= 0 else 0
