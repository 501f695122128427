"""Conversations of the Responses API at a provider that has only chat completions."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.support.agents import Received, Service, says, service
from tests.support.planes import planes
from tests.support.stores import postgres_server, redis_server
from tests.support.upstream import Received as Raw
from tests.support.upstream import json_answer, upstream

CONFIG = """\
version: v0.4.0
model_providers:
  - model: local/tiny
    base_url: {model}/v1
    access_key: $TINY_KEY
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
"""


@asynccontextmanager
async def house(
    directory: Path, more: str = "", **environ: str
) -> AsyncIterator[tuple[openai.AsyncOpenAI, Service]]:
    async with service(says("It is ", "sunny.")) as model:
        config = CONFIG.format(model=model.url) + more
        secrets = {"TINY_KEY": "sk-tiny", **environ}
        async with planes(config, directory, environ=secrets) as made:
            base = made.url("models") + "/v1"
            async with openai.AsyncOpenAI(base_url=base, api_key="a", max_retries=0) as client:
                yield client, model


def said(received: Received) -> list[tuple[str, Any]]:
    return [(message["role"], message.get("content")) for message in received.body["messages"]]


async def ask(client: openai.AsyncOpenAI, text: str, **more: Any) -> Any:
    return await client.responses.create(model="tiny", input=text, **more)


async def two_turns(client: openai.AsyncOpenAI, model: Service) -> None:
    first = await ask(client, "Weather?", instructions="Be brief.")
    second = await ask(client, "And tomorrow?", previous_response_id=first.id)
    assert second.output_text == "It is sunny."
    assert second.previous_response_id == first.id
    assert said(model.received[1]) == [
        ("user", "Weather?"),
        ("assistant", "It is sunny."),
        ("user", "And tomorrow?"),
    ]


async def test_a_second_turn_says_what_was_said_before(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, model):
        await two_turns(client, model)


async def test_a_streamed_turn_is_kept_too(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, model):
        async with client.responses.stream(model="tiny", input="Weather?") as stream:
            first = await stream.get_final_response()
        await ask(client, "And tomorrow?", previous_response_id=first.id)
        assert said(model.received[1])[1] == ("assistant", "It is sunny.")


async def test_an_item_that_is_only_named_is_said_again(tmp_path: Path) -> None:
    """As Vercel's ai does for every item of an answer that was stored."""
    async with house(tmp_path) as (client, model):
        first = await ask(client, "Weather?")
        asked: Any = [
            {"role": "user", "content": "Weather?"},
            {"type": "item_reference", "id": first.output[0].id},
            {"role": "user", "content": "And tomorrow?"},
        ]
        await client.responses.create(model="tiny", input=asked)
        assert said(model.received[1])[1] == ("assistant", "It is sunny.")
        async with client.with_options(api_key="b") as other:
            with pytest.raises(openai.BadRequestError, match="item_reference"):
                await other.responses.create(model="tiny", input=asked)


async def test_what_is_not_to_be_stored_is_not(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, _):
        first = await ask(client, "Weather?", store=False)
        with pytest.raises(openai.BadRequestError) as caught:
            await ask(client, "And tomorrow?", previous_response_id=first.id)
        assert caught.value.code == "response_not_found"


async def test_a_kept_response_is_retrieved_listed_and_deleted(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, _):
        first = await ask(client, "Weather?")
        assert await client.responses.retrieve(first.id) == first
        items: Any = await client.responses.input_items.list(first.id)
        assert [item.content[0].text for item in items.data] == ["Weather?"]
        await client.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)


async def test_only_a_background_response_can_be_cancelled(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, _):
        first = await ask(client, "Weather?")
        with pytest.raises(openai.BadRequestError, match="background"):
            await client.responses.cancel(first.id)


async def test_another_credential_finds_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, _):
        first = await ask(client, "Weather?")
        async with client.with_options(api_key="b") as other:
            with pytest.raises(openai.NotFoundError):
                await other.responses.retrieve(first.id)


async def test_tenants_are_told_apart_by_the_operators_header(tmp_path: Path) -> None:
    more = "state_storage: {type: memory, tenant_header: X-Tenant}\n"
    async with house(tmp_path, more) as (client, _):
        mine, others = {"X-Tenant": "mine"}, {"X-Tenant": "others"}
        first = await ask(client, "Weather?", extra_headers=mine)
        assert (await client.responses.retrieve(first.id, extra_headers=mine)).id == first.id
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id, extra_headers=others)


async def test_nothing_is_kept_where_the_operator_wants_nothing_kept(tmp_path: Path) -> None:
    async with house(tmp_path, "state_storage: {type: none}\n") as (client, _):
        first = await ask(client, "Weather?")
        with pytest.raises(openai.BadRequestError):
            await ask(client, "And tomorrow?", previous_response_id=first.id)


async def test_a_tools_result_finds_the_call_that_it_answers(tmp_path: Path) -> None:
    async with house(tmp_path) as (client, model):
        tool: Any = {"type": "function", "name": "f", "parameters": {"type": "object"}}
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        model.answer = calls(call)
        first = await ask(client, "Weather?", tools=[tool])
        model.answer = says("Sunny.")
        result: Any = {"type": "function_call_output", "call_id": "c1", "output": "sun"}
        await client.responses.create(
            model="tiny", input=[result], tools=[tool], previous_response_id=first.id
        )
        messages = model.received[1].body["messages"]
        assert messages[1]["tool_calls"] == [call]
        assert messages[2] == {"role": "tool", "tool_call_id": "c1", "content": "sun"}


def calls(call: dict[str, Any]) -> Any:
    async def answer(received: Received) -> Any:
        from aiohttp import web

        from tests.support.agents import completion

        body = completion("")
        body["choices"][0]["message"] |= {"content": None, "tool_calls": [call]}
        body["choices"][0]["finish_reason"] = "tool_calls"
        return web.json_response(body)

    return answer


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


async def test_redis_keeps_conversations(tmp_path: Path, redis_url: str) -> None:
    more = "state_storage: {type: redis, connection_string: $STATE_URL}\n"
    async with house(tmp_path, more, STATE_URL=redis_url) as (client, model):
        await two_turns(client, model)


async def test_postgres_keeps_conversations(tmp_path: Path, postgres_url: str) -> None:
    more = "state_storage: {type: postgres, connection_string: $STATE_URL}\n"
    async with house(tmp_path, more, STATE_URL=postgres_url) as (client, model):
        await two_turns(client, model)


async def test_a_store_that_is_gone_is_told_of(tmp_path: Path) -> None:
    more = "state_storage: {type: redis, connection_string: redis://127.0.0.1:1/0}\n"
    async with house(tmp_path, more) as (client, _):
        first = await ask(client, "Weather?")
        assert first.output_text == "It is sunny."
        with pytest.raises(openai.InternalServerError) as caught:
            await ask(client, "And tomorrow?", previous_response_id=first.id)
        assert caught.value.status_code == 503
        assert caught.value.response.headers["x-outrider-detail"] == "state_unavailable"


NATIVE = """\
  - model: xai/large
    base_url: {keeper}/v1
    apis: [responses]
    access_key: $VENDOR_KEY
"""


async def test_a_provider_that_keeps_its_responses_is_asked_for_them(tmp_path: Path) -> None:
    told: dict[str, Any] = {"id": "resp_theirs", "object": "response", "output": [], "model": "l"}
    asked = []

    async def script(received: Raw) -> AsyncIterator[bytes]:
        asked.append((received.line, received.header(b"authorization")))
        known = b"resp_theirs" in received.line
        yield json_answer(json.dumps(told).encode(), "200 OK" if known else "404 Not Found")

    async with upstream(script) as keeper, service(says("x")) as model:
        url = f"http://{keeper.endpoint.host}:{keeper.endpoint.port}"
        config = CONFIG.format(model=model.url).replace(
            "listeners:", NATIVE.format(keeper=url) + "listeners:"
        )
        secrets = {"TINY_KEY": "sk-tiny", "VENDOR_KEY": "sk-vendor"}
        async with planes(config, tmp_path, environ=secrets) as made:
            base = made.url("models") + "/v1"
            async with openai.AsyncOpenAI(base_url=base, api_key="a", max_retries=0) as client:
                assert (await client.responses.retrieve("resp_theirs")).id == "resp_theirs"
                with pytest.raises(openai.NotFoundError):
                    await client.responses.retrieve("resp_nobodys")
    line, credential = asked[0]
    assert line == b"GET /v1/responses/resp_theirs HTTP/1.1"
    assert credential == b"Bearer sk-vendor"
