"""What client and operator are told when more than one attempt was made."""

import json
from dataclasses import replace

import pytest

from dataplane.llm.stakes import prompt_tokens
from dataplane.observe.spans import of_exchange
from tests.support.gateway import (
    AT_ONCE,
    FALLBACK,
    PROVIDER,
    gateway,
    model_config,
    with_fallback,
)
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    DONE,
    Cut,
    always,
    chunk,
    chunked_head,
    event,
    in_turn,
    json_answer,
    upstream,
)

ASK = b'{"model":"gpt","messages":[]}'
DOWN = always(json_answer(b"{}", "503 Service Unavailable"))
FALLBACKS = json.dumps(
    {
        "id": "chatcmpl-2",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "gpt-2",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Sun."},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }
).encode()
MESSAGES = post(
    b'{"model":"gpt","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
    path="/v1/messages",
)


async def test_an_ordinary_answer_says_nothing_about_attempts() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert not [name for name in reply.headers if name.startswith("x-outrider-")]


async def test_a_retry_is_told() -> None:
    async with (
        upstream(in_turn(DOWN, always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert reply.status == 200
        assert reply.headers["x-outrider-attempts"] == "2"
        assert reply.headers["x-outrider-served-by"] == "openai/gpt"
        assert gate.records[0].attempts == 2
        assert gate.records[0].failures == (f"{PROVIDER}: 503",)
        assert gate.metric("outrider_retries_total") == {("c", "server"): 1}


@pytest.mark.parametrize("asked", [post(ASK), MESSAGES], ids=["relayed", "translated"])
async def test_name_and_usage_are_the_fallbacks(asked: bytes) -> None:
    async with (
        upstream(DOWN) as primary,
        upstream(always(json_answer(FALLBACKS))) as other,
        gateway(with_fallback(model_config(primary.endpoint), other.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        reply = await client.reply()
        assert reply.status == 200
        assert json.loads(reply.body)["model"] == "gpt-2"
        usage = json.loads(reply.body)["usage"]
        assert (usage.get("prompt_tokens") or usage["input_tokens"]) == 7
        assert (usage.get("completion_tokens") or usage["output_tokens"]) == 3
        assert reply.headers["x-outrider-attempts"] == "4"
        assert reply.headers["x-outrider-served-by"] == "groq/gpt-2"
        record = gate.records[0]
        assert (record.provider, record.upstream_model) == (FALLBACK, "gpt-2")
        assert (record.input_tokens, record.output_tokens) == (7, 3)
        assert record.failures == (f"{PROVIDER}: 503",) * 3
        assert record.wasted_tokens == 0  # an error costs nothing
        assert len(primary.requests) == 3
        assert json.loads(other.requests[0].body)["model"] == "gpt-2"


async def test_a_stream_of_the_fallback_is_told_too() -> None:
    stream = chunked_head() + chunk(event("Sun.")) + chunk(DONE) + b"0\r\n\r\n"
    async with (
        upstream(DOWN) as primary,
        upstream(always(stream)) as other,
        gateway(with_fallback(model_config(primary.endpoint), other.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(b'{"model":"gpt","stream":true,"messages":[]}'))
        reply = await client.reply()
        assert reply.whole
        assert reply.headers["x-outrider-attempts"] == "4"
        assert reply.headers["x-outrider-served-by"] == "groq/gpt-2"


async def test_an_error_after_attempts_says_how_many_there_were() -> None:
    async with (
        upstream(always(Cut())) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (502, "upstream_reset")
        assert reply.headers["x-outrider-attempts"] == "3"
        record = gate.records[0]
        assert record.failures == (f"{PROVIDER}: connection",) * 3


async def test_what_thrown_away_attempts_have_cost_is_counted() -> None:
    broken = chunked_head() + chunk(b'data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n')
    async with (
        upstream(in_turn(always(broken, Cut()), always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        body = b'{"model":"gpt","stream":true,"messages":[{"role":"user","content":"hi"}]}'
        client.send(post(body))
        assert (await client.reply()).status == 200
        record = gate.records[0]
        assert record.wasted_tokens == prompt_tokens(body)
        assert gate.metric("outrider_wasted_tokens_total") == {("c",): prompt_tokens(body)}


async def test_a_span_has_its_attempts() -> None:
    async with (
        upstream(in_turn(DOWN, always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        await client.reply()
        attributes = of_exchange(gate.records[0]).attributes
        assert attributes["outrider.attempts"] == 2
        assert attributes["outrider.failures"] == (f"{PROVIDER}: 503",)


async def test_a_candidate_that_was_passed_over_is_told_as_served_by() -> None:
    retry = replace(AT_ONCE, num_retries=0)
    async with (
        upstream(DOWN) as primary,
        upstream() as other,
        gateway(with_fallback(model_config(primary.endpoint), other.endpoint, retry=retry)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(6):
            client.send(post(ASK))
            reply = await client.reply()
            assert reply.headers["x-outrider-served-by"] == "groq/gpt-2"
        assert "x-outrider-attempts" not in reply.headers
