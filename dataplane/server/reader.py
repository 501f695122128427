"""Bytes -> one message at a time: the one parser of a client's connection.

The rules. aiohttp's C parser (llhttp) reads every byte, and nothing looks at them before it. It
stops after each message and is fed only while none is being answered: so requests are answered in
their order, and a bad byte cannot spoil a good request before it. After a chunked request the
connection must be closed: the parser leaks a request's last trailer into the next one's headers.
tests/unit/dataplane/server/test_parser_contract.py holds what we use beyond its documentation.
"""

from typing import TYPE_CHECKING

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.streams import StreamReader

from dataplane.runtime.messages import LocalReply
from dataplane.server import checks
from dataplane.server.incoming import REQUEST_SHAPES, Incoming

if TYPE_CHECKING:
    from dataplane.server.host import ListenerHost

if HttpRequestParser.__module__ != "aiohttp._http_parser":
    # the parser written in Python has the same name, other bugs and a tenth of the speed
    raise ImportError("aiohttp's C extension is missing: install its wheel, not its source")

_EMPTY_LINE = b"\r\n\r\n"
_UNLIMITED = 1 << 30
"""High-water mark of the parser's StreamReader: we empty it, and never want it to pause."""


class MessageReader:
    """The messages of one connection."""

    __slots__ = (
        "_fed",
        "_had",
        "_host",
        "_parser",
        "_payload",
        "closes",
        "consumed",
        "drained",
        "http10",
        "incoming",
        "receiving",
        "told_to_close",
        "wants_continue",
    )

    def __init__(self, host: "ListenerHost") -> None:
        self._host = host
        self._fed = 0
        self._had = 0
        """Bytes of the body that were there before."""
        self._payload: StreamReader | None = None
        limits = host.serving.limits
        self._parser = HttpRequestParser(
            self,  # type: ignore[arg-type]  # it only calls pause_reading and resume_reading
            host.loop,
            _UNLIMITED,
            max_line_size=limits.max_header_bytes,
            max_headers=checks.MAX_HEADERS,
            max_field_size=limits.max_header_bytes,
            auto_decompress=False,
            max_msg_queue_size=1,
        )
        self.consumed = self._parser.message_consumed
        """Call it when a message is answered."""
        self.incoming: Incoming | None = None
        """The message whose head is there; None before."""
        self.drained = True
        """Whether it is certain that the parser holds no byte behind the last message.

        A head ends with the first empty line and a body of a known length has that length: when
        both together are as long as what was fed, nothing is left, and the body is its end.
        """
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
        try:
            messages, _, _ = self._parser.feed_data(data)
        except (HttpProcessingError, ValueError) as problem:
            return checks.parse_error(problem, self._host.serving.header_limit)
        if messages:
            message, payload = messages[0]
            serving = self._host.serving
            raw = message.raw_headers
            names, values = zip(*raw) if raw else ((), ())  # noqa: B905 - strict costs 0.2 us
            shape = REQUEST_SHAPES.get(names) or REQUEST_SHAPES.make(names)
            path = message.path
            incoming = Incoming(serving, message.method, path, names, values, shape, serving.now())
            closes = self.told_to_close = message.should_close
            length = len(data)
            if (
                message.version is HttpVersion11
                and not shape.special
                and path[0] == "/"
                and not self._fed
                and 0 < length <= serving.header_limit
            ):
                self.http10 = False
                self.closes = closes or message.upgrade
                size = payload.total_bytes
                if (  # as nearly always: one whole message, and nothing behind it
                    self.drained
                    and data.find(_EMPTY_LINE) + 4 + size == length
                    and size <= serving.body_limit
                    and payload.is_eof()
                ):
                    if size:
                        incoming.body = data[-size:]
                    return incoming
                self.incoming = incoming
            else:
                self.incoming = incoming
                refusal = self._look_closely(message, incoming, len(data))
                if refusal is not None:
                    return refusal
            if not payload.is_eof():
                return self._await_body(incoming, message, payload)
            if self.drained:  # so the message begins where `data` does
                end = data.find(_EMPTY_LINE)
                self.drained = (
                    end >= 0 and end + 4 + payload.total_bytes == len(data) and not shape.transfer
                )
            in_data = self.drained
        elif self.incoming is not None:
            self._fed += len(data)
            incoming = self.incoming
            assert self._payload is not None
            payload = self._payload
            refusal = self._check_body(incoming, payload)
            if refusal is not None or not payload.is_eof():
                self._had = payload.total_bytes
                return refusal
            in_data = False
            self.drained = (
                payload.total_bytes - self._had == len(data) and not incoming.shape.transfer
            )
        else:
            return self._await_head(data)
        size = payload.total_bytes
        if size:
            if size > incoming.serving.body_limit or incoming.shape.transfer:
                refusal = self._check_body(incoming, payload)
                if refusal is not None:
                    return refusal
            incoming.body = data[-size:] if in_data else payload.read_nowait()
        self._fed = 0
        self.receiving = False
        self.incoming = None
        return incoming

    def close(self) -> None:
        """Let go of the parser: it holds us, and the pair would wait for the garbage collector."""
        del self._parser, self.consumed
        self._payload = None

    # -- what the parser's StreamReader asks for; it never fills up, so there is nothing to do

    def pause_reading(self) -> None:
        """See aiohttp.base_protocol."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """See aiohttp.base_protocol."""

    # -- the rarer cases

    def _await_head(self, data: bytes) -> LocalReply | None:
        if not self.receiving and not data.strip(b"\r\n"):
            return None
        self.receiving = True
        self._fed += len(data)
        self.drained = False
        limit = self._host.serving.header_limit
        return checks.headers_too_large(limit) if self._fed > limit else None

    def _look_closely(
        self, message: RawRequestMessage, incoming: Incoming, fed: int
    ) -> LocalReply | None:
        """A head that is not plain, came in pieces or with a lot behind it."""
        self.http10 = message.version is HttpVersion10
        self.closes = True
        refusal = checks.refusal(message, incoming.values, incoming.shape)
        if refusal is not None:
            return refusal
        self.closes = message.should_close or message.chunked or message.upgrade or self.http10
        size = checks.head_size(message)
        self._fed = max(self._fed + fed - size, 0)
        limit = incoming.serving.header_limit
        return checks.headers_too_large(limit) if size > limit else None

    def _await_body(
        self, incoming: Incoming, message: RawRequestMessage, payload: StreamReader
    ) -> LocalReply | None:
        length = message.headers.get("Content-Length")
        if length is not None and int(length) > incoming.serving.body_limit:
            return checks.body_too_large(incoming.serving.body_limit)
        self._payload = payload
        self._had = payload.total_bytes
        self.drained = False
        self.receiving = True
        if incoming.shape.expect >= 0 and not self.http10 and not payload.total_bytes:
            self.wants_continue = True
        return self._check_body(incoming, payload)

    def _check_body(self, incoming: Incoming, payload: StreamReader) -> LocalReply | None:
        serving = incoming.serving
        size = payload.total_bytes
        if size > serving.body_limit:
            return checks.body_too_large(serving.body_limit)
        if incoming.shape.transfer and checks.too_much_framing(
            self._fed, size, serving.header_limit
        ):
            return checks.bad_request("The body's chunks are mostly framing.")
        return None
