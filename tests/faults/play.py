"""Playing scenarios against a gateway, all at once: clients that ask, and the judge."""

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard, hang, heard
from tests.faults.scenarios import REQUESTS_IN_OUTAGE, Cell, Timing, healthy
from tests.faults.verdict import Judged, Run, judge
from tests.faults.wall import Wall
from tests.support.raw_client import Reply, connected, post

QUESTION = "Tell me of the river."
PATHS = {
    Protocol.CHAT: "/v1/chat/completions",
    Protocol.MESSAGES: "/v1/messages",
    Protocol.RESPONSES: "/v1/responses",
}
HEADERS = b"content-type: application/json\r\nanthropic-version: 2023-06-01\r\n"
APART_S = 0.02
"""Between the starts of two scenarios: they all are played at the same time."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a cell."""

    cell: Cell
    run: Run
    judged: Judged


def request(protocol: Protocol, model: str, *, stream: bool = True) -> dict[str, Any]:
    """What a client of a protocol sends."""
    turns = [{"role": "user", "content": QUESTION}]
    match protocol:
        case Protocol.CHAT:
            body: dict[str, Any] = {"model": model, "messages": turns}
            if stream:
                body["stream_options"] = {"include_usage": True}
        case Protocol.MESSAGES:
            body = {"model": model, "max_tokens": 200, "messages": turns}
        case _:
            body = {"model": model, "input": QUESTION, "store": False}
    return body | ({"stream": True} if stream else {})


@dataclass(frozen=True, slots=True)
class Got:
    """The bytes of an answer; read later, because that takes its time and we share a loop."""

    protocol: Protocol
    at: float
    seconds: float
    reply: Reply | None
    """None: nobody waits for it any more."""
    stream: bool = True

    def heard(self) -> Heard:
        """What a client makes of it."""
        if self.reply is None:
            return hang(self.protocol, self.seconds)
        return heard(self.protocol, self.reply, self.seconds, stream=self.stream)


async def ask(
    port: int,
    protocol: Protocol,
    model: str,
    patience_s: float,
    *,
    stream: bool = True,
    headers: bytes = b"",
) -> Got:
    """One request on a connection of its own, and every byte of its answer."""
    at = time.monotonic()
    body = json.dumps(request(protocol, model, stream=stream)).encode()
    async with connected(port) as client:
        # A caller of its own: retries are charged to callers, and all is asked at the same time.
        own = b"authorization: Bearer sk-%b\r\n" % model.encode()
        client.send(post(body, path=PATHS[protocol], headers=HEADERS + own + headers))
        try:
            reply = await client.reply(patience_s)
        except TimeoutError:
            reply = None
    return Got(protocol, at, time.monotonic() - at, reply, stream)


async def play(cells: Sequence[Cell], port: int, wall: Wall, timing: Timing) -> list[Result]:
    """Every cell, at the same time."""

    async def later(place: int, cell: Cell) -> tuple[Cell, list[Got], Got]:
        await asyncio.sleep(place * APART_S)
        return cell, *await _play(cell, port, timing)

    played = await asyncio.gather(*(later(n, cell) for n, cell in enumerate(cells)))
    return [_judged(cell, got, after, wall, timing) for cell, got, after in played]


async def _play(cell: Cell, port: int, timing: Timing) -> tuple[list[Got], Got]:
    if cell.scenario.name == "s15":
        got = await _outage(cell, port, timing)
    else:
        got = [await ask(port, cell.client, cell.alias, timing.patience_s)]
    return got, await ask(port, cell.client, healthy(cell.client), timing.patience_s)


def _judged(cell: Cell, got: Sequence[Got], after: Got, wall: Wall, timing: Timing) -> Result:
    run = Run(
        [one.heard() for one in got],
        [one.at for one in got],
        wall.of(cell.primary),
        wall.of(cell.fallback),
        cell.primary,
        cell.fallback,
        after.heard(),
        wall.outage_s,
    )
    checks = cell.scenario.checks_for(cell.provider, timing)
    return Result(cell, run, judge(run, checks, wants_error=cell.scenario.wants_error))


async def _outage(cell: Cell, port: int, timing: Timing) -> list[Got]:
    """One request each period, until the primary must have come back."""
    began = time.monotonic()
    count = max(REQUESTS_IN_OUTAGE, int((timing.outage_s + timing.back_s) / timing.period_s))

    async def one(number: int) -> Got:
        await asyncio.sleep(began + number * timing.period_s - time.monotonic())
        return await ask(port, cell.client, cell.alias, timing.patience_s)

    return list(await asyncio.gather(*(one(number) for number in range(count))))


def differences(results: Iterable[Result]) -> list[str]:
    """Every result that is no pass, with its reasons."""
    return [
        f"{one.cell.alias}: {one.judged.verdict}: {'; '.join(one.judged.reasons)}"
        for one in results
        if one.judged.reasons
    ]
