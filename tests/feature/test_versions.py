"""Versions of an agent: shares, conversations that keep theirs, and stores that forget."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.support.agents import Service, says, service
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
