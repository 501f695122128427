"""Choosing a model, as operators and clients see it: both planes, real providers, real stores."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from tests.support.agents import Received, Service, completion, replies, service
from tests.support.planes import Planes, planes
from tests.support.stores import redis_server
from tests.support.wait import until

CODE = "Write a Python function that sorts a list of numbers."
REVIEW = "Please review this pull request and find the bugs in the code."
CHAT = {"model": "base", "messages": [{"role": "user", "content": CODE}]}
PREFERENCES: list[dict[str, Any]] = [
    {
        "name": "code generation",
        "description": "Write new code: functions, programs and scripts in Python.",
        "models": ["strong", "cheap"],
        "examples": ["write a function that parses a date", "write a Python script"],
    },
    {
        "name": "code review",
        "description": "Review code: find bugs in a pull request.",
        "models": ["cheap", "strong"],
        "examples": ["review this pull request", "find the bugs in this code"],
    },
]


def answers(one: Received) -> web.Response:
    """Says which model was asked."""
    made = completion(f"from {one.body['model']}")
    made["model"] = one.body["model"]
    return web.json_response(made)


@dataclass
class Desk:
    """A model listener with three models of one provider."""

    planes: Planes
    provider: Service
    client: ClientSession
    config: dict[str, Any]
    told: Mapping[str, str] = field(default_factory=dict)
    """Headers of the last answer."""

    async def apply(self, **more: Any) -> None:
        """Serve another config."""
        self.config |= more
        await self.planes.apply(json.dumps(self.config))

    async def ask(
        self, text: str = CODE, path: str = "/v1/chat/completions", worker: int = 0, **more: Any
    ) -> str:
        """The model that answered, as the provider calls it."""
        headers = more.pop("headers", {})
        messages = more.pop("messages", [{"role": "user", "content": text}])
        body = {"model": "base", "messages": messages, **more}
        url = self.planes.url("models", worker) + path
        async with self.client.post(url, json=body, headers=headers) as answer:
            self.told = {name.lower(): value for name, value in answer.headers.items()}
            said = await answer.json()
            assert answer.status == 200, said
            model: str = said["model"]
            return model

    async def decide(self, text: str = CODE, **more: Any) -> dict[str, Any]:
        """What the decision API says."""
        headers = more.pop("headers", {})
        body = {"model": "base", "messages": [{"role": "user", "content": text}], **more}
        url = self.planes.url("models") + "/routing/v1/chat/completions"
        async with self.client.post(url, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            said: dict[str, Any] = await answer.json()
            return said


def config(provider: str) -> dict[str, Any]:
    """Without anything that chooses."""
    return {
        "version": "v0.4.0",
        "listeners": [{"type": "model", "name": "models", "address": "127.0.0.1", "port": 0}],
        "model_providers": [
            {"name": name, "model": f"openai/m-{name}", "base_url": f"{provider}/v1"}
            for name in ("base", "strong", "cheap")
        ],
    }


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Ready to be asked; words decide (no encoder is waited for)."""
    async with AsyncExitStack() as stack:

        async def answer(one: Received) -> web.StreamResponse:
            return answers(one)

        provider = await stack.enter_async_context(service(answer))
        made = config(provider.url)
        running = await stack.enter_async_context(planes(json.dumps(made), tmp_path))
        client = await stack.enter_async_context(ClientSession())
        yield Desk(running, provider, client, made)


async def test_preference_that_fits_chooses_the_model(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES)
    assert await desk.ask(CODE) == "m-strong"
    assert desk.told["x-outrider-route"] == "code generation"
    assert await desk.ask(REVIEW) == "m-cheap"
    assert desk.told["x-outrider-route"] == "code review"


async def test_request_that_fits_nothing_gets_the_model_it_asks_for(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES)
    assert await desk.ask("hi there!") == "m-base"
    assert "x-outrider-route" not in desk.told


async def test_inline_preferences_replace_the_configs_and_are_not_sent_on(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES)
    inline = [{**PREFERENCES[0], "models": ["cheap"]}, PREFERENCES[1]]
    assert await desk.ask(CODE, routing_preferences=inline) == "m-cheap"
    assert "routing_preferences" not in desk.provider.received[-1].body


async def test_inline_preferences_work_on_a_listener_that_only_relays(desk: Desk) -> None:
    assert await desk.ask(CODE, routing_preferences=PREFERENCES) == "m-strong"
    assert "routing_preferences" not in desk.provider.received[-1].body


async def test_cheapest_model_by_a_file_of_prices_comes_first(desk: Desk, tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("m-strong: {input: 10, output: 30}\nopenai/m-cheap: {input: 1, output: 2}\n")
    cheapest = [{**PREFERENCES[0], "selection_policy": {"prefer": "cheapest"}}, PREFERENCES[1]]
    source = {"type": "cost", "provider": "file", "path": str(prices)}
    await desk.apply(routing_preferences=cheapest, model_metrics_sources=[source])
    worker = desk.planes.workers[0]
    await until(lambda: bool(worker.client.state.config.model_routing.prices))
    assert await desk.ask(CODE) == "m-cheap"


async def test_affinity_keeps_the_model_whatever_is_asked_next(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES)
    mine = {"x-model-affinity": "conversation-1"}
    assert await desk.ask(CODE, headers=mine) == "m-strong"
    assert desk.told["x-outrider-pinned"] == "false"
    assert await desk.ask(REVIEW, headers=mine) == "m-strong"
    assert desk.told["x-outrider-pinned"] == "true"
    assert await desk.ask(REVIEW, headers={"x-model-affinity": "another"}) == "m-cheap"
    assert all("x-model-affinity" not in one.headers for one in desk.provider.received)
    (family,) = [
        one for one in desk.planes.workers[0].families() if one.name == "outrider_model_choices"
    ]
    assert family.samples == {("preference",): 2.0, ("pinned",): 1.0}


async def test_tool_results_stay_with_the_model_of_the_session(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES, routing={"route_on_user_only": True})
    turns: list[dict[str, Any]] = [{"role": "user", "content": CODE}]
    assert await desk.ask(messages=turns) == "m-strong"
    call = {"id": "c1", "type": "function", "function": {"name": "run", "arguments": "{}"}}
    turns += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Please review this code, find bugs."},
    ]
    assert await desk.ask(messages=turns) == "m-strong"
    assert "not a user" in desk.told["x-outrider-route-reason"]
    turns += [{"role": "assistant", "content": "done"}, {"role": "user", "content": REVIEW}]
    assert await desk.ask(messages=turns) == "m-cheap"


async def test_budget_of_nothing_keeps_a_warm_session_where_it_is(
    desk: Desk, tmp_path: Path
) -> None:
    prices = tmp_path / "prices.json"
    dear, cheap = {"input": 10, "output": 30}, {"input": 1, "output": 2}
    prices.write_text(json.dumps({"strong": dear, "cheap": cheap, "base": cheap}))
    await desk.apply(
        routing_preferences=PREFERENCES,
        model_metrics_sources=[{"type": "cost", "provider": "file", "path": str(prices)}],
        routing={"routing_budget": {"max_switch_spend_pct": 0}},
    )
    worker = desk.planes.workers[0]
    await until(lambda: bool(worker.client.state.config.model_routing.prices))
    mine = {"x-model-affinity": "conversation-1"}
    assert await desk.ask(REVIEW, headers=mine) == "m-cheap"
    assert await desk.ask(CODE, headers=mine) == "m-cheap"
    assert "budget" in desk.told["x-outrider-route-reason"]
    rich = {**mine, "x-plano-max-switch-spend-pct": "not a number"}
    assert await desk.ask(CODE, headers=rich) == "m-cheap"


async def test_decision_api_tells_without_asking_anybody(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES)
    mine = {"x-model-affinity": "a"}
    said = await desk.decide(CODE, headers=mine)
    assert said["models"] == ["strong", "cheap"]
    assert (said["route"], said["session_id"]) == ("code generation", "a")
    assert (said["pinned"], said["switched"]) == (False, False)
    assert len(said["trace_id"]) == 32
    again = await desk.decide(REVIEW, headers=mine)
    assert (again["pinned"], again["models"][0]) == (True, "strong")
    assert desk.provider.received == []


async def test_decision_api_says_none_when_nothing_fits(desk: Desk) -> None:
    await desk.apply(routing_preferences=PREFERENCES)
    mine = {"x-model-affinity": "a"}
    said = await desk.decide("hi there!", headers=mine)
    assert (said["models"], said["route"]) == (["none"], None)
    assert (await desk.decide("hi there!", headers=mine))["pinned"] is True
    assert await desk.ask("hi there!", headers=mine) == "m-base"


async def test_routing_model_chooses_in_place_of_the_embedded_router(desk: Desk) -> None:
    async def answer(one: Received) -> web.StreamResponse:
        if one.body["model"] == "m-base":
            said = completion("```json\n{'route': ['code review']}\n```")
            return web.json_response(said)
        return answers(one)

    desk.provider.answer = answer
    await desk.apply(routing_preferences=PREFERENCES, overrides={"llm_routing_model": "base"})
    assert await desk.ask(CODE) == "m-cheap"
    assert desk.told["x-outrider-route-reason"] == "base chose code review"


async def test_routing_model_that_fails_leaves_the_model_asked_for(desk: Desk) -> None:
    async def answer(one: Received) -> web.StreamResponse:
        if one.body["model"] == "m-cheap":
            return await replies(503, {"error": {"message": "down"}})(one)
        return answers(one)

    desk.provider.answer = answer
    await desk.apply(routing_preferences=PREFERENCES, overrides={"llm_routing_model": "cheap"})
    assert await desk.ask(CODE) == "m-base"
    assert desk.told["x-outrider-route-reason"] == "the routing model failed: it answered 503"


async def test_redis_lets_two_data_planes_share_a_session(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:

        async def answer(one: Received) -> web.StreamResponse:
            return answers(one)

        redis = stack.enter_context(redis_server())
        provider = await stack.enter_async_context(service(answer))
        made = config(provider.url) | {
            "routing_preferences": PREFERENCES,
            "routing": {"session_cache": {"type": "redis", "url": redis}},
        }
        text = json.dumps(made)
        running = await stack.enter_async_context(planes(text, tmp_path, workers=2))
        client = await stack.enter_async_context(ClientSession())
        desk = Desk(running, provider, client, made)
        mine = {"x-model-affinity": "conversation-1"}
        assert await desk.ask(CODE, headers=mine) == "m-strong"
        assert await desk.ask(REVIEW, headers=mine, worker=1) == "m-strong"
        assert await desk.ask(REVIEW, worker=1) == "m-cheap"


async def test_store_that_is_gone_forgets_and_fails_nobody(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:

        async def answer(one: Received) -> web.StreamResponse:
            return answers(one)

        provider = await stack.enter_async_context(service(answer))
        made = config(provider.url) | {
            "routing_preferences": PREFERENCES,
            "routing": {"session_cache": {"type": "redis", "url": "redis://127.0.0.1:1/0"}},
        }
        running = await stack.enter_async_context(planes(json.dumps(made), tmp_path))
        client = await stack.enter_async_context(ClientSession())
        desk = Desk(running, provider, client, made)
        mine = {"x-model-affinity": "conversation-1"}
        assert await desk.ask(CODE, headers=mine) == "m-strong"
        assert await desk.ask(REVIEW, headers=mine) == "m-cheap"


async def test_instructions_are_marked_for_the_cache_of_anthropics_models(desk: Desk) -> None:
    desk.config["model_providers"].append(
        {"name": "claude", "model": "anthropic/claude", "base_url": desk.provider.url}
    )

    async def answer(one: Received) -> web.StreamResponse:
        said: dict[str, Any] = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "model": "claude",
        }
        said |= {"content": [{"type": "text", "text": "ok"}], "stop_reason": "end_turn"}
        return web.json_response({**said, "usage": {"input_tokens": 1, "output_tokens": 1}})

    desk.provider.answer = answer
    await desk.apply(prompt_caching={"enabled": True})
    system = "These are long instructions. " * 300
    ask: dict[str, Any] = {"model": "claude", "system": system, "max_tokens": 10}
    mark = {"type": "ephemeral"}
    await desk.ask("hi", "/v1/messages", **ask)
    sent = desk.provider.received[-1].body
    assert sent["system"] == [{"type": "text", "text": system, "cache_control": mark}]
    assert sent["messages"][0]["content"][0]["cache_control"] == mark
    await desk.ask("hi", "/v1/messages", headers={"x-plano-cache": "off"}, **ask)
    assert desk.provider.received[-1].body["system"] == system
    turns = [{"role": "system", "content": system}, {"role": "user", "content": "hi"}]
    await desk.ask(model="claude", messages=turns)
    assert desk.provider.received[-1].body["system"][0]["cache_control"]["type"] == "ephemeral"


async def test_fastest_model_is_the_one_that_has_answered_fastest_here(desk: Desk) -> None:
    async def answer(one: Received) -> web.StreamResponse:
        if one.body["model"] == "m-strong":
            await asyncio.sleep(0.05)
        return answers(one)

    desk.provider.answer = answer
    fastest = [{**PREFERENCES[0], "selection_policy": {"prefer": "fastest"}}, PREFERENCES[1]]
    source = {"type": "latency", "provider": "outrider"}
    await desk.apply(routing_preferences=fastest, model_metrics_sources=[source])
    asked: list[str] = []
    while asked[-2:] != ["m-cheap", "m-cheap"]:
        asked.append(await desk.ask(CODE))
        desk.planes.workers[0].families()  # counts what has finished
        assert len(asked) < 20
    assert asked[:2] == ["m-strong", "m-cheap"]


async def test_session_moves_to_the_provider_that_answered_after_a_failure(desk: Desk) -> None:
    strong = next(p for p in desk.config["model_providers"] if p["name"] == "strong")
    strong["base_url"] = "http://127.0.0.1:1/v1"
    await desk.apply(routing_preferences=PREFERENCES)
    mine = {"x-model-affinity": "conversation-1"}
    assert await desk.ask(CODE, headers=mine) == "m-cheap"
    desk.planes.workers[0].families()

    first = ""
    async with asyncio.timeout(5):
        while first != "cheap":
            first = (await desk.decide(CODE, headers=mine))["models"][0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(
            "/v1/messages",
            {"max_tokens": 9, "messages": [{"role": "user", "content": CODE}]},
            id="messages",
        ),
        pytest.param("/v1/responses", {"input": CODE}, id="responses"),
        pytest.param(
            "/v1beta/models/base:generateContent",
            {"contents": [{"role": "user", "parts": [{"text": CODE}]}]},
            id="gemini",
        ),
        pytest.param(
            "/model/base/converse",
            {"messages": [{"role": "user", "content": [{"text": CODE}]}]},
            id="converse",
        ),
    ],
)
async def test_preferences_hold_for_every_protocol(
    desk: Desk, path: str, body: dict[str, Any]
) -> None:
    desk.config["model_providers"] = [
        {**one, "apis": ["chat"]} for one in desk.config["model_providers"]
    ]
    await desk.apply()
    url = desk.planes.url("models") + path
    sent = {"model": "base", **body} if path.startswith("/v1/") else body
    inline = {**sent, "routing_preferences": PREFERENCES}
    async with desk.client.post(url, json=inline) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["x-outrider-route"] == "code generation"
    received = desk.provider.received[-1].body
    assert received["model"] == "m-strong"
    assert "routing_preferences" not in received
