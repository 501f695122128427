"""Versions of an agent: shares, conversations that keep theirs, and stores that forget."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.support.agents import Service, never, replies, says, service
from tests.support.planes import Planes, planes
from tests.support.stores import postgres_server, redis_server
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: billing
    versions:
      - {{name: v1, url: "{v1}", weight: {first}}}
      - {{name: v2, url: "{v2}/base", weight: {second}}}
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - id: billing
        description: Bills and payments.
"""


@dataclass
class Desk:
    """An agent with two versions behind one listener."""

    planes: Planes
    v1: Service
    v2: Service
    http: ClientSession
    more: str = ""

    async def apply(self, agent: str = "", listener: str = "", shares: str = "10") -> None:
        """Serve more keys of the agent, and of the agent at its listener."""
        config = CONFIG.format(v1=self.v1.url, v2=self.v2.url, first=shares[0], second=shares[1])
        config = config.replace("    versions:\n", f"{agent}    versions:\n")
        await self.planes.apply(config + listener)

    async def weigh(self, first: int, second: int) -> None:
        """Give the versions other shares."""
        config = CONFIG.format(v1=self.v1.url, v2=self.v2.url, first=first, second=second)
        await self.planes.apply(config + self.more)

    async def ask(self, text: str, worker: int = 0, **headers: str) -> str:
        """The version that answered, as the client is told."""
        body = {"model": "any", "messages": [{"role": "user", "content": text}]}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = self.planes.url("desk", worker) + "/v1/chat/completions"
        async with self.http.post(url, json=body, headers=named) as answer:
            said: dict[str, Any] = await answer.json()
            assert answer.status == 200, said
            told = answer.headers["x-outrider-versions"]
            assert told == f"billing@{said['choices'][0]['message']['content']}"
            return told.removeprefix("billing@")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as made:
        yield made


async def desk_of(
    stack: AsyncExitStack,
    directory: Path,
    shares: tuple[int, int] = (1, 1),
    more: str = "",
    workers: int = 1,
) -> Desk:
    v1, v2 = [await stack.enter_async_context(service(says(name))) for name in ("v1", "v2")]
    config = CONFIG.format(v1=v1.url, v2=v2.url, first=shares[0], second=shares[1]) + more
    made = await stack.enter_async_context(planes(config, directory, workers=workers))
    http = await stack.enter_async_context(ClientSession())
    return Desk(made, v1, v2, http, more)


async def test_versions_get_their_shares_of_conversations(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk = await desk_of(stack, tmp_path, (3, 1))
    seen = Counter([await desk.ask(f"Question {number}") for number in range(60)])
    assert set(seen) == {"v1", "v2"}
    assert seen["v1"] > 30
    assert {one.path for one in desk.v2.received} == {"/base/v1/chat/completions"}


async def test_a_conversation_keeps_its_version_when_the_shares_change(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk = await desk_of(stack, tmp_path, (1, 0))
    assert await desk.ask("Hello", x_model_affinity="mine") == "v1"
    await desk.weigh(0, 1)
    assert await desk.ask("And now?", x_model_affinity="mine") == "v1"
    assert await desk.ask("Hello", x_model_affinity="other") == "v2"


async def test_a_version_that_is_taken_away_is_replaced(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk = await desk_of(stack, tmp_path, (0, 1))
    assert await desk.ask("Hello", x_model_affinity="mine") == "v2"
    config = CONFIG.format(v1=desk.v1.url, v2=desk.v2.url, first=1, second=1)
    await desk.planes.apply("\n".join(x for x in config.splitlines() if "name: v2" not in x))
    assert await desk.ask("And now?", x_model_affinity="mine") == "v1"


async def test_a_conversation_without_a_word_is_known_by_how_it_began(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk = await desk_of(stack, tmp_path, (1, 0))
    first = [await desk.ask(f"Question {number}") for number in range(3)]
    await desk.weigh(0, 1)
    assert [await desk.ask(f"Question {number}") for number in range(3)] == first


async def test_versions_are_in_log_and_metrics(stack: AsyncExitStack, tmp_path: Path) -> None:
    desk = await desk_of(stack, tmp_path, (0, 1))
    await desk.ask("Hello", x_model_affinity="mine")
    log = tmp_path / "access.log"
    await until(lambda: '"versions":["billing@v2"]' in log.read_text())
    assert '"session":"mine"' in log.read_text()
    families = {one.name: one.samples for one in desk.planes.workers[0].families()}
    labels = ("desk", "billing@v2", "2xx", "via_upstream")
    assert families["outrider_requests_total"][labels] == 1.0


@pytest.mark.parametrize(
    ("kind", "server"), [("redis", redis_server), ("postgres", postgres_server)]
)
async def test_workers_share_sessions_in_a_store(
    stack: AsyncExitStack,
    tmp_path: Path,
    kind: str,
    server: Callable[[], AbstractContextManager[str]],
) -> None:
    url = stack.enter_context(server())
    shared = f"routing: {{session_cache: {{type: {kind}, url: '{url}'}}}}\n"
    desk = await desk_of(stack, tmp_path, (1, 0), shared, workers=2)
    assert await desk.ask("Hello", x_model_affinity="mine") == "v1"
    await desk.weigh(0, 1)
    assert await desk.ask("And now?", worker=1, x_model_affinity="mine") == "v1"


async def test_a_store_that_is_away_costs_no_request(stack: AsyncExitStack, tmp_path: Path) -> None:
    away = "routing: {session_cache: {type: redis, url: 'redis://127.0.0.1:1/0'}}\n"
    desk = await desk_of(stack, tmp_path, (1, 1), away)
    first = [await desk.ask("Hello", x_model_affinity=str(number)) for number in range(8)]
    again = [await desk.ask("And now?", x_model_affinity=str(number)) for number in range(8)]
    assert again == first


def families(desk: Desk) -> dict[str, Any]:
    return {one.name: one.samples for one in desk.planes.workers[0].families()}


async def test_another_version_stands_in_for_one_that_fails(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk = await desk_of(stack, tmp_path)
    await desk.apply(listener="        on_failure: other_version\n", shares="91")
    desk.v1.answer = replies(500, {})
    seen = {await desk.ask(f"Question {number}") for number in range(8)}
    assert seen == {"v2"}
    assert desk.v1.received != []
    log = tmp_path / "access.log"
    told = '"steps":["billing@v1;failed=500","billing@v2;ok"]'
    await until(lambda: told in log.read_text())


SHADOW = "    shadow: {version: v2, max_concurrent: 1, answers_file: FILE}\n"


async def test_a_shadow_is_asked_the_same_and_only_recorded(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk, file = await desk_of(stack, tmp_path), tmp_path / "answers.jsonl"
    await desk.apply(agent=SHADOW.replace("FILE", str(file)))
    assert await desk.ask("Hello") == "v1"
    await until(lambda: file.exists() and file.read_text().endswith("\n"))
    line = json.loads(file.read_text())
    assert (line["agent"], line["version"], line["answered_by"]) == ("billing", "v2", "v1")
    assert (line["status"], line["text"]) == (200, "v2")
    assert desk.v2.received[0].body == desk.v1.received[0].body
    assert "x-outrider-run" not in desk.v2.received[0].headers
    labels = ("shadow:desk", "billing@v2", "2xx", "via_upstream")
    await until(lambda: families(desk)["outrider_requests_total"].get(labels) == 1.0)
    await until(lambda: '"shadow":true' in (tmp_path / "access.log").read_text())


async def test_a_shadow_that_fails_or_hangs_is_nothing_to_the_client(
    stack: AsyncExitStack, tmp_path: Path
) -> None:
    desk = await desk_of(stack, tmp_path)
    await desk.apply(agent=SHADOW.replace(", answers_file: FILE", ""))
    desk.v2.answer = replies(503, {})
    assert await desk.ask("Hello") == "v1"
    failed = ("shadow:desk", "billing@v2", "5xx", "agent_failed")
    await until(lambda: families(desk)["outrider_requests_total"].get(failed) == 1.0)
    desk.v2.answer = never()
    asked = len(desk.v2.received)
    assert await desk.ask("Hello") == "v1"
    await until(lambda: len(desk.v2.received) > asked)
    assert await desk.ask("Hello") == "v1"
    assert families(desk)["outrider_shadows_left_out_total"] == {("billing@v2",): 1.0}


async def test_a_shadow_ends_with_its_worker(stack: AsyncExitStack, tmp_path: Path) -> None:
    hanging = await stack.enter_async_context(AsyncExitStack())
    desk = await desk_of(hanging, tmp_path)
    await desk.apply(agent=SHADOW.replace(", answers_file: FILE", ""))
    desk.v2.answer = never()
    assert await desk.ask("Hello") == "v1"
    await until(lambda: desk.v2.received != [])
    async with asyncio.timeout(5):
        await hanging.aclose()
