"""What a relayed exchange leaves behind, as it came: bytes and objects, no text yet.

A relay fills it in while it runs; the recorder turns it into an ExchangeRecord later, a few at a
time. That is a quarter of what making the record on the way costs (5 us a request).
"""

from typing import TYPE_CHECKING, Any, Final, Protocol

from dataplane.llm.hub.answer import Usage
from dataplane.llm.usage import (
    TAIL_BYTES,
    usage_in_tail,
    usage_of_chat,
    usage_of_gzip,
    usage_of_json,
    usage_of_stream,
)
from dataplane.observe.record import NO_TIME, ExchangeRecord
from dataplane.observe.traceparent import Place
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataplane.runtime.principal import Principal


class Charged(Protocol):
    """What an exchange has taken of limits (server/limits/charge.py)."""

    @property
    def headers(self) -> Headers:
        """What its client is told of them."""

    def delivered(self, data: bytes) -> None:
        """A piece of a stream was passed on."""

    def close(self) -> None:
        """The answer has ended."""

    def settle(self, record: ExchangeRecord) -> None:
        """What became of the exchange is known; not called for what `close` found waiting."""


_CHAT_PATH: Final = CHAT_PATH
_TAIL_BYTES: Final = TAIL_BYTES
_VIA_UPSTREAM: Final = ResponseDetail.VIA_UPSTREAM  # (an attribute of an Enum is slow)


class Tally:
    """The facts of one exchange. Times are on Clock.now()."""

    __slots__ = (
        "_begun",
        "_last",
        "_place",
        "_tail",
        "_told",
        "aside_s",
        "attempts",
        "attributes",
        "bytes_received",
        "bytes_sent",
        "charge",
        "detail",
        "encoding",
        "ended",
        "endpoint",
        "failures",
        "filter",
        "first_byte",
        "listener",
        "method",
        "model",
        "path",
        "principal",
        "provider",
        "recovery",
        "request_id",
        "route",
        "started",
        "status",
        "stream",
        "upstream_model",
        "upstream_request_id",
        "wasted_tokens",
        "watch",
    )

    wasted_tokens: int
    """What attempts that were thrown away have cost; only set with `failures`."""

    def __init__(
        self,
        listener: str,
        method: str,
        path: str,
        request_id: bytes,
        place: Place,
        started: float,
        bytes_received: int,
        begun: ExchangeRecord | None = None,
    ) -> None:
        """`begun` is the record of an exchange that filters have looked at first."""
        self._begun = begun
        self._place = place
        self._tail = self._last = b""
        self._told: Usage | None = None
        self.listener = listener
        self.method = method
        self.path = path
        self.request_id = request_id
        self.started = started
        self.bytes_received = bytes_received
        self.aside_s = 0.0
        """What others than the upstream took of the time: filters, who chooses a model."""
        self.attempts = 0
        self.attributes: dict[str, str] | None = None
        """Of the span, when there will be one."""
        self.bytes_sent = 0
        self.charge: Charged | None = None
        """What it has taken of limits, or will."""
        self.detail = _VIA_UPSTREAM
        self.encoding = b""
        """Content-Encoding of the answer; usage is read of whole ones in gzip, of no others."""
        self.ended = 0.0
        self.endpoint = ""
        self.failures: Sequence[str] = ()
        """Of attempts that were thrown away."""
        self.filter = ""
        """The one that has ended it."""
        self.first_byte = 0.0
        self.model: str | None = None
        self.principal: Principal | None = None
        self.provider = ""
        self.recovery = ""
        """How a stream that broke was gone on with."""
        self.route = ""
        self.status = 0
        self.stream = False
        self.upstream_model = ""
        self.upstream_request_id = b""
        self.watch: Callable[[ExchangeRecord], None] | None = None
        """Who balances by what answers tell of themselves."""

    keeps = False
    """Whether every byte of the answer matters, not only what its end tells."""

    @property
    def is_continued(self) -> bool:
        """Whether a coroutine has looked at the exchange before."""
        return self._begun is not None

    @property
    def place(self) -> Place:
        """Where the exchange stands in a trace."""
        return self._place

    def more(self, body: bytes) -> None:
        """A piece of the answer that is not the last; its end may tell the usage."""
        size = len(body)
        if size < TAIL_BYTES:
            self._tail = self._tail[size - TAIL_BYTES :] + body
        else:
            self._tail = body[-TAIL_BYTES:]

    def last(self, body: bytes) -> None:
        """The last piece of the answer."""
        self._last = body

    def told(self, usage: Usage) -> None:
        """The usage, of an answer that somebody has read anyhow."""
        self._told = usage

    def heard(self, record: ExchangeRecord) -> None:
        """Filters of the answer have something to say of it, too."""
        self._begun = record

    def record(self) -> ExchangeRecord:
        """All of it, as logs, metrics and traces tell it."""
        header, parent_span_id, sampled = self._place
        started = self.started
        first_byte = self.first_byte
        whole_s = self.ended - started
        ids = header.decode("latin-1")
        upstream_s: Any = NO_TIME
        if self.attempts:  # (an expression with both would be a float, compiled)
            upstream_s = int((whole_s - self.aside_s) * 1e6) / 1e6
        # By position, in the order of ExchangeRecord: 0.2 us, and 1.1 by name.
        record = ExchangeRecord(
            "",
            self.listener,
            self.method,
            self.path,
            self.request_id.decode("latin-1"),
            ids[3:35],
            ids[36:52],
            parent_span_id,
            sampled,
            started,
            self.status,
            self.detail,
            self.route,
            self.model or "",
            self.provider,
            self.upstream_model,
            (),
            "",
            self.endpoint,
            self.upstream_request_id.decode("latin-1"),
            self.attempts,
            self.stream,
            self.bytes_received,
            self.bytes_sent,
            int((first_byte - started) * 1e6) / 1e6 if first_byte else 0.0,
            upstream_s,
            NO_TIME,
            int(whole_s * 1e6) / 1e6,  # (round() costs twice as much)
        )
        if self.filter:
            record.filter = self.filter
        usage = self._told or self._usage()
        if usage is not None:
            record.input_tokens = usage.input
            record.output_tokens = usage.output
            if usage.cache_read or usage.reasoning:
                record.input_cached_tokens = usage.cache_read
                record.reasoning_tokens = usage.reasoning
        if self.attributes:
            record.attributes = self.attributes
        if self.failures:
            record.failures = tuple(self.failures)
            record.wasted_tokens = self.wasted_tokens
            record.recovery = self.recovery
        if self.principal is not None:
            record.principal = self.principal.id
            record.tenant = self.principal.tenant
            if self.principal.run is not None:
                record.run_id = self.principal.run.run
        begun = self._begun
        if begun is not None:
            record.decision = begun.decision
            record.decision_s = begun.decision_s
            record.agents = begun.agents
            record.attributes = begun.attributes
            record.route_preference = begun.route_preference
            record.pinned = begun.pinned
            record.switched = begun.switched
            record.flags = begun.flags
            record.spend(begun)
            record.then, begun.then = begun.then, None
        return record

    def _usage(self) -> Usage | None:
        if self.encoding:
            if self._tail or self.encoding.lower() != b"gzip":
                return None
            return usage_of_gzip(self._last)
        if self.stream or self._tail:
            return self._usage_of_stream(self._tail + self._last[-_TAIL_BYTES:])
        return (usage_of_chat if self.path == _CHAT_PATH else usage_of_json)(self._last)

    def _usage_of_stream(self, tail: bytes) -> Usage | None:
        return usage_in_tail(tail)


class EarlyTally(Tally):
    """Of streams that tell a part of their usage at the beginning (Anthropic's)."""

    __slots__ = ("_head",)

    def more(self, body: bytes) -> None:
        """See Tally."""
        if not self._tail:
            self._head = b""
        if len(self._head) < TAIL_BYTES:
            self._head += body[:TAIL_BYTES]
        super().more(body)

    def _usage_of_stream(self, tail: bytes) -> Usage | None:
        return usage_of_stream(self._head if self._tail else self._last, tail)
