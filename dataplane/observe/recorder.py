"""The end of every exchange: counted, logged, and traced when it was chosen for that."""

from collections.abc import Callable

from dataplane.observe.access_log import AccessLog
from dataplane.observe.metrics import Metrics, Series
from dataplane.observe.record import ExchangeRecord


class Recorder:
    """Tells metrics, access log and tracer of a finished exchange, in that order.

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

    def finish(self, record: ExchangeRecord, now: float, series: Series | None = None) -> None:
        """Say what happened, up to `now`; `series` spares a look-up when the caller has it."""
        record.duration_s = round(now - record.started, 6)
        if series is None:
            target = record.provider or (record.agents[-1] if record.agents else "")
            series = self._metrics.series(record.listener, target)
        series.observe(record)
        if record.sampled:
            self._trace(record)
        if self._access_log is not None:
            self._access_log.write(record, now)
