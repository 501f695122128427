"""Plano's scenarios of choosing a model: preferences, the decision API, sessions, the budget."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.agents import Received, Service, completion
from tests.support.plano import Gateway, answer_of, gateway, provider, scenario
from tests.support.wait import until

PREFERENCES: list[dict[str, Any]] = [
    {"name": "code", "description": "Write new code.", "models": ["dear", "cheap"]},
    {"name": "review", "description": "Review code.", "models": ["cheap", "dear"]},
]
INLINE = [{"name": "poems", "description": "Write poems.", "models": ["cheap"]}]
SESSION = "conversation-1"
PRICES = {"base": 1.0, "cheap": 1.0, "dear": 100.0}


@dataclass
class Desk:
    """A gateway whose router is a model that says what the test wants."""

    made: Gateway
    fake: Service
    routes: list[str] = field(default_factory=list)
    """The router's next answer."""
    down: bool = False
    """Whether the router answers 503."""
    routed: int = 0
    """How often the router was asked."""

    async def ask(self, *turns: Any, **headers: str) -> str:
        """The model that answers."""
        said = await self.made.post(body(*turns), **headers)
        assert said.status == 200, said
        model: str = said.body["model"]
        return model

    async def decide(self, **headers: str) -> dict[str, Any]:
        """The decision API's answer."""
        said = await self.made.post(body(), "/routing/v1/chat/completions", **headers)
        assert said.status == 200, said
        told: dict[str, Any] = said.body
        return told

    async def answer(self, one: Received) -> web.StreamResponse:
        """Of the provider, that has the router, too."""
        if one.body["model"] != "m-router":
            return web.json_response(answer_of(one))
        self.routed += 1
        if self.down:
            return web.json_response({"error": {"message": "down"}}, status=503)
        return web.json_response(completion(json.dumps({"route": self.routes})))

    @property
    def sent(self) -> dict[str, Any]:
        """The last request that a model got."""
        return self.fake.received[-1].body


def body(*turns: Any, **more: Any) -> dict[str, Any]:
    """A request for the model `base`."""
    first = {"role": "user", "content": "Write a poem about code."}
    return {"model": "base", "messages": [first, *turns], **more}


@asynccontextmanager
async def desk(
    directory: Path, prices: dict[str, float] | None = None, **more: Any
) -> AsyncIterator[Desk]:
    """`prices` are dollars per million tokens, by model."""
    async with provider() as fake:
        models = [
            {"name": name, "model": f"openai/m-{name}", "base_url": f"{fake.url}/v1"}
            for name in ("base", "dear", "cheap", "router")
        ]
        if prices is not None:
            file = directory / "prices.json"
            file.write_text(json.dumps({n: {"input": p, "output": p} for n, p in prices.items()}))
            source = {"type": "cost", "provider": "file", "path": str(file)}
            more["model_metrics_sources"] = [source]
        more = {
            "routing_preferences": PREFERENCES,
            "overrides": {"llm_routing_model": "router"},
            **more,
        }
        async with gateway(directory, models, **more) as made:
            ready = Desk(made, fake)
            fake.answer = ready.answer
            if prices is not None:
                worker = made.planes.workers[0]
                await until(lambda: bool(worker.client.state.config.model_routing.prices))
            yield ready


@scenario(
    21, "better: the next of the preference's models is asked when the first cannot be reached"
)
async def test_route_that_fits(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.routes = ["code"]
        assert await at.ask() == "m-dear"
        gone = {"name": "dear", "model": "openai/m-dear", "base_url": "http://127.0.0.1:1/v1"}
        others = [
            {"name": name, "model": f"openai/m-{name}", "base_url": f"{at.fake.url}/v1"}
            for name in ("base", "cheap", "router")
        ]
        await at.made.apply(model_providers=[gone, *others])
        assert await at.ask() == "m-cheap"


@scenario(21, "same: ranked by price")
async def test_route_whose_models_are_ranked(tmp_path: Path) -> None:
    cheapest = [{**PREFERENCES[0], "selection_policy": {"prefer": "cheapest"}}]
    async with desk(tmp_path, PRICES, routing_preferences=cheapest) as at:
        at.routes = ["code"]
        assert await at.ask() == "m-cheap"


@scenario(22, "same")
async def test_no_route_fits(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert await at.ask() == "m-base"
        assert at.routed == 1


@scenario(23, "better: the model that was asked for answers, and a header says why")
async def test_router_is_down(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.down = True
        said = await at.made.post(body())
        assert (said.status, said.body["model"]) == (200, "m-base")
        assert "503" in said.headers["x-outrider-route-reason"]


@scenario(24, "better: preferences that cannot be used are a 400, not left out with a warning")
async def test_preferences_in_the_request(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.routes = ["poems"]
        said = await at.made.post(body(routing_preferences=INLINE))
        assert (said.status, said.body["model"]) == (200, "m-cheap")
        assert "routing_preferences" not in at.sent
        asked = next(one.body for one in at.fake.received if one.body["model"] == "m-router")
        assert "poems" in json.dumps(asked)
        assert "review" not in json.dumps(asked)
        said = await at.made.post(body(routing_preferences=[{"name": "poems"}]))
        assert (said.status, said.body["error"]["code"]) == (400, "invalid_body")


@scenario(25, "same")
async def test_decision_without_a_route(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        told = await at.decide()
        assert (told["models"], told["route"]) == (["none"], None)
        assert not told["pinned"]
        assert "session_id" not in told
        assert len(told["trace_id"]) == 32


@scenario(25, "better: `none` is never kept, so the session goes on with a real model")
async def test_decision_without_a_route_in_a_session(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert (await at.decide(x_model_affinity=SESSION))["models"] == ["none"]
        assert await at.ask(x_model_affinity=SESSION) == "m-base"


@scenario(26, "better: the session keeps its model without a budget, the router is not asked again")
async def test_decision_twice_in_a_session(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.routes = ["code"]
        first = await at.decide(**{"X-Model-Affinity": SESSION})
        assert (first["pinned"], first["session_id"]) == (False, SESSION)
        at.routes = ["review"]
        second = await at.decide(**{"X-Model-Affinity": SESSION})
        assert (second["pinned"], second["models"]) == (True, ["dear", "cheap"])
        assert at.routed == 1
        assert await at.ask(**{"X-Model-Affinity": SESSION}) == "m-dear"


@scenario(26, "better: no tenant gets the session of another")
async def test_session_of_another_tenant(tmp_path: Path) -> None:
    cache = {"session_cache": {"tenant_header": "X-Tenant"}}
    async with desk(tmp_path, routing=cache) as at:
        at.routes = ["code"]
        assert await at.ask(x_model_affinity=SESSION, x_tenant="a") == "m-dear"
        at.routes = ["review"]
        assert await at.ask(x_model_affinity=SESSION, x_tenant="b") == "m-cheap"
        assert await at.ask(x_model_affinity=SESSION, x_tenant="a") == "m-dear"


BUDGET = {"routing_budget": {"max_switch_spend_pct": 0}}


@scenario(27, "same")
async def test_switch_over_the_budget(tmp_path: Path) -> None:
    async with desk(tmp_path, PRICES, routing=BUDGET) as at:
        at.routes = ["review"]
        assert await at.ask(x_model_affinity=SESSION) == "m-cheap"
        at.routes = ["code"]
        said = await at.made.post(body(), x_model_affinity=SESSION)
        assert said.body["model"] == "m-cheap"
        assert "budget" in said.headers["x-outrider-route-reason"]
        assert at.made.counted("outrider_model_choices")[("over_cap",)] == 1


@scenario(27, "same: with `x-plano-max-switch-spend-pct`, too")
async def test_budget_of_the_request(tmp_path: Path) -> None:
    async with desk(tmp_path, PRICES) as at:
        pays: dict[str, str] = {"x_model_affinity": SESSION}
        pays["x-plano-max-switch-spend-pct"] = "0"
        at.routes = ["review"]
        assert await at.ask(**pays) == "m-cheap"
        at.routes = ["code"]
        assert await at.ask(**pays) == "m-cheap"
        assert all("x-plano-max-switch-spend-pct" not in one.headers for one in at.fake.received)


@scenario(28, "same")
async def test_switch_to_a_model_without_a_price(tmp_path: Path) -> None:
    prices = {"base": 1.0, "cheap": 1.0}
    async with desk(tmp_path, prices, routing=BUDGET) as at:
        at.routes = ["review"]
        assert await at.ask(x_model_affinity=SESSION) == "m-cheap"
        at.routes = ["code"]
        assert await at.ask(x_model_affinity=SESSION) == "m-dear"
        assert at.made.counted("outrider_model_choices")[("no_pricing",)] == 1


CALL = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
RESULT: list[Any] = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "Please review this code."},
]


@scenario(29, "same")
async def test_tail_of_tool_results(tmp_path: Path) -> None:
    async with desk(tmp_path, routing={"route_on_user_only": True}) as at:
        at.routes = ["code"]
        assert await at.ask() == "m-dear"
        at.routes = ["review"]
        said = await at.made.post(body(*RESULT))
        assert said.body["model"] == "m-dear"
        assert "not a user" in said.headers["x-outrider-route-reason"]
        assert at.routed == 1
        reminder = {"role": "user", "content": "<system-reminder>Review!</system-reminder>"}
        assert await at.ask(*RESULT, reminder) == "m-dear"
        assert at.routed == 1
        asks = {"role": "user", "content": "Now review it."}
        assert await at.ask(*RESULT, asks) == "m-cheap"


SYSTEM = "These are long instructions. " * 300
MARK = {"type": "ephemeral"}
CACHED: dict[str, Any] = {"prompt_caching": {"enabled": True}}


@asynccontextmanager
async def claude(directory: Path) -> AsyncIterator[tuple[Gateway, Service]]:
    """Anthropic's only, with prompt caching."""
    async with provider() as fake:
        models = [{"model": "anthropic/claude", "base_url": f"{fake.url}/v1"}]
        async with gateway(directory, models, **CACHED) as made:
            yield made, fake


def long(**more: Any) -> dict[str, Any]:
    """A message with long instructions."""
    turns = [{"role": "user", "content": "hi"}]
    return {"model": "claude", "max_tokens": 9, "system": SYSTEM, "messages": turns, **more}


@scenario(33, "same")
async def test_marks_for_the_cache(tmp_path: Path) -> None:
    async with claude(tmp_path) as (made, fake):
        assert (await made.post(long(), "/v1/messages")).status == 200
        sent = fake.received[0].body
        assert sent["system"] == [{"type": "text", "text": SYSTEM, "cache_control": MARK}]
        assert sent["messages"][0]["content"][0]["cache_control"] == MARK
        own = [{"type": "text", "text": SYSTEM, "cache_control": MARK}]
        assert (await made.post(long(system=own), "/v1/messages")).status == 200
        assert fake.received[1].body["messages"] == [{"role": "user", "content": "hi"}]


@scenario(33, "better: requests of other protocols are marked, too, once they are translated")
async def test_marks_for_the_cache_of_a_chat_client(tmp_path: Path) -> None:
    async with claude(tmp_path) as (made, fake):
        turns = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "hi"}]
        assert (await made.post({"model": "claude", "messages": turns})).status == 200
        sent = fake.received[0].body
        assert sent["system"][0]["cache_control"] == MARK
        assert sent["messages"][0]["content"][0]["cache_control"] == MARK


@scenario(34, "same")
async def test_caching_switched_off_by_the_request(tmp_path: Path) -> None:
    async with claude(tmp_path) as (made, fake):
        off = {"X-Plano-Cache": "off"}
        assert (await made.post(long(), "/v1/messages", **off)).status == 200
        (seen,) = fake.received
        assert seen.body["system"] == SYSTEM
        assert seen.body["messages"] == [{"role": "user", "content": "hi"}]
        assert not [name for name in seen.headers if name.startswith(("x-plano", "x-model"))]


@scenario(34, "better: no header that is meant for the gateway ever reaches a provider")
async def test_headers_for_the_gateway_stop_there(tmp_path: Path) -> None:
    ours = {"X-Plano-Cache": "off", "X-Model-Affinity": "a", "x-plano-max-switch-spend-pct": "1"}
    async with (
        provider() as fake,
        gateway(tmp_path, [{"model": "openai/m", "base_url": f"{fake.url}/v1"}]) as made,
    ):
        assert (await made.post(body() | {"model": "m"}, **ours)).status == 200
        (seen,) = fake.received
        assert not [name for name in seen.headers if name.startswith(("x-plano", "x-model"))]


@scenario(34, "same")
async def test_session_switched_off_by_the_request(tmp_path: Path) -> None:
    async with desk(tmp_path, **CACHED) as at:
        at.routes = ["code"]
        assert await at.ask() == "m-dear"
        at.routes = ["review"]
        assert await at.ask() == "m-dear"
        assert await at.ask(**{"X-Plano-Cache": "off"}) == "m-cheap"
