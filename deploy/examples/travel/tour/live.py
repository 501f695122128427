"""A config change while requests run: who acknowledged it, when, and did any request notice."""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import openai
from openai import AsyncOpenAI
from outriderpb.admin.v1 import fleet_pb2
from outriderpb.admin.v1.fleet_pb2_grpc import FleetServiceStub

from deploy.examples.travel.tour.questions import BOTH, WEATHER, Question, ask, follow_up, user

ADMIN = "127.0.0.1:18001"
ACKED_WITHIN_S = 15.0
STEADY_S = 0.7  # load before and after the change, so that both sides of it are seen

OLD_ROUTE = """\
          Finds flights between cities: departure and arrival times, airlines and ticket prices.
        examples:
"""
NEW_ROUTE = """\
          Finds flights between cities: departure and arrival times, airlines and ticket prices.
          Rents cars at every airport.
        examples:
          - I would like to rent a car
          - How much is a rental car in Rome for three days?
"""
CAR = (user("I need a rental car in Athens."),)
CAR_BEFORE = Question("before", CAR, expected_agents=("weather",))
CAR_AFTER = Question("after", CAR, expected_agents=("flights",), expected_words=("car in Athens",))
COMPLETION = Question("load", (user("Say hello."),), model="fast", stream=True, max_tokens=8)


@dataclass(slots=True)
class Load:
    """What the clients in the background have seen."""

    answered: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class NodeAck:
    """One worker and when it had the new version, counted from the saving of the file."""

    id: str
    version: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Change:
    """Everything the demo shows about the change."""

    old_version: str
    new_version: str
    revision: int
    acks: tuple[NodeAck, ...]
    load: Load
    problems: tuple[str, ...]


def edit_route(config: Path) -> None:
    """Change one route of the file and save it as editors do: whole, by a rename."""
    text = config.read_text(encoding="utf-8")
    if OLD_ROUTE not in text:
        raise ValueError(f"{config}: the route of the flights agent is not what this demo edits")
    draft = config.with_suffix(".draft")
    draft.write_text(text.replace(OLD_ROUTE, NEW_ROUTE), encoding="utf-8")
    os.replace(draft, config)


async def change_under_load(
    agents: AsyncOpenAI, models: AsyncOpenAI, config: Path, workers: int
) -> Change:
    """Edit the file while clients call, until every worker has acknowledged."""
    async with grpc.aio.insecure_channel(ADMIN) as channel:
        fleet = FleetServiceStub(channel)
        before = await fleet.ListNodes(fleet_pb2.ListNodesRequest())
        async with _load(agents, models) as load:
            await asyncio.sleep(STEADY_S)
            edit_route(config)
            acks = await _acks(fleet, before.snapshot_version, workers)
            await asyncio.sleep(STEADY_S)
        after = await fleet.ListNodes(fleet_pb2.ListNodesRequest())
    problems = []
    if len(acks) < workers:
        problems.append(
            f"{len(acks)} of {workers} workers acknowledged within {ACKED_WITHIN_S:g} s"
        )
    problems += [
        f"{node.id} refused: {kind.nack_reason}"
        for node in after.nodes
        for kind in node.types
        if kind.nack_reason
    ]
    problems += [f"a request failed: {failure}" for failure in load.failures[:3]]
    if not load.answered:
        problems.append("the load sent nothing")
    versions = (before.snapshot_version, after.snapshot_version)
    return Change(*versions, after.revision, acks, load, tuple(problems))


async def _acks(fleet: FleetServiceStub, old: str, workers: int) -> tuple[NodeAck, ...]:
    """Watch the fleet until every worker has another version than the old one, and the same."""
    saved = time.perf_counter()
    acks: dict[str, NodeAck] = {}
    watching = fleet.WatchNodes(fleet_pb2.WatchNodesRequest())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ACKED_WITHIN_S):
            async for state in watching:
                if state.snapshot_version == old:
                    continue
                for node in state.nodes:
                    if node.converged and node.snapshot_version == state.snapshot_version:
                        seconds = time.perf_counter() - saved
                        ack = NodeAck(node.id, node.snapshot_version, seconds)
                        acks.setdefault(node.id, ack)
                if len(acks) >= workers:
                    break
    watching.cancel()
    return tuple(sorted(acks.values(), key=lambda ack: ack.id))


@contextlib.asynccontextmanager
async def _load(agents: AsyncOpenAI, models: AsyncOpenAI) -> AsyncIterator[Load]:
    """Clients that call one request after another while the block runs; the last ones finish."""
    load = Load()
    stop = asyncio.Event()
    follow = follow_up("Lisbon today: sunshine, 13 to 21 °C. Sun cream will do.")

    async def repeat(name: str, client: AsyncOpenAI, question: Question | None) -> None:
        while not stop.is_set():
            began = time.perf_counter()
            try:
                if question is None:
                    await client.models.list()
                else:
                    answer = await ask(client, question)
                    load.failures += [f"{name}: {problem}" for problem in answer.problems]
            except openai.OpenAIError as error:
                load.failures.append(f"{name}: {error}")
            load.answered[name] += 1
            load.slowest_s = max(load.slowest_s, time.perf_counter() - began)

    async with asyncio.TaskGroup() as clients:
        for name, client, question in (
            ("one agent", agents, WEATHER),
            ("one agent", agents, follow),
            ("two agents, streamed", agents, BOTH),
            ("two agents, streamed", agents, BOTH),
            ("list of models", models, None),
            ("streamed completion", models, COMPLETION),
        ):
            clients.create_task(repeat(name, client, question))
        try:
            yield load
        finally:
            stop.set()
