import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataplane.observe.access_log import MAX_WAITING_BYTES, AccessLog
from dataplane.observe.metrics import Metrics
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.recorder import BATCH, Recorder
from dataplane.observe.series import DURATION_BUCKETS
from tests.support.wait import until

WALL = 1_760_000_000.25


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    out, into = os.pipe()
    yield out, into
    os.close(out)
    os.close(into)


def record(**facts: object) -> ExchangeRecord:
    return ExchangeRecord(listener="m", status=200, started=5.0, **facts)  # type: ignore[arg-type]


def log_to(fd: int) -> AccessLog:
    return AccessLog(fd, lambda: WALL)


async def test_line_is_json_soon_and_without_defaults(pipe: tuple[int, int]) -> None:
    out, into = pipe
    recorder = Recorder(Metrics(), log_to(into), lambda _: None)
    recorder.finish(record(model="gpt"), 5.5)
    os.set_blocking(out, False)
    lines = b""

    def came() -> bool:
        nonlocal lines
        try:
            lines += os.read(out, 1000)
        except BlockingIOError:
            return False
        return True

    await until(came)
    assert json.loads(lines) == {
        "time": "2025-10-09T08:53:20.250Z",
        "listener": "m",
        "status": 200,
        "detail": "via_upstream",
        "model": "gpt",
        "duration_s": 0.5,
    }


async def test_full_batch_is_written_at_once(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as file:
        recorder = Recorder(Metrics(), log_to(file.fileno()), lambda _: None)
        for _ in range(BATCH):
            recorder.finish(record(), 5.5)
        assert len((tmp_path / "log").read_bytes().splitlines()) == BATCH


async def test_reader_that_does_not_read_costs_lines_and_no_time(pipe: tuple[int, int]) -> None:
    _, into = pipe
    log = log_to(into)
    count = 2 * MAX_WAITING_BYTES // 100
    for _ in range(count // BATCH):
        log.write([record(path="/" + "x" * 100) for _ in range(BATCH)])
    assert 0 < log.dropped < count


async def test_lines_to_a_pipe_are_never_torn(pipe: tuple[int, int]) -> None:
    out, into = pipe
    log = log_to(into)
    log.write([record(path="/" + "x" * 500) for _ in range(500)])
    os.set_blocking(out, False)
    while True:
        try:
            piece = os.read(out, 1 << 16)
        except BlockingIOError:
            break
        assert piece.endswith(b"\n")
        log.flush()


async def test_broken_log_is_no_error_of_a_request(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    log = log_to(fd)
    os.close(fd)
    log._blocks = False
    log.write([record()])
    assert log.dropped == 1


async def test_only_sampled_records_are_traced() -> None:
    traced: list[ExchangeRecord] = []
    recorder = Recorder(Metrics(), None, traced.append)
    recorder.finish(record(), 6.0)
    recorder.finish(record(sampled=True), 6.0)
    assert [one.sampled for one in traced] == [True]


async def test_metrics_are_exact_whenever_they_are_read() -> None:
    metrics = Metrics()
    recorder = Recorder(metrics, None, lambda _: None)
    recorder.finish(record(provider="p", input_tokens=3, output_tokens=4, first_byte_s=0.2), 5.3)
    recorder.finish(record(agents=("a", "b")), 7.0)
    recorder.finish(record(), 5.0)
    families = {family.name: family for family in metrics.families()}
    requests = families["outrider_requests_total"]
    assert requests.samples == {
        ("m", "p", "2xx", "via_upstream"): 1,
        ("m", "b", "2xx", "via_upstream"): 1,
        ("m", "", "2xx", "via_upstream"): 1,
    }
    assert requests.labels == ("listener", "provider", "class", "detail")
    tokens = families["outrider_tokens_total"].samples
    assert tokens["m", "p", "input"] == 3
    assert tokens["m", "p", "output"] == 4
    duration = families["outrider_request_duration_seconds"]
    sample = duration.samples["m", "p"]
    assert isinstance(sample, tuple)
    counts, total = sample
    assert duration.buckets == DURATION_BUCKETS
    assert len(counts) == len(DURATION_BUCKETS) + 1
    assert counts[DURATION_BUCKETS.index(0.5)] == 1
    assert sum(counts) == 1
    assert total == pytest.approx(0.3)


def test_lent_gauges_are_read_when_asked() -> None:
    metrics = Metrics()
    value = 1.0
    metrics.gauge("g", "about", (), lambda: {(): value})
    value = 2.0
    assert metrics.families()[-1].samples == {(): 2.0}
