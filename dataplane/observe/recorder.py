"""The end of every exchange: counted, logged, and traced when it was chosen for that.

Counting and logging are done for a few exchanges at a time: code that has just run runs three times
faster. Never for many: a batch every 50 ms tripled p99. And never late: FLUSH_S at most.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from dataplane.observe.access_log import AccessLog
from dataplane.observe.latency import Latencies
from dataplane.observe.metrics import Metrics
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.series import Series
from dataplane.observe.tally import Tally

BATCH: Final = 64  # a quarter of a millisecond; over Envoy: 16 gives 0.92, 64 0.90
FLUSH_S: Final = 0.05
LINES = 20
"""Refusals in FLUSH_S that have a line each in the log: 400 a second, a few thousandths of a core.
Of a hundred thousand that say the same nobody reads more.
"""


class Alike:
    """Refusals of one listener that have no line of their own yet."""

    __slots__ = ("count", "ended", "last", "series")

    def __init__(self, series: Series) -> None:
        self.series = series
        self.count = 0
        self.last: Callable[[], ExchangeRecord] | None = None
        """Makes the record of the latest, which has `ended` then."""
        self.ended = 0.0


class Recorder:
    """Tells tracer, metrics and access log of a finished exchange.

    `trace` is called for sampled records only: an unsampled exchange never touches the tracing SDK.
    """

    def __init__(
        self,
        metrics: Metrics,
        access_log: AccessLog | None,
        trace: Callable[[ExchangeRecord], None],
    ) -> None:
        self.finished = 0
        """Exchanges, since the start; those of the last moments are not in it yet."""
        self.latencies: Latencies | None = None
        """Told of answers, when somebody wants to know."""
        self._metrics = metrics
        self._access_log = access_log
        self._trace = trace
        self._batch: list[tuple[ExchangeRecord | Tally, Series | None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._lines = LINES
        self._alike: dict[str, Alike] = {}
        """Refusals without a line of their own, by listener."""
        metrics.before_reading(self.settle)

    def finish_later(self, tally: Tally, now: float, series: Series | None) -> None:
        """As `finish`, for what is still to be made a record of."""
        tally.ended = now
        batch = self._batch  # (as _keep does: one call less for every request)
        batch.append((tally, series))
        if len(batch) >= BATCH:
            self.settle()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._on_timer)

    def finish(self, record: ExchangeRecord, now: float, series: Series | None = None) -> None:
        """Say what happened, up to `now`; `series` spares a look-up when the caller has it."""
        record.duration_s = round(now - record.started, 6)
        if record.sampled:
            self._trace(record)
        self._keep(record, series)

    def finish_alike(
        self,
        listener: str,
        status: int,
        started: float,
        now: float,
        make: Callable[[], ExchangeRecord],
    ) -> None:
        """As `finish`, for what is refused under overload. Metrics count all of them; when there
        are many, the last one of a moment tells in the log how many were `alike`.
        """
        if self._lines:
            self._lines -= 1
            self.finish(make(), now)
            return
        self.finished += 1
        alike = self._alike.get(listener)
        if alike is None:
            self._alike[listener] = alike = Alike(self._metrics.series(listener, ""))
            self._await_timer()
        alike.series.refused(status, now - started)
        alike.count += 1
        alike.last, alike.ended = make, now

    def _keep(self, told: ExchangeRecord | Tally, series: Series | None) -> None:
        batch = self._batch
        batch.append((told, series))
        if len(batch) >= BATCH:
            self.settle()
        else:
            self._await_timer()

    def _await_timer(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._on_timer)

    def flush(self) -> None:
        """Count and log what is left, and write what the log's reader has not taken yet."""
        self.settle()
        self._lines = LINES
        self._log_alike()
        if self._access_log is not None:
            self._access_log.flush()

    def settle(self) -> None:
        """Count and log those that have finished, without a wait for more of them."""
        batch, self._batch = self._batch, []
        self.finished += len(batch)
        records: list[ExchangeRecord] = []
        counted, counting = 0, None
        for told, series in batch:
            if isinstance(told, Tally):
                record = told.record()
                if record.sampled:
                    self._trace(record)
                if told.watch is not None:
                    told.watch(record)
                if told.charge is not None:
                    told.charge.settle(record)
            else:
                record = told
            if series is None:
                series = self._series_of(record)
            if series is not counting:
                if counting is not None:
                    counting.observe(records[counted:])
                counted, counting = len(records), series
            records.append(record)
            if record.then is not None:
                then, record.then = record.then, None
                then(record)
        if counting is not None:
            counting.observe(records[counted:])
        if self.latencies is not None and self.latencies.wanted:
            _measure(records, self.latencies)
        if self._access_log is not None and records:
            self._access_log.write(records)

    def _log_alike(self) -> None:
        """One line for each listener that has refused more than have lines of their own."""
        refused, self._alike = self._alike, {}
        records = []
        for alike in refused.values():
            if alike.last is not None:
                record = alike.last()
                record.duration_s = round(alike.ended - record.started, 6)
                record.alike = alike.count - 1
                records.append(record)
        if self._access_log is not None and records:
            self._access_log.write(records)

    def _series_of(self, record: ExchangeRecord) -> Series:
        return self._metrics.series(record.listener, record.provider or _last_agent(record))

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()


def _last_agent(record: ExchangeRecord) -> str:
    """Who answered on an agent listener, with its version; empty elsewhere."""
    last = record.agents[-1] if record.agents else ""
    return next((one for one in record.versions if one.partition("@")[0] == last), last)


def _measure(records: list[ExchangeRecord], latencies: Latencies) -> None:
    for record in records:
        if record.provider and record.first_byte_s and 200 <= record.status < 300:
            waited_s = record.first_byte_s - record.decision_s
            latencies.saw(record.provider, record.stream, waited_s)
