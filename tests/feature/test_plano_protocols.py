"""Plano's scenarios of protocols: the vendors' own SDKs at providers of their own and of others."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.support.plano import gateway, provider, scenario
from tests.support.raw_client import connected, post
from tests.support.spoken import MESSAGES
from tests.support.upstream import (
    Received,
    Step,
    always,
    chunked_head,
    in_chunks,
    json_answer,
    upstream,
)

HELLO: list[Any] = [{"role": "user", "content": "Weather in Oslo and in Rome?"}]
TOOL: Any = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """One event of a chat stream."""
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    event = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "gpt-4o"}
    return b"data: " + json.dumps({**event, "choices": choices, **more}).encode() + b"\n\n"


def call(index: int, city: str) -> dict[str, Any]:
    """A whole tool call in one chunk."""
    function = {"name": "weather", "arguments": json.dumps({"city": city})}
    return {"index": index, "id": f"call_{city}", "type": "function", "function": function}


USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 8},
}
STREAM = b"".join(
    (
        chunk({"role": "assistant", "content": "Let me "}),
        chunk({"content": "look."}),
        chunk({"tool_calls": [call(0, "Oslo"), call(1, "Rome")]}),
        chunk({}, "tool_calls"),
        chunk({}, choices=[], usage=USAGE),
        b"data: [DONE]\n\n",
    )
)


@scenario(
    15,
    "better: each block has its own index, no argument of several calls in one chunk is lost,"
    " usage has cached tokens",
)
async def test_anthropic_sdk_streams_from_openai(tmp_path: Path) -> None:
    async def script(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        yield in_chunks(STREAM, 7)

    async with upstream(script) as fake:
        base = f"http://127.0.0.1:{fake.endpoint.port}/v1"
        async with (
            gateway(tmp_path, [{"model": "openai/gpt-4o", "base_url": base}]) as made,
            anthropic.AsyncAnthropic(base_url=made.url, api_key="k", max_retries=0) as client,
            client.messages.stream(
                model="gpt-4o", max_tokens=99, messages=HELLO, tools=[TOOL]
            ) as stream,
        ):
            events = [event async for event in stream]
            message = await stream.get_final_message()
    assert [block.type for block in message.content] == ["text", "tool_use", "tool_use"]
    said, *calls = message.content
    assert said.type == "text"
    assert said.text == "Let me look."
    assert [one.input for one in calls if one.type == "tool_use"] == [
        {"city": "Oslo"},
        {"city": "Rome"},
    ]
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (12, 8, 9)
    begun = [event.index for event in events if event.type == "content_block_start"]
    assert begun == [0, 1, 2]
    assert [event.type for event in events].count("message_stop") == 1


@scenario(
    16,
    "better: Messages, its own protocol, with x-api-key, as the compatibility layer leaves out what"
    " it does not know; what cannot be said is refused by name",
)
async def test_openai_sdk_asks_anthropic(tmp_path: Path) -> None:
    async with provider() as fake:
        models = [{"model": "anthropic/claude", "base_url": f"{fake.url}/v1", "access_key": "$KEY"}]
        async with (
            gateway(tmp_path, models) as made,
            openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k", max_retries=0) as client,
        ):
            answer = await client.chat.completions.create(model="claude", messages=HELLO)
            assert answer.choices[0].message.content == "claude"
            with pytest.raises(openai.BadRequestError, match="seed"):
                await client.chat.completions.create(model="claude", messages=HELLO, seed=7)
    (seen,) = fake.received
    assert seen.path == "/v1/messages"
    assert seen.headers["x-api-key"] == "sk-house"
    assert "authorization" not in seen.headers


@scenario(16, "same: with `apis: [chat]`")
async def test_openai_sdk_asks_anthropics_layer_of_chat(tmp_path: Path) -> None:
    async with provider() as fake:
        base = {"base_url": f"{fake.url}/v1", "access_key": "$KEY"}
        models = [{"model": "anthropic/claude", "apis": ["chat"], **base}]
        async with (
            gateway(tmp_path, models) as made,
            openai.AsyncOpenAI(base_url=f"{made.url}/v1", api_key="k", max_retries=0) as client,
        ):
            await client.chat.completions.create(model="claude", messages=HELLO)
    (seen,) = fake.received
    assert seen.path == "/v1/chat/completions"
    assert seen.headers["authorization"] == "Bearer sk-house"


MESSAGE = (
    b'{ "messages" : [{"role":"user","content":[{"type":"not_known_yet"},{"type":"document"}]}],'
    b'  "max_tokens": 9, "future": 1.50, "model":"claude" }'
)


@scenario(
    17,
    "better: the bytes are the client's own, unknown fields and blocks included, and so is the"
    " query; a version of its own wins",
)
async def test_messages_reach_anthropic_untouched(tmp_path: Path) -> None:
    answer = MESSAGES.answer + b"\n "
    async with upstream(always(json_answer(answer))) as fake:
        base = f"http://127.0.0.1:{fake.endpoint.port}/v1"
        models = [{"model": "anthropic/claude", "base_url": base, "access_key": "$KEY"}]
        async with (
            gateway(tmp_path, models) as made,
            connected(int(made.url.rpartition(":")[2])) as client,
        ):
            for header in (b"", b"anthropic-version: 2026-10-21\r\nanthropic-beta: a,b\r\n"):
                client.send(post(MESSAGE, path="/v1/messages?beta=true", headers=header))
                reply = await client.reply()
                assert (reply.status, reply.body) == (200, answer)
    first, second = fake.requests
    assert first.line == b"POST /v1/messages?beta=true HTTP/1.1"
    assert first.body == second.body == MESSAGE
    assert first.header(b"x-api-key") == b"sk-house"
    assert first.header(b"anthropic-version") == b"2023-06-01"
    assert second.header(b"anthropic-version") == b"2026-10-21"
    assert second.header(b"anthropic-beta") == b"a,b"
