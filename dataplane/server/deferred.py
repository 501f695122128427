"""The end of an exchange that is told later than its upstream's: when the client has everything."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dataplane.observe.tally import Tally

if TYPE_CHECKING:
    from dataplane.observe.record import ExchangeRecord
    from dataplane.observe.series import Series
    from dataplane.runtime.messages import ResponseDetail
    from dataplane.server.serving import Records


class Deferred:
    """Implements Records (serving.py) for one exchange."""

    __slots__ = ("_ended_at", "_on_end", "_recorder", "_tell", "facts", "filter", "verdict")

    def __init__(self, recorder: "Records", on_end: Callable[[float], None]) -> None:
        self._recorder = recorder
        self._on_end: Callable[[float], None] | None = on_end
        self._tell: Callable[[float], None] | None = None
        self.facts: Tally | ExchangeRecord | None = None
        """What became of it for who answers; None: that is not over."""
        self.verdict: tuple[int, ResponseDetail] | None = None
        """What the client got instead; a status of 0: the one that was told."""
        self.filter = ""
        """Who said so."""
        self._ended_at = 0.0
        """When who answers had."""

    def finish_later(self, tally: "Tally", now: float, series: "Series | None") -> None:
        """See Records."""
        self._tell = lambda at: self._recorder.finish_later(tally, at, series)
        self.facts = tally
        self._ended_at = now
        self._ended(now)

    def finish(self, record: "ExchangeRecord", now: float, series: "Series | None" = None) -> None:
        """See Records."""
        self._tell = lambda at: self._recorder.finish(record, at, series)
        self.facts = record
        self._ended(now)

    def _ended(self, now: float) -> None:
        """Tell it once, and leave no cycle behind: 41 objects an answer were the collector's."""
        on_end, self._on_end = self._on_end, None
        assert on_end is not None
        on_end(now)

    def tell(self, now: float, bytes_sent: int) -> None:
        """All of it is over, for the client too."""
        facts, tell = self.facts, self._tell
        assert facts is not None
        assert tell is not None
        if self.verdict is not None:
            status, facts.detail = self.verdict
            facts.status = status or facts.status
            facts.filter = self.filter
        if isinstance(facts, Tally):
            facts.aside_s += now - self._ended_at
        facts.bytes_sent = bytes_sent
        self._tell = None
        tell(now)
