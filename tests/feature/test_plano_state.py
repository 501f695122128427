"""Plano's scenarios of Responses at providers that have only chat completions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web

from tests.support.agents import Received, Service, completion
from tests.support.plano import gateway, provider, scenario

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
TOOLS: Any = [{"type": "function", "name": "weather", "parameters": {"type": "object"}}]


@asynccontextmanager
async def asked(directory: Path) -> AsyncIterator[tuple[openai.AsyncOpenAI, Service]]:
    """The SDK, and a provider with chat completions."""
    async with provider() as fake:
        models = [{"model": "local/tiny", "base_url": f"{fake.url}/v1"}]
        async with (
            gateway(directory, models, state_storage={"type": "memory"}) as made,
            openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k", max_retries=0) as client,
        ):
            yield client, fake


async def calls(one: Received) -> web.StreamResponse:
    """Calls a tool."""
    made = completion("")
    made["choices"][0]["message"] |= {"content": None, "tool_calls": [CALL]}
    made["choices"][0]["finish_reason"] = "tool_calls"
    return web.json_response(made)


@scenario(30, "better: OpenAI's own answer, a 400 in JSON with a code, and not a 409 in plain text")
async def test_previous_response_that_nobody_knows(tmp_path: Path) -> None:
    async with asked(tmp_path) as (client, fake):
        with pytest.raises(openai.BadRequestError, match="resp_nobody") as caught:
            await client.responses.create(
                model="tiny", input="Hi", previous_response_id="resp_nobody"
            )
        assert caught.value.code == "response_not_found"
        assert fake.received == []


@scenario(31, "same")
async def test_previous_response_that_is_known(tmp_path: Path) -> None:
    async with asked(tmp_path) as (client, fake):
        first = await client.responses.create(model="tiny", input="My name is Ann.")
        second = await client.responses.create(
            model="tiny", input="My name?", previous_response_id=first.id
        )
        assert second.id != first.id
        assert [(m["role"], m["content"]) for m in fake.received[1].body["messages"]] == [
            ("user", "My name is Ann."),
            ("assistant", "tiny"),
            ("user", "My name?"),
        ]


@scenario(31, "better: calls of functions are kept as such, so that a result finds its call")
async def test_previous_response_that_calls_a_function(tmp_path: Path) -> None:
    async with asked(tmp_path) as (client, fake):
        answer, fake.answer = fake.answer, calls
        first = await client.responses.create(model="tiny", input="Weather?", tools=TOOLS)
        fake.answer = answer
        result: Any = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
        await client.responses.create(
            model="tiny", input=[result], tools=TOOLS, previous_response_id=first.id
        )
        _, called, told = fake.received[1].body["messages"]
        assert called["tool_calls"] == [CALL]
        assert (told["role"], told["tool_call_id"], told["content"]) == ("tool", "call_1", "rain")


@scenario(32, "better: it is not stored, as the client says")
async def test_response_that_is_not_to_be_stored(tmp_path: Path) -> None:
    async with asked(tmp_path) as (client, fake):
        first = await client.responses.create(model="tiny", input="Hi", store=False)
        with pytest.raises(openai.BadRequestError):
            await client.responses.create(model="tiny", input="And?", previous_response_id=first.id)
        with pytest.raises(openai.NotFoundError):
            await client.responses.retrieve(first.id)
        assert len(fake.received) == 1
