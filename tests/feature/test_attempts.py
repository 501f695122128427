"""What client and operator are told when more than one attempt was made."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from dataplane.llm.stakes import prompt_tokens
from dataplane.observe.spans import of_exchange
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.retry import Changes
from dataplane.tasks import Tasks
from tests.support.gateway import (
    AT_ONCE,
    FALLBACK,
    PROVIDER,
    MovableClock,
    gateway,
    model_config,
    with_fallback,
)
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    DONE,
    Cut,
    Received,
    Script,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    in_turn,
    json_answer,
    upstream,
)
from tests.support.wait import until

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


def never() -> Script:
    async def script(received: Received) -> AsyncIterator[Step]:
        await asyncio.Event().wait()
        yield b""

    return script


async def test_the_deadline_holds_for_attempts_that_may_take_as_long_as_they_like() -> None:
    """The first is silent for as long as it may be, the second for ever."""
    retry = replace(AT_ONCE, idle_timeout_s=0.0, per_try_timeout_s=0.05)
    async with upstream(never()) as primary, upstream(never()) as other:
        config = model_config(primary.endpoint, timeout_s=30.0)
        config = with_fallback(config, other.endpoint, retry=retry)
        config = with_own_retry(config, (("per_try_timeout_s", 0.0),))
        clock = MovableClock()
        async with gateway(config, clock=clock) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            await until(lambda: len(other.requests) == 1)
            clock.ahead_s += 31.0
            reply = await client.reply()
            assert (reply.status, reply.detail) == (504, "deadline_exceeded")
            assert gate.records[0].failures == (f"{PROVIDER}: silent",)
            await until(lambda: primary.open == other.open == 0)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(json_answer(b"{}", "401 No"), 502, id="refused key"),
        pytest.param(chunked_head() + b"0\r\n\r\n", 502, id="empty stream"),
        pytest.param(
            chunked_head() + chunk(b'data: {"error":{"message":"no"}}\n\n') + b"0\r\n\r\n",
            502,
            id="error inside",
        ),
    ],
)
async def test_an_answer_of_ours_leaves_no_connection_behind(answer: bytes, status: int) -> None:
    async with (
        upstream(always(answer)) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(3):
            client.send(post(b'{"model":"gpt","stream":true,"messages":[]}'))
            assert (await client.reply()).status == status
        await until(lambda: fake.open <= 1)  # it may be kept
        (load,) = gate.services.standings.of("c").loads
        assert load.active == 0


class HoldingBack(Tasks):
    """Lets the first task begin when somebody says so."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self._held = False

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """See Tasks."""
        if self._held:
            return super().start(coroutine, name)
        self._held = True
        return super().start(self._later(coroutine), name)

    async def _later(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        await self.go.wait()
        await coroutine


@pytest.mark.parametrize("asked", [post(ASK), MESSAGES], ids=["relayed", "translated"])
async def test_a_connection_that_comes_too_late_is_not_used(asked: bytes) -> None:
    """By then its request is under way elsewhere."""
    answer = asyncio.Event()

    async def script(received: Received) -> AsyncIterator[Step]:
        await answer.wait()
        yield json_answer()

    retry = replace(AT_ONCE, per_try_timeout_s=0.1)
    async with upstream() as primary, upstream(script) as other:
        config = with_fallback(model_config(primary.endpoint), other.endpoint, retry=retry)
        config = with_own_retry(config, (("per_try_timeout_s", 0.0),))
        async with gateway(config) as gate, connected(gate.port) as client:
            dials = gate.services.pool.tasks = HoldingBack()
            client.send(asked)
            await until(lambda: len(other.requests) == 1)
            dials.go.set()
            await until(lambda: primary.accepted == 1)
            answer.set()
            assert (await client.reply()).status == 200
            assert primary.requests == []
            assert len(other.requests) == 1
            assert gate.records[0].failures == (f"{PROVIDER}: silent",)


def with_own_retry(config: RuntimeConfig, changes: Changes) -> RuntimeConfig:
    """The fallback's own policy."""
    changed = replace(config.providers[FALLBACK], retry=changes)
    return replace(config, providers={**config.providers, FALLBACK: changed})
