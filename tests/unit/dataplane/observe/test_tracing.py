import subprocess
import sys
from random import Random

import pytest

from dataplane.clock import MonotonicClock
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.spans import of_agent
from dataplane.observe.tracing import Tracer
from dataplane.runtime.config import Tracing
from deploy.running.collector import Collector, attributes, collector

RECORD = ExchangeRecord(
    method="POST",
    path="/v1/chat/completions",
    status=200,
    trace_id="a" * 32,
    span_id="b" * 16,
    parent_span_id="c" * 16,
    sampled=True,
)


def tracer(every_s: float = 0.01) -> Tracer:
    return Tracer(MonotonicClock(), Random(1).getrandbits, export_every_s=every_s)


def tracing(to: Collector) -> Tracing:
    return Tracing(f"http://{to.address}", 100.0, (("team", "travel"),))


async def test_spans_keep_their_place_in_the_trace() -> None:
    with collector() as got:
        trace = tracer()
        await trace.configure(tracing(got))
        trace.finish(RECORD)
        trace.child(RECORD, of_agent("weather", 1.0, 2.0, 500, ""), "d" * 16)
        spans = got.take(2)
        await trace.close()
    server, agent = spans["POST /v1/chat/completions"], spans["invoke_agent weather"]
    assert server.trace_id.hex() == agent.trace_id.hex() == "a" * 32
    assert (server.span_id.hex(), server.parent_span_id.hex()) == ("b" * 16, "c" * 16)
    assert (agent.span_id.hex(), agent.parent_span_id.hex()) == ("d" * 16, "b" * 16)
    assert (server.kind, agent.kind) == (server.SPAN_KIND_SERVER, agent.SPAN_KIND_CLIENT)
    assert agent.status.code == agent.status.STATUS_CODE_ERROR
    assert attributes(server)["team"] == "travel"
    assert got.services == {"outrider"}


async def test_attribute_that_is_no_utf8_costs_no_other_span() -> None:
    with collector() as got:
        trace = tracer()
        await trace.configure(tracing(got))
        odd = ExchangeRecord(
            trace_id="a" * 32, span_id="b" * 16, attributes={"tenant": "\udcff"}, status=200
        )
        trace.finish(odd)
        (span,) = got.take(1).values()
        await trace.close()
    assert attributes(span)["tenant"] == "?"


async def test_times_are_told_on_the_wall_clock() -> None:
    clock = MonotonicClock()
    with collector() as got:
        trace = tracer()
        await trace.configure(tracing(got))
        trace.child(RECORD, of_agent("weather", clock.now() - 1.0, clock.now(), 200, ""))
        span = got.take(1)["invoke_agent weather"]
        await trace.close()
    assert span.end_time_unix_nano / 1e9 == pytest.approx(clock.wall(), abs=60)
    assert (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9 == pytest.approx(1, abs=0.1)


async def test_new_config_sends_elsewhere_and_loses_nothing() -> None:
    with collector() as before, collector() as after:
        trace = tracer(every_s=60)
        await trace.configure(tracing(before))
        trace.finish(RECORD)
        await trace.configure(tracing(after))
        trace.finish(RECORD)
        await trace.close()
        assert before.take(1).keys() == after.take(1).keys()


async def test_without_tracing_spans_are_forgotten() -> None:
    trace = tracer()
    await trace.configure(None)
    trace.finish(RECORD)
    await trace.close()


async def test_collector_that_is_down_does_not_hold_up_the_end() -> None:
    with collector() as gone:
        pass
    trace = tracer(every_s=60)
    await trace.configure(tracing(gone))
    trace.finish(RECORD)
    started = MonotonicClock().now()
    await trace.close(timeout_s=0.2)
    assert MonotonicClock().now() - started < 3


def test_sdk_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, dataplane.server.exchange, dataplane.observe.tracing\n"
        "sys.exit('opentelemetry.sdk' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
