"""Why agents are chosen: asked on the listener, on demand with an answer, and over the fleet."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from click.testing import CliRunner, Result

from controlplane.cli.main import main
from tests.support.agents import Service, says, service
from tests.support.planes import Planes, planes
from tests.support.wait import until

CLEAR = "What is the weather in Oslo today?"
DESCRIBED = {
    "weather": "Weather forecasts for cities: temperature, rain and snow today and tomorrow.",
    "flights": "Finds flights between cities: departure times, airlines and ticket prices.",
}
MESSAGES = [{"role": "user", "content": CLEAR}]


@dataclass
class Desk:
    planes: Planes
    agents: list[Service]
    http: ClientSession

    def url(self, path: str, listener: str = "travel") -> str:
        return self.planes.url(listener) + path

    async def run(self, *words: str) -> Result:
        """What `outrider` says."""
        argv = [*words, "--admin", self.planes.control.admin_address]
        return await asyncio.to_thread(CliRunner().invoke, main, argv)

    @property
    def called(self) -> int:
        """How often any agent was."""
        return sum(len(one.received) for one in self.agents)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        agents = [await stack.enter_async_context(service(says("Yes."))) for _ in DESCRIBED]
        at = {"type": "agent", "address": "127.0.0.1", "port": 0}
        offered = [{"id": name, "description": text} for name, text in DESCRIBED.items()]
        config = {
            "version": "v0.4.0",
            "agents": [
                {"id": name, "url": one.url} for name, one in zip(DESCRIBED, agents, strict=True)
            ],
            "model_providers": [{"model": "openai/base", "base_url": agents[0].url}],
            "listeners": [
                {"name": "travel", "agents": offered, **at},
                {"name": "solo", "agents": offered[:1], **at},
                {"name": "models", "type": "model", "address": "127.0.0.1", "port": 0},
            ],
        }
        made = await stack.enter_async_context(planes(json.dumps(config), tmp_path, workers=2))
        await until(lambda: len(made.control.reporting.workers) == 2)
        yield Desk(made, agents, await stack.enter_async_context(ClientSession()))


BODIES: Sequence[Any] = [
    pytest.param("/routing/v1/chat/completions", {"messages": MESSAGES}, id="chat"),
    pytest.param("/routing/v1/messages", {"max_tokens": 9, "messages": MESSAGES}, id="messages"),
    pytest.param("/routing/v1/responses", {"input": CLEAR}, id="responses"),
]


@pytest.mark.parametrize(("path", "body"), BODIES)
async def test_listener_tells_whom_it_would_call(
    desk: Desk, path: str, body: dict[str, Any]
) -> None:
    async with desk.http.post(desk.url(path), json={"model": "m", **body}) as answer:
        assert answer.status == 200
        told = await answer.json()
    assert (told["agents"], told["listener"], told["shape"]) == (["weather"], "travel", "one")
    assert told["scores"][0]["agent"] == "weather"
    assert {one["agent"] for one in told["scores"]} == set(DESCRIBED)
    assert told["confidence"] >= told["min_confidence"] == 0.5
    assert "weather" in told["reason"]
    assert desk.called == 0


async def test_question_that_cannot_be_read_is_refused(desk: Desk) -> None:
    url = desk.url("/routing/v1/chat/completions")
    async with desk.http.post(url, json={"messages": "?"}) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "invalid_body"


async def test_all_of_a_decision_comes_with_the_answer_on_demand(desk: Desk) -> None:
    url, body = desk.url("/v1/chat/completions"), {"messages": MESSAGES}
    async with desk.http.post(url, json=body, headers={"x-outrider-explain": "1"}) as answer:
        told = json.loads(answer.headers["x-outrider-decision"])
        assert told["agents"] == ["weather"]
        assert told["scores"][1]["agent"] == "flights"
    async with desk.http.post(url, json=body) as answer:
        assert "x-outrider-decision" not in answer.headers
    assert not any("x-outrider-explain" in one.received[-1].headers for one in desk.agents[:1])


async def test_command_explains_without_calling_anybody(desk: Desk) -> None:
    shown = await desk.run("explain", "travel", CLEAR)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[0] == "weather"
    assert "min_confidence 0.5" in shown.stdout
    told = await desk.run("explain", "travel", CLEAR, "Dry.", "and tomorrow?", "--json")
    answer = json.loads(told.stdout)
    assert answer["explanation"]["agents"] == ["weather"]
    assert answer["explanation"]["previous"] == "weather"
    assert answer["worker"] in desk.planes.control.reporting.workers
    assert desk.called == 0


async def test_command_reads_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "conversation.json"
    file.write_text(json.dumps({"model": "m", "messages": MESSAGES}))
    shown = await desk.run("explain", "travel", "--file", str(file))
    assert shown.stdout.splitlines()[0] == "weather"
    file.write_text(json.dumps(MESSAGES))
    assert (await desk.run("explain", "solo", "--file", str(file))).exit_code == 0


WRONG: Sequence[Any] = [
    pytest.param(["explain", "nowhere", "Hi"], "no connected worker knows listener 'nowhere'"),
    pytest.param(["explain", "models", "Hi"], "has no agents: ask its /routing/v1"),
    pytest.param(["explain", "travel", "Hi", "--worker", "x/9"], "no worker 'x/9' is connected"),
    pytest.param(["explain", "travel"], "give MESSAGES or --file"),
    pytest.param(["explain", "travel", "Hi", "Hello"], "give an odd number"),
]


@pytest.mark.parametrize(("words", "problem"), WRONG)
async def test_what_cannot_be_explained_is_told_in_one_line(
    desk: Desk, words: list[str], problem: str
) -> None:
    result = await desk.run(*words)
    assert result.exit_code != 0
    assert problem in result.output
