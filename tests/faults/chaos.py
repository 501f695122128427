"""The wall of the soak: each attempt fails in a way of its own, chosen by a seeded dice, and one of
its ports is closed now and then. What it really sent goes into the ledger, a line an attempt.

`python -m tests.faults.chaos --seed 1 --ledger FILE` says `ports 1 2 3` and runs until its stdin
ends.
"""

import argparse
import asyncio
import json
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TextIO

from tests.faults.speech import Speech
from tests.faults.wall import (
    FAULTS,
    Answer,
    Attempt,
    Fault,
    Wall,
    endless,
    fails,
    fails_inside,
    garbles,
    healthy,
    late,
    refuses,
    resets,
    silent,
    stalls,
)
from tests.faults.words import ANSWER
from tests.support.ports import free_port
from tests.support.upstream import (
    Close,
    Cut,
    FakeUpstream,
    Step,
    chunk,
    chunked_head,
    json_answer,
    upstream,
)

OPEN_S = (4.0, 8.0)
CLOSED_S = (0.5, 2.5)
REQUEST_ID = b"x-soak-id"
REMEMBERED = 20_000


def dies_at(token: int, how: Step) -> Fault:
    """After some tokens, or in the middle of an answer that is not streamed."""

    async def dies(wall: Wall, attempt: Attempt) -> Answer:
        speech = wall.speech(attempt)
        attempt.status = 200
        if not attempt.body.get("stream"):
            body = speech.whole(ANSWER)
            head = json_answer(body).removesuffix(body)
            yield head + body[: len(body) * token // 60]
            yield how
        yield chunked_head() + chunk(speech.begin())
        async for step in wall.say(attempt, speech, 0, token):
            yield step
        yield how

    return dies


def fails_at(token: int) -> Fault:
    """An error in the stream, after some tokens, and the body's end."""

    async def told(wall: Wall, attempt: Attempt) -> Answer:
        speech = wall.speech(attempt)
        attempt.status = 200
        yield chunked_head() + chunk(speech.begin())
        async for step in wall.say(attempt, speech, 0, token):
            yield step
        yield chunk(_failed(speech)) + b"0\r\n\r\n"
        attempt.ended = "in-band"

    return told


def _failed(speech: Speech) -> bytes:
    return speech.failed(503, "server_error", "The wall has broken down.")


def dice(random: Random) -> dict[str, tuple[float, Fault]]:
    """What may happen to an attempt, and how often of a hundred times."""
    token = random.randrange(1, 60)
    return {
        "limited": (3, fails(429, b"retry-after: 0\r\n")),
        "limited long": (1, fails(429, b"retry-after: 60\r\n")),
        "fails": (3, fails(500)),
        "down": (4, fails(503)),
        "resets": (3, resets),
        "silent": (0.5, silent),
        "late": (0.5, late),
        "dies": (4, dies_at(token, Close())),
        "dies hard": (2, dies_at(token, Cut())),
        "stalls": (0.5, stalls),
        "garbles": (2, garbles),
        "endless": (1, endless),
        "fails inside": (2, fails_inside),
        "fails late": (2, fails_at(token)),
        "too long": (1, refuses("context")),
        "filtered": (1, refuses("filter")),
    }


WHOLE_ONLY = frozenset(("limited", "limited long", "fails", "down", "resets", "silent"))
"""What may happen to an answer that is not streamed, and `dies`."""


def chosen(random: Random, *, stream: bool) -> tuple[str, Fault]:
    """One fault, or none."""
    mark = random.uniform(0, 100)
    for name, (share, fault) in dice(random).items():
        mark -= share
        if mark < 0:
            if stream or name in WHOLE_ONLY or name.startswith("dies"):
                return name, fault
            break
    return "healthy", healthy


@dataclass(slots=True)
class Chaos:
    """A wall whose models `chaos.ANYTHING` fail by the dice."""

    seed: int
    ledger: TextIO
    tries: OrderedDict[tuple[str, str], int] = field(default_factory=OrderedDict)
    """How often the latest requests have come to a model."""

    def fault(self, wall: Wall, attempt: Attempt) -> Answer:
        """See Fault: the same for the same request and attempt in every run of a seed."""
        asked = attempt.header(REQUEST_ID), attempt.model
        self.tries[asked] = number = self.tries.get(asked, 0) + 1
        if len(self.tries) > REMEMBERED:
            self.tries.popitem(last=False)
        random = Random(f"{self.seed} {asked} {number}")
        attempt.fault, fault = chosen(random, stream=bool(attempt.body.get("stream")))
        return fault(wall, attempt)

    def write(self, attempt: Attempt) -> None:
        """An attempt is over."""
        line = {
            "id": attempt.header(REQUEST_ID),
            "model": attempt.model,
            "at": round(attempt.at, 4),
            "until": round(attempt.ended_at, 4),
            "fault": attempt.fault or attempt.model.partition(".")[0],
            "status": attempt.status,
            "tokens": attempt.tokens,
            "prefill": attempt.prefill is not None,
            "ended": attempt.ended,
        }
        self.ledger.write(json.dumps(line) + "\n")


async def serve(
    wall: Wall, random: Random, stop: asyncio.Event, tell: Callable[[list[int]], None]
) -> None:
    """All ports; the last is closed for a moment now and then, and what runs there is cut."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(upstream(wall.script))
        second = await stack.enter_async_context(upstream(wall.script))
        fakes = [first, second]
        forgetting = asyncio.ensure_future(_forget(fakes))
        # One that nobody else is given while it is closed.
        port = free_port()
        tell([first.endpoint.port, second.endpoint.port, port])
        try:
            while not stop.is_set():
                async with upstream(wall.script, port) as third:
                    fakes[2:] = [third]
                    await _pause(stop, random.uniform(*OPEN_S))
                await _pause(stop, random.uniform(*CLOSED_S))
        finally:
            forgetting.cancel()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _forget(fakes: list[FakeUpstream]) -> None:
    """Requests are in the ledger; a fake need not keep them."""
    while True:
        await asyncio.sleep(1)
        for fake in fakes:
            fake.requests.clear()


async def run(seed: int, ledger: TextIO, token_s: float) -> None:
    """Until stdin ends."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_reader(sys.stdin, stop.set)
    chaos = Chaos(seed, ledger)
    FAULTS["chaos"] = chaos.fault
    wall = Wall(token_s, on_end=chaos.write)
    await serve(wall, Random(seed), stop, lambda ports: print("ports", *ports, flush=True))


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--token-s", type=float, default=0.003)
    args = parser.parse_args()
    with args.ledger.open("w") as ledger:
        asyncio.run(run(args.seed, ledger, args.token_s))


if __name__ == "__main__":
    main()
