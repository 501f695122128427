"""Who chooses among agents: the embedded router, a model, a cascade of both."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.support.agents import Received, Service, completion, never, replies, says, service
from tests.support.planes import Planes, planes
from tests.support.wait import until

AGENTS = {
    "weather": (
        "Weather forecasts for cities: temperature, rain, wind and snow today and tomorrow.",
        ["What is the weather in Oslo today?", "Will it rain in Lisbon tomorrow?"],
    ),
    "flights": (
        "Finds flights between cities: departure times, airlines and ticket prices.",
        ["Find me a flight from Zurich to Lisbon", "What does a ticket to Oslo cost?"],
    ),
}
CLEAR = "What is the weather in Oslo today?"
VAGUE = "I would like to go there"  # neither words nor MiniLM are sure, whoever is ready


@dataclass
class Desk:
    """A gateway whose agents are chosen in several ways."""

    planes: Planes
    router: Service
    http: ClientSession
    told: Mapping[str, str] = field(default_factory=dict)

    async def ask(self, listener: str, *turns: str) -> str:
        """The agents that answered; the turns are the user's and the assistant's, by turns."""
        roles = ("user", "assistant")
        messages = [{"role": roles[i % 2], "content": one} for i, one in enumerate(turns)]
        url = self.planes.url(listener) + "/v1/chat/completions"
        async with self.http.post(url, json={"model": "any", "messages": messages}) as answer:
            assert answer.status == 200, await answer.text()
            self.told = {name.lower(): value for name, value in answer.headers.items()}
            return self.told["x-outrider-agents"]

    def counted(self, family: str) -> dict[tuple[str, ...], Any]:
        """The samples of a metric."""
        found = [one for one in self.planes.workers[0].families() if one.name == family]
        return dict(found[0].samples)


Start = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def starting(plan: dict[str, Any] | None = None, **listeners: dict[str, Any]) -> Desk:
            agents = {
                name: await stack.enter_async_context(service(says("Yes."))) for name in AGENTS
            }
            router = await stack.enter_async_context(service(says()))
            offered = [
                {"id": name, "description": text, "examples": examples}
                for name, (text, examples) in AGENTS.items()
            ]
            config = {
                "version": "v0.4.0",
                "agents": [{"id": name, "url": one.url} for name, one in agents.items()],
                "model_providers": [{"model": "openai/judge", "base_url": router.url}],
                "listeners": [
                    {
                        "type": "agent",
                        "name": name,
                        "address": "127.0.0.1",
                        "port": 0,
                        "agents": offered,
                        "orchestrator": orchestrator,
                        **({"plan": plan} if plan else {}),
                    }
                    for name, orchestrator in listeners.items()
                ],
            }
            made = await stack.enter_async_context(planes(json.dumps(config), tmp_path))
            return Desk(made, router, await stack.enter_async_context(ClientSession()))

        yield starting


def chooses(*names: str) -> Callable[[Received], Awaitable[web.StreamResponse]]:
    async def answer(_: Received) -> web.StreamResponse:
        return web.json_response(completion(json.dumps({"route": names})))

    return answer


MODEL = {"type": "model", "model": "openai/judge"}
CASCADE = {"type": "cascade", "model": "openai/judge"}


async def test_any_model_is_asked_with_a_schema_of_the_agents(start: Start) -> None:
    desk = await start(travel=MODEL)
    desk.router.answer = chooses("flights")
    assert await desk.ask("travel", CLEAR) == "flights"
    assert desk.told["x-outrider-reason"] == "openai/judge chose flights"
    body = desk.router.received[0].body
    schema = body["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["route"]["items"]["enum"] == ["weather", "flights"]
    assert AGENTS["weather"][0] in body["messages"][0]["content"]
    assert json.loads(body["messages"][1]["content"]) == [{"role": "user", "content": CLEAR}]


async def test_model_that_knows_no_schema_is_asked_without(start: Start) -> None:
    async def answer(one: Received) -> web.StreamResponse:
        if "response_format" in one.body:
            return web.json_response({"error": {"message": "response_format?"}}, status=400)
        return web.json_response(completion("flights"))

    desk = await start(travel=MODEL)
    desk.router.answer = answer
    assert await desk.ask("travel", CLEAR) == "flights"


async def test_slow_model_leaves_it_to_the_embedded_router(start: Start) -> None:
    desk = await start(travel=MODEL | {"timeout": "100ms"})
    desk.router.answer = never()
    assert await desk.ask("travel", CLEAR) == "weather"
    assert desk.told["x-outrider-reason"].startswith("the routing model failed: ")
    assert desk.counted("outrider_decision_failures_total") == {("travel", "model"): 1.0}


async def test_cascade_asks_only_where_the_router_is_not_sure(start: Start) -> None:
    desk = await start(travel=CASCADE)
    desk.router.answer = chooses("flights")
    assert await desk.ask("travel", CLEAR) == "weather"
    assert desk.router.received == []
    assert await desk.ask("travel", CLEAR, "Dry and 20 degrees.", VAGUE) == "flights"
    assert len(desk.router.received) == 1
    assert desk.told["x-outrider-reason"].startswith("openai/judge chose flights; ")
    shares = desk.counted("outrider_decisions_total")
    assert sum(count for (_, _, method), count in shares.items() if method == "model") == 1.0
    assert sum(shares.values()) == 2.0
    assert desk.counted("outrider_decision_agreements_total") == {("travel", "false"): 1.0}


async def test_cascade_goes_on_with_the_router_when_its_model_is_down(start: Start) -> None:
    desk = await start(travel=CASCADE | {"ask_below": 1.0})
    desk.router.answer = replies(503, {})
    assert await desk.ask("travel", CLEAR) == "weather"
    assert "the routing model failed" in desk.told["x-outrider-reason"]


async def test_dead_model_is_not_asked_for_every_request(start: Start) -> None:
    desk = await start(travel=MODEL)
    desk.router.answer = replies(500)
    for _ in range(7):
        assert await desk.ask("travel", CLEAR) == "weather"
    assert len(desk.router.received) == 5
    assert "has failed too often lately" in desk.told["x-outrider-reason"]
    assert desk.counted("outrider_breaker_open")[("provider:openai/judge",)] == 1.0


async def test_what_deciding_uses_up_is_the_clients(start: Start, tmp_path: Path) -> None:
    desk = await start(travel=MODEL)
    desk.router.answer = chooses("flights")
    assert await desk.ask("travel", CLEAR) == "flights"
    used = {("openai/judge", "input"): 3.0, ("openai/judge", "output"): 5.0}
    assert desk.counted("outrider_side_model_tokens") == used
    log = tmp_path / "access.log"
    await until(lambda: log.exists() and bool(log.read_text().splitlines()))
    logged = json.loads(log.read_text().splitlines()[0])
    assert (logged["input_tokens"], logged["output_tokens"]) == (6, 10), "the agent's as well"
    assert (logged["side_input_tokens"], logged["side_output_tokens"]) == (3, 5)


async def test_deciding_takes_of_the_runs_budget(start: Start) -> None:
    desk = await start(plan={"budget": {"tokens": 8}}, travel=MODEL)
    desk.router.answer = chooses("flights")
    url = desk.planes.url("travel") + "/v1/chat/completions"
    asked = {"model": "any", "messages": [{"role": "user", "content": CLEAR}]}
    async with desk.http.post(url, json=asked) as answer:
        assert answer.status == 422
        assert "budget of this run, 8 tokens, is used up" in (await answer.text())
