"""The end of every exchange: counted, logged, and traced when it was chosen for that.

Counting and logging are done for a few exchanges at a time: code that has just run runs three times
faster. Never for many: a batch every 50 ms tripled p99. And never late: FLUSH_S at most.
"""

import asyncio
from collections.abc import Callable

from dataplane.observe.access_log import AccessLog
from dataplane.observe.metrics import Metrics, Series
from dataplane.observe.record import ExchangeRecord

BATCH = 16  # 40 us
FLUSH_S = 0.05


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
        self._metrics = metrics
        self._access_log = access_log
        self._trace = trace
        self._records: list[ExchangeRecord] = []
        self._series: list[Series] = []
        self._timer: asyncio.TimerHandle | None = None
        metrics.before_reading(self._settle)

    def finish(self, record: ExchangeRecord, now: float, series: Series | None = None) -> None:
        """Say what happened, up to `now`; `series` spares a look-up when the caller has it."""
        record.duration_s = round(now - record.started, 6)
        if series is None:
            target = record.provider or (record.agents[-1] if record.agents else "")
            series = self._metrics.series(record.listener, target)
        if record.sampled:
            self._trace(record)
        records = self._records
        records.append(record)
        self._series.append(series)
        if len(records) >= BATCH:
            self._settle()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._on_timer)

    def flush(self) -> None:
        """Count and log what is left, and write what the log's reader has not taken yet."""
        self._settle()
        if self._access_log is not None:
            self._access_log.flush()

    def _settle(self) -> None:
        records, self._records = self._records, []
        many, self._series = self._series, []
        for record, series in zip(records, many, strict=True):
            series.observe(record)
        if self._access_log is not None and records:
            self._access_log.write(records)

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()
