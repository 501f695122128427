"""The clients of the soak: they ask at a steady pace whatever the answers are, and write down what
they got. Some leave before the end; half of them keep their connections.

`python -m tests.faults.crowd PLAN.json OUT.jsonl` is a process of its own.
"""

import asyncio
import dataclasses
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TextIO

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard, Kind, hang, heard
from tests.faults.ledger import Asked
from tests.faults.play import HEADERS, PATHS, request
from tests.faults.scenarios import PROTOCOLS
from tests.support.raw_client import RawClient, Reply, post

LEAVES = 0.04
STREAMS = 0.85
KEEPS = 0.5
PATIENCE_S = 40.0
"""The listener's timeout is 20 s."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a crowd does."""

    port: int
    seconds: float
    rate: float
    """Requests in a second, or with `closed` clients that ask one after the other."""
    seed: int
    models: dict[str, list[str]]
    """By protocol: what its clients ask for."""
    closed: bool = False
    prefix: str = "soak"


@dataclass(slots=True)
class Crowd:
    """Who asks."""

    plan: Plan
    out: TextIO
    random: Random
    idle: list[RawClient] = field(default_factory=list)
    asked: int = 0
    wrongs: int = 0

    async def run(self) -> None:
        """Until the time is over and all is answered."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            if self.plan.closed:
                for _ in range(int(self.plan.rate)):
                    group.create_task(self._one_after_the_other(began + self.plan.seconds))
            else:
                due = began
                while due < began + self.plan.seconds:
                    due += self.random.expovariate(self.plan.rate)
                    await asyncio.sleep(due - time.monotonic())
                    group.create_task(self._ask())
        for client in self.idle:
            client.close()

    async def _one_after_the_other(self, until: float) -> None:
        while time.monotonic() < until:
            await self._ask()

    async def _ask(self) -> None:
        self.asked += 1
        name = f"{self.plan.prefix}-{self.asked}"
        random = self.random
        protocol = random.choice(PROTOCOLS)
        model = random.choice(self.plan.models[protocol.value])
        stream = random.random() < STREAMS
        leaves = random.random() < LEAVES and not self.plan.closed
        patience_s = random.uniform(0.001, 0.3) if leaves else PATIENCE_S
        at = time.monotonic()
        reply, left, note = await self._exchange(name, protocol, model, stream, patience_s)
        until = time.monotonic()
        made = None
        if left and not leaves:
            made, left = hang(protocol, until - at), False
        elif not left and reply.status:
            made = heard(protocol, reply, until - at, stream=stream)
        self._write(Asked(name, model, at, until, made, left, note))

    async def _exchange(
        self, name: str, protocol: Protocol, model: str, stream: bool, patience_s: float
    ) -> tuple[Reply, bool, str]:
        """The answer as far as it came, whether we left before its end, and on what connection."""
        body = json.dumps(request(protocol, model, stream=stream)).encode()
        own = b"x-soak-id: %b\r\nx-request-id: %b\r\nauthorization: Bearer sk-%d\r\n" % (
            name.encode(),
            name.encode(),
            self.asked % 50,
        )
        message = post(body, path=PATHS[protocol], headers=HEADERS + own)
        note = "kept" if self.idle else "fresh"
        try:
            async with asyncio.timeout(patience_s):
                client = self.idle.pop() if self.idle else await _connect(self.plan.port)
        except TimeoutError:
            return Reply(), True, note
        except OSError as problem:
            return Reply(), False, f"{note}: {problem}"
        try:
            client.send(message)
            reply = await client.reply(patience_s)
        except TimeoutError:
            client.close()
            return Reply(), True, note
        except OSError as problem:
            client.close()
            return Reply(), False, f"{note}: {problem}"
        keeps = reply.whole and reply.headers.get("connection") != "close"
        if keeps and self.random.random() < KEEPS:
            self.idle.append(client)
        else:
            client.close()
        return reply, False, note

    def _write(self, asked: Asked) -> None:
        line = dataclasses.asdict(asked)
        got = line["heard"]
        if got is not None:
            got["protocol"] = got["protocol"].value
            got["kind"] = got["kind"].value
            is_well = got["kind"] in ("whole", "error")
            got["body"] = "" if is_well else got["body"].decode("latin-1")
        self.out.write(json.dumps(line) + "\n")


def read_asked(line: str) -> Asked:
    """What a crowd has written."""
    said = json.loads(line)
    got = said["heard"]
    if got is not None:
        got["protocol"] = Protocol(got["protocol"])
        got["kind"] = Kind(got["kind"])
        got["body"] = got["body"].encode("latin-1")
        said["heard"] = Heard(**got)
    return Asked(**said)


async def _connect(port: int) -> RawClient:
    return RawClient(*await asyncio.open_connection("127.0.0.1", port))


def main() -> None:
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text()))
    with Path(sys.argv[2]).open("w") as out:
        asyncio.run(Crowd(plan, out, Random(plan.seed)).run())


if __name__ == "__main__":
    main()
