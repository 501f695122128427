"""Prompt listeners as their users see them: both planes, real APIs and models, real SDKs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from aiohttp import ClientSession

from deploy.running.collector import collector
from tests.support.agents import (
    Answering,
    Service,
    completion,
    never,
    replies,
    says,
    service,
)
from tests.support.planes import Planes, planes
from tests.support.wait import until

CONFIG = """\
version: v0.3.0
listeners:
  - type: prompt
    name: prompts
    address: 127.0.0.1
    port: 0
    timeout: 30s
    {listener}
model_providers:
  - model: local/big
    base_url: {model}/v1
    access_key: $KEY
    default: true
  - model: local/Arch-Function
    base_url: {caller}/v1
    access_key: $KEY
system_prompt: You are a clerk.
filters:
  - id: words
    type: patterns
    config:
      deny: [{{name: rain, pattern: rain}}]
      answers: redact
endpoints:
  api:
    endpoint: {api}
    connect_timeout: 3s
prompt_targets:
  - name: get_weather
    description: The weather forecast of a place for some days, rain, sun, temperature.
    parameters:
      - {{name: city, description: Name of the city, type: str, required: true, in_path: true}}
      - {{name: days, description: How many days, type: int, default: 3}}
      - {{name: unit, description: Unit, type: str, enum: [C, F]}}
    endpoint:
      name: api
      path: /weather/{{city}}?lang=en
      http_headers:
        Authorization: Bearer $KEY
    system_prompt: You are a meteorologist.
  - name: reboot
    description: Restarts a machine, reboots servers and devices.
    parameters:
      - {{name: machines, description: Their names, type: list, required: true}}
      - {{name: force, description: At once, type: bool, default: false}}
    endpoint:
      name: api
      path: /reboot?dry=no
      http_method: POST
    auto_llm_dispatch_on_response: false
  - name: opening_hours
    description: When the shop is open, opening hours, closing time.
    endpoint: {{name: api, path: /hours, timeout: 800ms}}
"""
DEFAULT = """\
  - name: rest
    description: Everything else.
    default: true
    endpoint: {name: api, path: /rest}
    auto_llm_dispatch_on_response: false
"""
QUESTION: dict[str, Any] = {"role": "user", "content": "Will it rain in São Paulo?"}
FORECAST = {"forecast": "rain"}


def calls(name: str, arguments: object, **more: Any) -> Answering:
    """Answers with a call of a tool."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    called = {"id": "call_7", "type": "function", "function": function}
    made = completion("")
    message = {"role": "assistant", "content": None, "tool_calls": [called], **more}
    made["choices"] = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    return replies(200, made)


class Desk:
    """The planes, the two models and the API."""

    def __init__(self, made: Planes, model: Service, caller: Service, api: Service) -> None:
        self.planes = made
        self.model = model
        self.caller = caller
        self.api = api

    @property
    def url(self) -> str:
        return self.planes.url("prompts")

    def client(self) -> openai.AsyncOpenAI:
        base = f"{self.url}/v1"
        return openai.AsyncOpenAI(base_url=base, api_key="sk-client", max_retries=0)

    async def ask(self, *said: dict[str, Any], **more: Any) -> Any:
        """The completion; without a model, as Plano's clients may ask."""
        messages: Any = list(said or (QUESTION,))
        async with self.client() as client:
            return await client.chat.completions.create(
                **{"model": "none", "messages": messages, **more}
            )

    async def post(self, body: dict[str, Any]) -> tuple[int, Any, dict[str, str]]:
        async with (
            ClientSession() as http,
            http.post(f"{self.url}/v1/chat/completions", json=body) as answer,
        ):
            named = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, await answer.json(content_type=None), named


@asynccontextmanager
async def desk(directory: Path, listener: str = "", more: str = "") -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        model, caller, api = [
            await stack.enter_async_context(service(answer))
            for answer in (says("It will ", "rain."), says("NONE"), replies(200, FORECAST))
        ]
        at = {"model": model.url, "caller": caller.url, "api": api.url.removeprefix("http://")}
        config = CONFIG.format(**at, listener=listener)
        made = await stack.enter_async_context(
            planes(config + more, directory, environ={"KEY": "sk-house"})
        )
        yield Desk(made, model, caller, api)


async def test_api_is_called_and_a_model_answers_with_what_it_said(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "São Paulo", "unit": "c"})
        answer = await made.ask()
        assert answer.choices[0].message.content == "It will rain."
        (asked,) = made.caller.received
        assert [tool["function"]["name"] for tool in asked.body["tools"]] == [
            "get_weather",
            "reboot",
            "opening_hours",
        ]
        schema = asked.body["tools"][0]["function"]["parameters"]
        assert schema["required"] == ["city"]
        assert schema["properties"]["unit"]["enum"] == ["C", "F"]
        assert asked.headers["authorization"] == "Bearer sk-house"
        (called,) = made.api.received
        assert called.request.raw_path == "/weather/S%C3%A3o%20Paulo?lang=en&days=3&unit=C"
        assert called.headers["authorization"] == "Bearer sk-house"
        (told,) = made.model.received
        assert told.body["messages"] == [
            {"role": "system", "content": "You are a meteorologist."},
            {**QUESTION, "content": f"{QUESTION['content']}\ncontext: {json.dumps(FORECAST)}"},
        ]
        assert called.headers["traceparent"][3:35] == told.headers["traceparent"][3:35]


async def test_body_of_a_post_has_the_types_that_were_configured(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("reboot", {"machines": ["a", "b"], "force": "true", "x": 1})
        made.api.answer = replies(200, {"done": 2})
        status, body, headers = await made.post({"messages": [QUESTION]})
        assert (status, body) == (200, {"done": 2})
        assert headers["x-outrider-prompt-target"] == "reboot"
        assert headers["x-outrider-detail"] == "prompt_target"
        (called,) = made.api.received
        assert called.request.method == "POST"
        assert called.request.path_qs == "/reboot?dry=no"
        assert called.body == {"machines": ["a", "b"], "force": True}
        assert made.model.received == []


async def test_user_is_asked_for_what_is_missing(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = says("Which city do you mean?")
        answer = await made.ask()
        assert answer.choices[0].message.content == "Which city do you mean?"
        made.caller.answer = calls("get_weather", {"days": 2})
        answer = await made.ask()
        said = "To do that I need to know: Name of the city."
        assert answer.choices[0].message.content == said
        stream = await made.ask(stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(words) == said
        assert made.api.received == made.model.received == []


async def test_what_is_for_no_target_goes_to_the_default_model(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        hello = {"role": "user", "content": "Hello!"}
        for answer in (says("NONE"), says(""), calls("unknown", {})):
            made.caller.answer = answer
            assert (await made.ask(hello)).choices[0].message.content == "It will rain."
        clerk = {"role": "system", "content": "You are a clerk."}
        assert [one.body["messages"] for one in made.model.received] == [[clerk, hello]] * 3
        stream = await made.ask(hello, stream=True)
        words = [c.choices[0].delta.content or "" async for c in stream if c.choices]
        assert "".join(words) == "It will rain."
        assert made.api.received == []


async def test_default_target_gets_what_is_for_no_other(tmp_path: Path) -> None:
    async with desk(tmp_path, more=DEFAULT) as made:
        made.api.answer = replies(200, completion("Ask at the desk."))
        answer = await made.ask()
        assert answer.choices[0].message.content == "Ask at the desk."
        (called,) = made.api.received
        assert (called.path, called.body) == ("/rest", {"messages": [QUESTION]})
        stream = await made.ask(stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(words) == "Ask at the desk."
        assert made.model.received == []


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (replies(404, {"detail": "no such city"}), 404, "answered 404: no such city"),
        (replies(401, {"error": "bad key"}), 502, "answered 401: bad key"),
        (replies(302, None, location="http://elsewhere"), 502, "answered 302"),
        (never(), 504, "did not answer: no answer within 0.8 s"),
    ],
    ids=["not found", "our credential", "redirect", "silent"],
)
async def test_failure_of_an_api_is_told_as_one(
    answer: Answering, status: int, told: str, tmp_path: Path
) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("opening_hours", {})
        made.api.answer = answer
        with pytest.raises(openai.APIStatusError) as caught:
            await made.ask()
        assert (caught.value.status_code, caught.value.code) == (status, "prompt_target_failed")
        assert f"Prompt target 'opening_hours' {told}" in caught.value.message
        assert made.model.received == []


async def test_parameter_cannot_leave_its_place_in_a_path(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "../admin?x=/"})
        await made.ask()
        assert made.api.received[0].request.raw_path.startswith("/weather/..%2Fadmin%3Fx%3D%2F?")
        made.caller.answer = calls("get_weather", {"city": ".."})
        with pytest.raises(openai.BadRequestError) as caught:
            await made.ask()
        assert caught.value.code == "prompt_target_failed"
        assert len(made.api.received) == 1


async def test_embedded_router_chooses_without_a_model(tmp_path: Path) -> None:
    async with desk(tmp_path, "choose_by: embedded") as made:
        await made.ask({"role": "user", "content": "What are your opening hours, closing time?"})
        assert [one.path for one in made.api.received] == ["/hours"]
        assert made.caller.received == []
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        await made.ask({"role": "user", "content": "the weather forecast, rain or sun?"})
        (asked,) = made.caller.received
        assert [tool["function"]["name"] for tool in asked.body["tools"]] == ["get_weather"]


async def test_without_the_model_that_calls_the_embedded_router_chooses(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = replies(503)
        await made.ask({"role": "user", "content": "What are your opening hours, closing time?"})
        assert [one.path for one in made.api.received] == ["/hours"]
        with pytest.raises(openai.InternalServerError) as caught:
            await made.ask({"role": "user", "content": "the weather forecast, rain or sun?"})
        assert (caught.value.status_code, caught.value.code) == (502, "prompt_target_failed")
        assert "the model that reads its parameters failed: it answered 503" in caught.value.message


async def test_other_protocols_are_spoken_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        messages: Any = [{"role": "user", "content": [{"type": "text", "text": "Rain?"}]}]
        context = f"context: {json.dumps(FORECAST)}"
        keys: Any = {"base_url": made.url, "api_key": "k", "max_retries": 0}
        async with anthropic.AsyncAnthropic(**keys) as claude:
            said: Any = await claude.messages.create(
                model="big", max_tokens=99, system="Be brief.", messages=messages
            )
            assert said.content[0].text == "It will rain."
        (told,) = made.model.received
        assert told.body["messages"][0]["content"] == "You are a meteorologist.\n\nBe brief."
        assert context in json.dumps(told.body["messages"][1]["content"]).replace('\\"', '"')
        async with made.client() as client:
            answer = await client.responses.create(model="big", input="Rain?")
            assert answer.output_text == "It will rain."
        made.caller.answer = says("Where?")
        async with made.client() as client:
            answer = await client.responses.create(model="big", input="Rain?")
            assert answer.output_text == "Where?"


async def test_clients_own_tools_and_their_results_pass(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
        function = {"name": "look", "arguments": "{}"}
        call = {"id": "c1", "type": "function", "function": function}
        turns = [
            QUESTION,
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "wet", "tool_call_id": "c1"},
        ]
        await made.ask(*turns, tools=[tool], seed=7)
        assert made.caller.received == []
        (told,) = made.model.received
        assert told.body["messages"][1:] == turns
        assert (told.body["tools"], told.body["seed"]) == ([tool], 7)


async def test_client_carries_what_was_called_and_said(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        status, body, _ = await made.post({"messages": [QUESTION]})
        assert (status, body["choices"][0]["message"]["content"]) == (200, "It will rain.")
        state = json.loads(body["metadata"]["x-arch-state"])
        call, result = kept = json.loads(state["messages"])
        assert call["tool_calls"][0]["function"]["name"] == "get_weather"
        assert (result["role"], json.loads(result["content"])) == ("tool", FORECAST)
        again = {"role": "user", "content": "And tomorrow?"}
        said = {"role": "assistant", "content": "It will rain."}
        made.caller.answer = says("NONE")
        await made.ask(QUESTION, *kept, said, again)
        shown = made.caller.received[-1].body["messages"][1:]
        assert [turn["role"] for turn in shown] == [
            "user",
            "assistant",
            "tool",
            "assistant",
            "user",
        ]
        assert shown[1]["tool_calls"] == call["tool_calls"]
        assert made.model.received[-1].body["messages"][1:] == [QUESTION, said, again]


async def test_stream_begins_with_the_call_and_what_it_said(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        stream = await made.ask(stream=True)
        chunks = [chunk async for chunk in stream]
        call, result, *rest = chunks
        assert {call.model, result.model} == {"Arch-Function"}
        assert call.choices[0].delta.tool_calls[0].function.name == "get_weather"
        assert (result.choices[0].delta.role, result.choices[0].delta.content) == (
            "tool",
            json.dumps(FORECAST),
        )
        words = [chunk.choices[0].delta.content or "" for chunk in rest if chunk.choices]
        assert "".join(words) == "It will rain."


async def test_stream_may_keep_to_the_words(tmp_path: Path) -> None:
    async with desk(tmp_path, "tool_messages: false") as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        stream = await made.ask(stream=True)
        chunks = [chunk async for chunk in stream]
        words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
        assert "".join(words) == "It will rain."
        assert "x-arch-state" in chunks[0].metadata


async def test_error_of_the_model_stays_one_after_a_call(tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        made.model.answer = replies(400, {"error": {"message": "no", "code": "bad"}})
        for stream in (False, True):
            with pytest.raises(openai.BadRequestError) as caught:
                await made.ask(stream=stream)
            assert caught.value.code == "bad"
            assert "x-arch-state" not in caught.value.response.text


async def test_nothing_that_an_api_says_passes_output_filters_by(tmp_path: Path) -> None:
    async with desk(tmp_path, "output_filters: [words]") as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        status, body, _ = await made.post({"messages": [QUESTION]})
        assert (status, body["choices"][0]["message"]["content"]) == (200, "It will [REDACTED].")
        assert "rain" not in json.dumps(body)
        made.caller.answer = calls("reboot", {"machines": ["a"]})
        for stream in (False, True):
            answer = await made.ask(stream=stream)
            if stream:
                words = [c.choices[0].delta.content or "" async for c in answer if c.choices]
            else:
                words = [answer.choices[0].message.content]
            assert "".join(words) == '{"forecast": "[REDACTED]"}'


LIMITS = """\
limits:
  - {name: calls, requests: {limit: 1, window: 1h}, scope: {listeners: [prompts]}}
"""


async def test_limits_hold_before_anybody_is_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, more=LIMITS) as made:
        made.caller.answer = says("Which city?")
        assert (await made.ask()).choices[0].message.content == "Which city?"
        with pytest.raises(openai.RateLimitError):
            await made.ask()
        assert len(made.caller.received) == 1


async def test_request_that_goes_on_to_a_model_counts_once(tmp_path: Path) -> None:
    async with desk(tmp_path, more=LIMITS.replace("limit: 1", "limit: 2")) as made:
        for _ in range(2):
            assert (await made.ask()).choices[0].message.content == "It will rain."
        with pytest.raises(openai.RateLimitError):
            await made.ask()


@pytest.mark.parametrize("who", ["caller", "api"])
async def test_whoever_is_asked_is_left_when_the_client_leaves(who: str, tmp_path: Path) -> None:
    async with desk(tmp_path) as made:
        made.caller.answer = calls("get_weather", {"city": "Rome"})
        asked: Service = getattr(made, who)
        asked.answer = never()
        asking = asyncio.ensure_future(made.post({"messages": [QUESTION]}))
        await until(lambda: bool(asked.received))
        asking.cancel()
        async with asyncio.timeout(0.1 if who == "api" else 5):
            await asked.received[0].cancelled.wait()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_steps_are_spans_of_one_trace(tmp_path: Path) -> None:
    with collector() as collected:
        more = f"""\
tracing: {{random_sampling: 100, opentracing_grpc_endpoint: "http://{collected.address}"}}
"""
        async with desk(tmp_path, more=more) as made:
            made.caller.answer = calls("get_weather", {"city": "Rome"})
            await made.ask()
        spans = [collected.spans.get(timeout=10) for _ in range(3)]
    names = {span.name for span in spans}
    assert {"call api", "choose local/Arch-Function"} < names
    assert len({span.trace_id for span in spans}) == 1
