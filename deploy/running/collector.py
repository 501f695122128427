"""A collector that keeps the spans it is sent: OTLP over gRPC."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(TraceServiceServicer):
    """`address` is what goes into a config; spans come into `spans` in the order they are sent."""

    def __init__(self) -> None:
        self.address = ""
        self.spans: Queue[Span] = Queue()
        self.services: set[str] = set()

    def Export(
        self, request: ExportTraceServiceRequest, context: grpc.ServicerContext
    ) -> ExportTraceServiceResponse:
        """See TraceServiceServicer."""
        for resource in request.resource_spans:
            for attribute in resource.resource.attributes:
                if attribute.key == "service.name":
                    self.services.add(attribute.value.string_value)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.put(span)
        return ExportTraceServiceResponse()

    def take(self, count: int) -> dict[str, Span]:
        """The next spans, by name."""
        spans = [self.spans.get(timeout=10) for _ in range(count)]
        return {span.name: span for span in spans}

    def all(self) -> list[Span]:
        """Those that nobody has taken yet."""
        spans: list[Span] = []
        while not self.spans.empty():
            spans.append(self.spans.get())
        return spans


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    """A running collector; with port 0 the system chooses one."""
    server = grpc.server(ThreadPoolExecutor(2))
    running = Collector()
    add_TraceServiceServicer_to_server(running, server)  # type: ignore[no-untyped-call] # generated
    running.address = f"127.0.0.1:{server.add_insecure_port(f'127.0.0.1:{port}')}"
    server.start()
    try:
        yield running
    finally:
        server.stop(None).wait()


def attributes(span: Span) -> dict[str, object]:
    """A span's attributes as plain values."""
    return {one.key: _plain(one.value) for one in span.attributes}


def _plain(value: AnyValue) -> object:
    if value.WhichOneof("value") == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, value.WhichOneof("value") or "string_value")
