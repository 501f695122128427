"""What one exchange has taken of its limits: reserved, trued up while it streams, settled once.

The rule: however an exchange ends, what it has reserved is settled, and not twice. Requests at the
same time are free again when the answer has ended; tokens and money when it has been read for its
usage, which is a batch of the recorder later (50 ms at most).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from dataplane.observe.record import ExchangeRecord
from dataplane.resilience.quota_book import Book, Part
from dataplane.runtime.limits import NANO, Measure
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.server.limits.sizes import BYTES_PER_TOKEN, Tokens, about, size, surely

if TYPE_CHECKING:
    from dataplane.runtime.choosing import Price

PriceOf = Callable[[str, str], "Price | None"]
"""The price of a provider's model."""
STEP_EVENTS: Final = 16
"""A stream is trued up after so many."""
_REQUESTS: Final = Measure.REQUESTS
_TOKENS: Final = Measure.TOKENS
_OUTPUT_TOKENS: Final = Measure.OUTPUT_TOKENS
_COST: Final = Measure.COST
_CONCURRENT: Final = Measure.CONCURRENT
_VIA_UPSTREAM: Final = ResponseDetail.VIA_UPSTREAM


class Charge:
    """One exchange's."""

    __slots__ = (
        "_book",
        "_closed",
        "_events",
        "_hurry",
        "_parts",
        "_price_of",
        "_prompt",
        "_received",
        "_stepped",
        "lines",
    )

    def __init__(
        self,
        book: Book,
        parts: list[Part],
        prompt: int,
        price_of: PriceOf,
        lines: bytes = b"",
        hurry: Callable[[], None] | None = None,
    ) -> None:
        """`prompt`: how many tokens were reserved for it; `lines`: headers for the client; `hurry`
        is called when its answer has ended, where it should be settled at once.
        """
        self._hurry = hurry
        self._book = book
        self._parts = parts
        self._prompt = prompt
        self._price_of = price_of
        self._received = self._events = self._stepped = 0
        self._closed = False
        self.lines = lines

    @property
    def headers(self) -> Headers:
        """What the client is told."""
        pairs = (line.split(": ", 1) for line in self.lines.decode().splitlines())
        return tuple((name, value) for name, value in pairs)

    def delivered(self, data: bytes) -> None:
        """A piece of a stream has come."""
        self._received += len(data)
        self._events += data.count(b"\n\n")
        if self._events - self._stepped >= STEP_EVENTS:
            self._stepped = self._events
            output = surely(self._events)
            for part in self._parts:
                measure = part.holding.measure
                if measure is _TOKENS or measure is _OUTPUT_TOKENS:
                    self._book.progress(part, output)

    def close(self) -> None:
        """The answer has ended, or will never come."""
        if not self._closed:
            self._closed = True
            for part in self._parts:
                if part.holding.returns:
                    self._book.settle(part, 0)
            if self._hurry is not None:
                self._hurry()

    def settle(self, record: ExchangeRecord) -> None:
        """What became of the exchange is known."""
        self.close()
        parts, self._parts = self._parts, []
        if self._hurry is not None:
            self._book.wake()  # others in the run should know
        used: Tokens | None = None
        price: Price | None = None
        aside_in, aside_out = record.side_input_tokens, record.side_output_tokens
        known = False
        for part in parts:
            measure = part.holding.measure
            if measure is _CONCURRENT:
                continue
            if not known:
                used, known = self._used(record, aside_in, aside_out), True
            own = used
            if own is None and part.holding.limit.run_of:
                own = Tokens(self._prompt, record.bytes_sent // BYTES_PER_TOKEN)
            more = 0
            if measure is _COST:
                price = self._price_of(record.provider, record.upstream_model)
                more = round(record.side_cost_usd * NANO)
            elif (aside_in or aside_out) and measure is not _REQUESTS:
                more = size(measure, Tokens(aside_in, aside_out), None)
            if own is None:
                self._book.settle(part, part.spent + part.reserved + more)
            else:
                self._book.settle(part, size(measure, own, price) + more)

    def spend(self, tokens: int, calls: int = 1) -> None:
        """So much was used, whatever that was."""
        self.close()
        parts, self._parts = self._parts, []
        used = {_TOKENS: tokens, _REQUESTS: calls}
        for part in parts:
            if not part.holding.returns:
                self._book.settle(part, used.get(part.holding.measure, 0))

    def _used(self, record: ExchangeRecord, aside_in: int, aside_out: int) -> Tokens | None:
        """Of the exchange, without what was asked beside it; None: what was reserved."""
        own_in = record.input_tokens - aside_in
        own_out = record.output_tokens - aside_out
        whole = record.detail is _VIA_UPSTREAM
        if own_in or own_out:
            if not whole and record.stream:
                own_out = max(own_out, about(self._events, self._received))
            cached = record.input_cached_tokens
            if aside_in:
                cached -= record.side_cached_tokens
            return Tokens(own_in or self._prompt, own_out, cached)
        if whole and 200 <= record.status < 300:
            return None
        if record.bytes_sent and record.status < 300:
            output = about(self._events, self._received) if record.stream else 0
            return Tokens(self._prompt, output)
        if record.detail is ResponseDetail.DOWNSTREAM_GONE and record.attempts:
            return Tokens(self._prompt, 0)
        return Tokens(0, 0)
