"""Spans on their way to an OTLP collector, after the fact and off the event loop.

Rule: an exchange that is not sampled never touches the OpenTelemetry SDK. Without `tracing` it is
not even imported.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dataplane.observe.spans import Attribute, Kind, Span, of_exchange
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from dataplane.clock import Clock
    from dataplane.observe.record import ExchangeRecord
    from dataplane.runtime.config import Tracing

SERVICE_NAME = "outrider"
EXPORT_TIMEOUT_S = 5
CLOSE_TIMEOUT_S = 3.0
"""A collector that is down must not hold up the end of a data plane."""

log = logging.getLogger(__name__)


class Tracer:
    """One per worker. Without a Tracing it forgets what it is told."""

    def __init__(
        self,
        clock: Clock,
        getrandbits: Callable[[int], int],
        *,
        export_every_s: float = 2.0,
    ) -> None:
        self._clock = clock
        self._getrandbits = getrandbits
        self._export_every_s = export_every_s
        self._tracing: Tracing | None = None
        self._export: _Export | None = None
        self._tasks = Tasks()
        self._closing: set[asyncio.Task[None]] = set()

    async def configure(self, tracing: Tracing | None) -> None:
        """Send spans there from now on; those that were told before still go to the old place."""
        if tracing == self._tracing:
            return
        export = None
        if tracing is not None:
            # The first import of the SDK takes 0.3 s.
            export = await asyncio.to_thread(_Export, tracing, self._export_every_s)
        before, self._export = self._export, export
        self._tracing = tracing
        if before is not None:
            closing = self._tasks.start(before.close(CLOSE_TIMEOUT_S), name="close tracing")
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def new_span_id(self) -> str:
        """For a child span whose id goes upstream before it ends."""
        return f"{self._getrandbits(64) | 1:016x}"

    def finish(self, record: ExchangeRecord) -> None:
        """Make the span of a finished exchange. Call it for sampled ones only."""
        if self._export is not None:
            self._export.add(
                of_exchange(record),
                (record.trace_id, record.span_id, record.parent_span_id),
                self._since_epoch(),
            )

    def child(self, record: ExchangeRecord, span: Span, span_id: str = "") -> None:
        """Make a span within an exchange. Call it for sampled ones only."""
        if self._export is not None:
            self._export.add(
                span,
                (record.trace_id, span_id or self.new_span_id(), record.span_id),
                self._since_epoch(),
            )

    async def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Send what was told so far, as far as that is possible in time."""
        before, self._export, self._tracing = self._export, None, None
        if before is not None:
            await before.close(timeout_s)
        await asyncio.gather(*self._closing)

    def _since_epoch(self) -> float:
        return self._clock.wall() - self._clock.now()


class _Export:
    """The SDK's part: a queue, a thread and a gRPC channel."""

    def __init__(self, tracing: Tracing, every_s: float) -> None:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(
            endpoint=tracing.endpoint,
            insecure=not tracing.endpoint.startswith("https:"),
            timeout=EXPORT_TIMEOUT_S,
        )
        self._static: dict[str, Attribute] = dict(tracing.static_attributes)
        self._resource: Resource = Resource.create({"service.name": SERVICE_NAME})
        self._processor: BatchSpanProcessor = BatchSpanProcessor(
            exporter, schedule_delay_millis=every_s * 1000
        )
        self._exporter = exporter

    def add(self, span: Span, place: tuple[str, str, str], since_epoch: float) -> None:
        """Queue a span; `place` is its trace, its own id and its parent's (empty: none)."""
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        trace_id, span_id, parent_id = place
        kinds = {
            Kind.SERVER: SpanKind.SERVER,
            Kind.CLIENT: SpanKind.CLIENT,
            Kind.INTERNAL: SpanKind.INTERNAL,
        }

        def context(identity: str, remote: bool) -> SpanContext:
            flags = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(int(trace_id, 16), int(identity, 16), remote, flags)

        self._processor.on_end(
            ReadableSpan(
                span.name,
                context=context(span_id, remote=False),
                parent=context(parent_id, span.kind is Kind.SERVER) if parent_id else None,
                resource=self._resource,
                attributes={
                    name: _encodable(value)
                    for name, value in {**self._static, **span.attributes}.items()
                },
                kind=kinds[span.kind],
                status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
                start_time=int((span.started + since_epoch) * 1e9),
                end_time=int((span.ended + since_epoch) * 1e9),
            )
        )

    async def close(self, timeout_s: float) -> None:
        """Send what is queued, and stop."""
        ended = asyncio.to_thread(self._processor.shutdown)
        try:
            async with asyncio.timeout(timeout_s):
                await ended
        except TimeoutError:
            log.warning("the tracing collector did not take the last spans in %g s", timeout_s)
            # Ends the export under way, and with it the thread above.
            self._exporter.shutdown(timeout_millis=0)


def _encodable(value: Attribute) -> Attribute:
    """One string that is no UTF-8 (a header may be) would cost the whole batch its sending."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
