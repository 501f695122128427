"""Tracing: a collector that can be called."""

from controlplane.config import schema, values
from controlplane.config.rules.findings import Findings


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `tracing`."""
    if config.tracing is None:
        return
    endpoint = config.tracing.opentracing_grpc_endpoint
    if values.read_url(endpoint).path:
        hint = "OTLP over gRPC is host and port only, such as http://localhost:4317"
        path = ("tracing", "opentracing_grpc_endpoint")
        findings.add(path, f"{endpoint!r} has a path", hint)
