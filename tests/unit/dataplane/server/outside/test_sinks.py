import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail
from dataplane.server.outside import sinks
from dataplane.server.outside.sinks import Count, FileTarget, HttpTarget, Sink
from dataplane.tasks import Tasks


class Slow:
    """A target that waits for the test."""

    def __init__(self) -> None:
        self.may_go = asyncio.Event()
        self.lines = b""

    async def write(self, lines: bytes) -> None:
        await self.may_go.wait()
        self.lines += lines


async def test_entries_become_lines_with_their_time(tmp_path: Path) -> None:
    counts: Count = Counter()
    path = tmp_path / "log.jsonl"
    sink = Sink("log", FileTarget(str(path)), lambda: 1.5, Tasks(), counts)
    sink.put(b'{"n":1}')
    sink.put(b'{"n":2}')
    await sink.flush()
    sink.put(b'{"n":3}')
    await sink.flush()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"time": "1970-01-01T00:00:01.500Z", "n": n} for n in (1, 2, 3)]
    assert counts == {("log", "written"): 3}
    assert path.stat().st_mode & 0o777 == 0o600


async def test_nobody_waits_for_a_slow_sink_and_what_does_not_fit_is_counted() -> None:
    counts: Count = Counter()
    target = Slow()
    sink = Sink("log", target, lambda: 0.0, Tasks(), counts)
    entry = b'{"x":"%b"}' % (b"x" * (sinks.MAX_WAITING_BYTES // 3))
    for _ in range(5):
        sink.put(entry)
    target.may_go.set()
    await sink.flush()
    assert counts == {("log", "written"): 2, ("log", "dropped"): 3}
    sink.put(b'{"n":1}')
    await sink.flush()
    assert counts[("log", "written")] == 3


@pytest.mark.parametrize(
    "reply",
    [HttpReply(500), CallFailed(ResponseDetail.UPSTREAM_CONNECT_FAILED, "refused")],
    ids=["an error", "no connection"],
)
async def test_what_cannot_be_delivered_is_counted(
    reply: HttpReply | CallFailed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "RETRY_S", 0.0)
    asked: list[Request] = []

    async def post(request: Request) -> HttpReply | CallFailed:
        asked.append(request)
        return reply

    counts: Count = Counter()
    sink = Sink("log", HttpTarget("/in", post), lambda: 0.0, Tasks(), counts)
    sink.put(b'{"n":1}')
    await sink.flush()
    assert counts == {("log", "failed"): 1}
    assert len(asked) == 1 + sinks.RETRIES
    assert (asked[0].method, asked[0].path) == ("POST", "/in")
    assert asked[0].header("content-type") == "application/x-ndjson"
