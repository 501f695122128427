"""A second attempt beside a first one that is slow to begin."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from dataplane.llm.stakes import prompt_tokens
from dataplane.runtime.cluster import CircuitBreakers, Thresholds
from dataplane.runtime.config import RuntimeConfig
from tests.support.gateway import (
    AT_ONCE,
    FALLBACK,
    PROVIDER,
    gateway,
    model_config,
    with_fallback,
)
from tests.support.planes import planes
from tests.support.pool_of import with_retry
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    COMPLETION,
    DONE,
    Cut,
    FakeUpstream,
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

HEDGED = replace(AT_ONCE, hedge_after_s=0.02)
BODY = b'{"model":"gpt","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}'
ASK = post(BODY)
STREAMED = post(BODY[:-1] + b',"stream":true}')
MESSAGES = post(BODY, path="/v1/messages")
MESSAGES_STREAMED = post(BODY[:-1] + b',"stream":true}', path="/v1/messages")
STREAM = chunked_head() + chunk(event("Sun.")) + chunk(DONE) + b"0\r\n\r\n"
ASKS = [
    pytest.param(ASK, json_answer(), id="whole"),
    pytest.param(STREAMED, STREAM, id="stream"),
    pytest.param(MESSAGES, json_answer(), id="translated"),
    pytest.param(MESSAGES_STREAMED, STREAM, id="translated stream"),
]
DOWN = always(json_answer(b"{}", "503 Service Unavailable"))
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'


def never(*before: Step) -> Script:
    """Says what it is told to, and then nothing."""

    async def script(received: Received) -> AsyncIterator[Step]:
        for step in before:
            yield step
        await asyncio.Event().wait()

    return script


def after(go: asyncio.Event, *steps: Step) -> Script:
    """The same answer, when somebody says so."""

    async def script(received: Received) -> AsyncIterator[Step]:
        await go.wait()
        for step in steps:
            yield step

    return script


def two(first: FakeUpstream, second: FakeUpstream, **changes: Any) -> RuntimeConfig:
    retry = replace(HEDGED, **changes)
    return with_fallback(model_config(first.endpoint), second.endpoint, retry=retry)


@pytest.mark.parametrize(("asked", "answer"), ASKS)
async def test_the_second_answers_and_the_first_is_cut_at_once(asked: bytes, answer: bytes) -> None:
    async with (
        upstream(never()) as slow,
        upstream(always(answer)) as quick,
        gateway(two(slow, quick)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, True)
        assert reply.headers["x-outrider-attempts"] == "2"
        assert reply.headers["x-outrider-served-by"] == "groq/gpt-2"
        await until(lambda: slow.open == 0)
        (record,) = gate.records
        assert (record.provider, record.attempts) == (FALLBACK, 2)
        assert record.failures == (f"{PROVIDER}: hedged",)
        cost = prompt_tokens(BODY)
        assert cost <= record.wasted_tokens <= cost + 20
        assert gate.metric("outrider_wasted_tokens_total")["c",] == record.wasted_tokens
        assert gate.metric("outrider_hedges_total") == {("c", "second"): 1}
        client.send(asked)  # and the connection of the client goes on
        assert (await client.reply()).status == 200


@pytest.mark.parametrize(("asked", "answer"), ASKS)
async def test_the_first_may_still_win(asked: bytes, answer: bytes) -> None:
    go = asyncio.Event()
    async with (
        upstream(after(go, answer)) as first,
        upstream(never()) as second,
        gateway(two(first, second)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        await until(lambda: len(second.requests) == 1)
        go.set()
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, True)
        await until(lambda: second.open == 0)
        (record,) = gate.records
        assert record.provider == PROVIDER
        assert record.failures == (f"{FALLBACK}: hedged",)
        assert gate.metric("outrider_hedges_total") == {("c", "first"): 1}


async def test_a_beginning_without_content_is_slow_too() -> None:
    async with (
        upstream(never(chunked_head() + chunk(ROLE))) as slow,
        upstream(always(STREAM)) as quick,
        gateway(two(slow, quick)) as gate,
        connected(gate.port) as client,
    ):
        client.send(STREAMED)
        reply = await client.reply()
        assert reply.whole
        assert b"Sun." in reply.body
        assert ROLE not in reply.body


async def test_an_answer_in_time_has_no_second_attempt() -> None:
    async with (
        upstream() as quick,
        upstream() as other,
        gateway(two(quick, other, hedge_after_s=0.8)) as gate,
        connected(gate.port) as client,
    ):
        client.send(ASK)
        reply = await client.reply()
        assert "x-outrider-attempts" not in reply.headers
        await asyncio.sleep(0.9)
        assert other.requests == []
        assert gate.metric("outrider_hedges_total") == {}


async def test_another_endpoint_of_the_same_model_comes_before_another_model() -> None:
    async with (
        upstream(never()) as slow,
        upstream(never()) as slow_too,
        upstream() as other,
    ):
        config = with_fallback(
            model_config(slow.endpoint, slow_too.endpoint), other.endpoint, retry=HEDGED
        )
        async with gateway(config) as gate, connected(gate.port) as client:
            client.send(ASK)
            await until(lambda: len(slow.requests) == len(slow_too.requests) == 1)
            assert other.requests == []


async def test_the_only_endpoint_is_asked_twice() -> None:
    async with upstream(in_turn(never(), always(json_answer()))) as fake:
        config = two(fake, fake)
        listener = config.listeners["m"]
        route = replace(listener.routes[0], target=model_config().listeners["m"].routes[0].target)
        config = replace(
            config, listeners={"m": replace(listener, routes=(route,), by_model={"gpt": route})}
        )
        async with gateway(config) as gate, connected(gate.port) as client:
            client.send(ASK)
            reply = await client.reply()
            assert reply.body == COMPLETION
            assert reply.headers["x-outrider-served-by"] == "openai/gpt"
            await until(lambda: fake.open == 1)


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        pytest.param(BODY[:-1] + b',"tools":[{"type":"function"}]}', {}, id="tools"),
        pytest.param(BODY.replace(b":50", b":50000"), {}, id="too many tokens"),
        pytest.param(
            BODY, {"budget_percent": 0.0, "min_retry_concurrency": 0}, id="no room in the budget"
        ),
    ],
)
async def test_some_requests_have_no_second_attempt(body: bytes, changes: dict[str, Any]) -> None:
    go = asyncio.Event()
    async with (
        upstream(after(go, json_answer())) as slow,
        upstream() as other,
        gateway(two(slow, other, **changes)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(body))
        await until(lambda: len(slow.requests) == 1)
        await asyncio.sleep(0.06)
        assert other.requests == []
        go.set()
        assert (await client.reply()).body == COMPLETION


async def test_requests_with_tools_have_one_where_the_operator_says_so() -> None:
    async with (
        upstream(never()) as slow,
        upstream() as quick,
        gateway(two(slow, quick, hedge_tools=True)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(BODY[:-1] + b',"tools":[{"type":"function"}]}'))
        assert (await client.reply()).body == COMPLETION


@pytest.mark.parametrize(("asked", "answer"), ASKS)
async def test_a_second_that_fails_costs_nothing(asked: bytes, answer: bytes) -> None:
    go = asyncio.Event()
    async with (
        upstream(after(go, answer)) as first,
        upstream(DOWN) as second,
        gateway(two(first, second)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        await until(lambda: gate.metric("outrider_hedges_total") == {("c", "none"): 1})
        assert len(first.requests) == len(second.requests) == 1
        go.set()
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, True)
        assert gate.records[0].failures == (f"{FALLBACK}: 503",)


@pytest.mark.parametrize(("asked", "answer"), ASKS)
async def test_a_first_that_fails_leaves_the_request_to_the_second(
    asked: bytes, answer: bytes
) -> None:
    fail, go = asyncio.Event(), asyncio.Event()
    async with (
        upstream(after(fail, Cut())) as first,
        upstream(after(go, answer)) as second,
        gateway(two(first, second)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        await until(lambda: len(second.requests) == 1)
        fail.set()
        await until(lambda: gate.metric("outrider_hedges_total") == {("c", "none"): 1})
        go.set()
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, True)
        assert len(first.requests) == len(second.requests) == 1
        assert gate.records[0].provider == FALLBACK


async def test_when_both_fail_the_rest_is_as_always() -> None:
    fail = asyncio.Event()
    async with (
        upstream(after(fail, Cut())) as first,
        upstream(in_turn(DOWN, always(json_answer()))) as second,
        gateway(two(first, second)) as gate,
        connected(gate.port) as client,
    ):
        client.send(ASK)
        await until(lambda: len(second.requests) == 1)
        fail.set()
        reply = await client.reply()
        assert reply.status == 200
        assert len(gate.records) == 1


async def test_a_client_that_leaves_stops_both() -> None:
    async with (
        upstream(never()) as first,
        upstream(never()) as second,
        gateway(two(first, second)) as gate,
    ):
        async with connected(gate.port) as client:
            client.send(ASK)
            await until(lambda: len(second.requests) == 1)
        await until(lambda: first.open == second.open == 0)
        (record,) = gate.records
        assert (record.status, record.detail) == (499, "downstream_gone")
        standings = gate.services.standings
        assert [standings.of(name).retries.running for name in "cd"] == [0, 0]


async def test_the_deadline_is_that_of_both() -> None:
    async with upstream(never()) as first, upstream(never()) as second:
        config = two(first, second)
        config = replace(config, listeners={"m": replace(config.listeners["m"], timeout_s=0.7)})
        async with gateway(config) as gate, connected(gate.port) as client:
            client.send(ASK)
            reply = await client.reply()
            assert (reply.status, reply.detail) == (504, "deadline_exceeded")
            await until(lambda: first.open == second.open == 0)
            assert len(gate.records) == 1
            assert gate.services.standings.of("d").retries.running == 0


async def test_budgets_and_loads_are_free_again() -> None:
    async with (
        upstream(never()) as slow,
        upstream() as quick,
        gateway(two(slow, quick)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(8):  # more than may run at the same time
            client.send(ASK)
            assert (await client.reply()).body == COMPLETION
        for name in "cd":
            standing = gate.services.standings.of(name)
            assert standing.retries.running == 0
            assert [load.active for load in standing.loads] == [0]


ENDS = ("answers", "fails")
EVENTS = ("first answers", "second answers", "first fails", "second fails", "client leaves")
FOLLOWING = [
    pytest.param(one, other, id=f"{one}, {other}")
    for one, other in permutations(EVENTS, 2)
    if one.split()[0] != other.split()[0]
]


@pytest.mark.parametrize(("one", "other"), FOLLOWING)
@pytest.mark.parametrize("asked", [STREAMED, MESSAGES_STREAMED], ids=["relayed", "translated"])
async def test_whatever_happens_one_is_heard_and_nothing_is_left(
    asked: bytes, one: str, other: str
) -> None:
    happened = {name: asyncio.Event() for name in EVENTS}

    def script(who: str) -> Script:
        async def plays(received: Received) -> AsyncIterator[Step]:
            waits = [asyncio.ensure_future(happened[f"{who} {x}"].wait()) for x in ENDS]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            yield STREAM if happened[f"{who} answers"].is_set() else Cut()

        return plays

    async with (
        upstream(script("first")) as first,
        upstream(script("second")) as second,
        gateway(two(first, second, num_retries=0)) as gate,
        connected(gate.port) as client,
    ):
        client.send(asked)
        await until(lambda: len(second.requests) == 1)
        for what in (one, other):
            happened[what].set()
            if what == "client leaves":
                client.close()
            await asyncio.sleep(0.005)
        answers = "answers" in one or ("answers" in other and one != "client leaves")
        if one != "client leaves" and (other != "client leaves" or answers):
            reply = await client.reply() if other != "client leaves" else None
            assert reply is None or reply.whole
            assert reply is None or (reply.status == 200) == answers
        await until(lambda: len(gate.records) == 1)
        for name in "cd":
            standing = gate.services.standings.of(name)
            await until(lambda: [load.active for load in standing.loads] == [0])  # noqa: B023
            assert (standing.waiting, standing.retries.running) == (0, 0)
        await until(lambda: first.open + second.open <= 1)  # one of them may be kept


CONFIG = """\
version: v0.4.0
model_providers:
  - {model: openai/gpt, base_url: "http://127.0.0.1:FIRST", access_key: $KEY}
  - {model: groq/gpt, base_url: "http://127.0.0.1:SECOND", access_key: $KEY}
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    retry: {hedge: {after: 30ms, max_tokens: 5000}}
"""


async def test_a_config_says_so(tmp_path: Path) -> None:
    async with upstream(never()) as slow, upstream() as quick:
        text = CONFIG.replace("FIRST", str(slow.endpoint.port))
        text = text.replace("SECOND", str(quick.endpoint.port))
        async with planes(text, tmp_path, environ={"KEY": "sk"}) as made:
            port = int(made.url("models").rpartition(":")[2])
            async with connected(port) as client:
                client.send(ASK)
                reply = await client.reply()
                assert reply.body == COMPLETION
                assert reply.headers["x-outrider-served-by"] == "groq/gpt"
            families = {one.name: one.samples for one in made.workers[0].families()}
            assert sum(families["outrider_hedges_total"].values()) == 1  # type: ignore[arg-type]
            log = (tmp_path / "access.log").read_text()
            assert '"failures":["openai/gpt: hedged"]' in log
            assert '"wasted_tokens":' in log


async def test_circuit_breakers_forbid_a_second_and_the_first_is_not_disturbed() -> None:
    go = asyncio.Event()
    breakers = CircuitBreakers(Thresholds(max_requests=1))
    async with upstream(after(go, json_answer())) as slow:
        config = model_config(slow.endpoint, cluster={"circuit_breakers": breakers})
        async with (
            gateway(with_retry(config, HEDGED)) as gate,
            connected(gate.port) as client,
        ):
            client.send(ASK)
            await until(lambda: len(slow.requests) == 1)
            ended = asyncio.get_running_loop().time() + 4 * HEDGED.hedge_after_s
            await until(lambda: asyncio.get_running_loop().time() > ended)
            go.set()
            assert (await client.reply()).status == 200
            assert len(slow.requests) == 1
