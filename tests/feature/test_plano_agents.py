"""Plano's scenarios of choosing agents: one agent, the router's order, nobody, a router that fails.

The router is a model asked as Plano-Orchestrator is; its config is one that Plano reads.
"""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web

from tests.support.agents import Received, Service, completion, says, service
from tests.support.planes import Planes, planes
from tests.support.plano import scenario

QUESTION = {"role": "user", "content": "Will it rain tomorrow in Oslo?"}
AGENTS = {"a": "Weather forecasts: rain, wind and snow.", "b": "Flights and tickets."}


@dataclass
class Desk:
    """A gateway with two agents and their router."""

    agents: dict[str, Service]
    router: Service
    planes: Planes = field(init=False)
    http: ClientSession = field(init=False)
    says: str = '{"route": []}'
    """What the router answers."""
    status: int = 200
    """The status of the router's answer."""
    told: dict[str, str] = field(default_factory=dict)
    """Headers of the last answer."""

    async def route(self, _: Received) -> web.StreamResponse:
        """The router."""
        return web.json_response(completion(self.says), status=self.status)

    async def ask(self, listener: str = "both") -> str:
        """What the client reads."""
        body = {"model": "any", "messages": [QUESTION]}
        url = self.planes.url(listener) + "/v1/chat/completions"
        async with self.http.post(url, json=body) as answer:
            assert answer.status == 200, await answer.text()
            self.told = {name.lower(): value for name, value in answer.headers.items()}
            text: str = (await answer.json())["choices"][0]["message"]["content"]
            return text


def config(desk: Desk) -> dict[str, Any]:
    """A file of Plano's, as its demo with a local orchestrator has it."""
    offered = [{"id": name, "description": text} for name, text in AGENTS.items()]
    listening = {"type": "agent", "router": "plano_orchestrator_v1", "port": 0}
    weights = "plano/katanemo/Plano-Orchestrator-4B"
    return {
        "version": "v0.4.0",
        "agents": [{"id": name, "url": one.url} for name, one in desk.agents.items()],
        "model_providers": [{"model": weights, "base_url": desk.router.url}],
        "listeners": [
            {"name": "both", "address": "127.0.0.1", "agents": offered, **listening},
            {"name": "one", "address": "127.0.0.1", "agents": offered[:1], **listening},
        ],
        "overrides": {"agent_orchestration_model": weights},
    }


@asynccontextmanager
async def desk(directory: Path) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        agents = {
            name: await stack.enter_async_context(service(says(f"This is {name}.")))
            for name in AGENTS
        }
        made = Desk(agents, await stack.enter_async_context(service(says())))
        made.router.answer = made.route
        text = json.dumps(config(made))
        made.planes = await stack.enter_async_context(planes(text, directory))
        made.http = await stack.enter_async_context(ClientSession())
        yield made


@scenario(1, "same")
async def test_one_agent_is_called_without_a_router(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert await at.ask("one") == "This is a."
        assert at.router.received == []
        assert at.agents["a"].received[0].path == "/v1/chat/completions"


@scenario(2, "same")
async def test_agents_run_in_the_routers_order(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.says = "{'route': ['b', 'a']}"
        assert await at.ask() == "This is a."
        assert at.told["x-outrider-agents"] == "b,a"
        assert at.agents["a"].received[0].body["messages"] == [
            {"role": "assistant", "name": "b", "content": "This is b."},
            QUESTION,
        ]


@scenario(2, "better: fences, prose and a name in place of a list are read, none runs twice")
async def test_router_need_not_keep_to_the_form(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.says = 'I choose:\n```json\n{"route": ["b", "b"]}\n```'
        assert await at.ask() == "This is b."
        at.says = '{"route": "b"}'
        assert await at.ask() == "This is b."
        assert len(at.agents["b"].received) == 2


@scenario(2, "same")
async def test_router_is_asked_as_its_weights_are_trained(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.ask()
        body = at.router.received[0].body
        assert body.keys() == {"model", "messages", "temperature"}
        assert (body["model"], body["temperature"]) == ("katanemo/Plano-Orchestrator-4B", 0.01)
        (message,) = body["messages"]
        assert message["role"] == "user"
        nothing = '"parameters": {"type": "object", "properties": {}, "required": []}'
        for name, text in AGENTS.items():
            assert (
                f'\n{{"name": "{name}", "description": "{text}", {nothing}}}\n'
                in (message["content"])
            )
        assert f"<conversation>\n{json.dumps([QUESTION], indent=4)}\n" in message["content"]


@scenario(3, "same")
async def test_default_agent_answers_when_the_router_names_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for said in ('{"route": []}', '{"route": null}', '{"route": ["stranger"]}', ""):
            at.says = said
            assert await at.ask() == "This is a."
            assert "default agent a" in at.told["x-outrider-reason"]


@scenario(4, "better: the embedded router chooses, the request is answered, a header says why")
async def test_router_that_fails_costs_no_request(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.status = 503
        assert await at.ask() == "This is a."
        assert at.told["x-outrider-reason"].startswith(
            "the routing model failed: it answered 503; a "
        )
        at.status, at.says = 200, "Well, that depends."
        assert await at.ask() == "This is a."
        assert "not the JSON" in at.told["x-outrider-reason"]
