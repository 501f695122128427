"""A cluster that fails is left alone for a while, and comes back by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from dataplane.runtime.config import Cluster, ModelTarget, RuntimeConfig, Secret
from tests.support.gateway import (
    AT_ONCE,
    FALLBACK,
    PROVIDER,
    Gateway,
    MovableClock,
    gateway,
    model_config,
    with_fallback,
)
from tests.support.raw_client import RawClient, Reply, connected, post
from tests.support.upstream import (
    DONE,
    Received,
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

ASK = post(b'{"model":"gpt","messages":[]}')
DOWN = always(json_answer(b"{}", "503 Service Unavailable"))
NO_RETRIES = replace(AT_ONCE, num_retries=0)


def limited(after: int) -> bytes:
    return json_answer(b"{}", "429 Too Many Requests", b"retry-after: %d\r\n" % after)


async def ask(client: RawClient, body: bytes = ASK) -> Reply:
    client.send(body)
    return await client.reply()


async def break_it(client: RawClient) -> None:
    """As many failures as it takes."""
    for _ in range(5):
        assert (await ask(client)).status in (200, 503)


def served(gate: Gateway) -> list[str]:
    return [record.provider for record in gate.records]


async def test_after_an_outage_of_a_minute_the_primary_is_used_within_half_a_minute() -> None:
    clock = MovableClock()
    began = clock.now()

    async def script(received: Received) -> AsyncIterator[Step]:
        is_down = clock.now() < began + 60.0
        yield json_answer(b"{}", "503 Service Unavailable") if is_down else json_answer()

    async with (
        upstream(script) as primary,
        upstream() as other,
        gateway(with_fallback(model_config(primary.endpoint), other.endpoint), clock=clock) as gate,
        connected(gate.port) as client,
    ):
        back_s = None
        during = 0
        for _ in range(24):
            assert (await ask(client)).status == 200
            now = clock.now() - began
            if now < 60.0:
                during = len(primary.requests)
            elif back_s is None and served(gate)[-1] == PROVIDER:
                back_s = now - 60.0
            clock.ahead_s += 4.0
        assert back_s is not None
        assert back_s <= 30.0
        assert during <= 15  # of 15 requests with three attempts each
        assert served(gate)[-1] == PROVIDER
        assert gate.metric("outrider_breaker_open")["c",] == 0


async def test_an_open_primary_is_passed_over_and_that_is_told() -> None:
    async with (
        upstream(DOWN) as primary,
        upstream() as other,
        gateway(
            with_fallback(model_config(primary.endpoint), other.endpoint, retry=NO_RETRIES)
        ) as gate,
        connected(gate.port) as client,
    ):
        await break_it(client)
        asked = len(primary.requests)
        assert (await ask(client)).status == 200
        assert len(primary.requests) == asked
        assert served(gate)[-1] == FALLBACK
        assert gate.records[-1].failures == (f"{PROVIDER}: breaker_open",)
        assert gate.records[-1].attempts == 1
        assert gate.metric("outrider_breaker_open") == {("c",): 1, ("d",): 0}
        assert gate.metric("outrider_breaker_opened_total")["c",] == 1
        assert gate.metric("outrider_failovers_total") == {("c", "server"): 5}


async def test_a_candidate_without_endpoints_does_not_hide_the_others() -> None:
    async with upstream(DOWN) as primary, upstream() as other:
        config = with_fallback(model_config(primary.endpoint), other.endpoint, retry=NO_RETRIES)
        (listener,) = config.listeners.values()
        empty = replace(config.providers[PROVIDER], name="empty", cluster="e")
        target = ModelTarget(("empty", PROVIDER, FALLBACK))
        route = replace(listener.routes[0], target=target)
        config = replace(
            config,
            listeners={"m": replace(listener, routes=(route,), by_model={"gpt": route})},
            providers={**config.providers, "empty": empty},
            clusters={**config.clusters, "e": Cluster("e", ())},
        )
        async with gateway(config) as gate, connected(gate.port) as client:
            await break_it(client)
            asked = len(primary.requests)
            assert (await ask(client)).status == 200
            assert len(primary.requests) == asked
            assert gate.records[-1].failures == (f"{PROVIDER}: breaker_open",)


async def test_the_only_candidate_is_asked_although_it_is_open() -> None:
    async with (
        upstream(in_turn(*[DOWN] * 15, always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(5):
            assert (await ask(client)).status == 503
        assert gate.metric("outrider_breaker_open") == {("c",): 1}
        assert (await ask(client)).status == 200


async def test_all_listeners_and_later_configurations_know_of_an_outage() -> None:
    async with upstream(DOWN) as primary, upstream() as other:
        config = with_fallback(model_config(primary.endpoint), other.endpoint, retry=NO_RETRIES)
        async with gateway(config) as gate, connected(gate.port) as client:
            await break_it(client)
            asked = len(primary.requests)
            provider = replace(config.providers[PROVIDER], access_keys=(Secret("sk-new"),))
            listener = replace(config.listeners["m"], name="n")
            changed = replace(
                config,
                version="2",
                providers={**config.providers, PROVIDER: provider},
                listeners={**config.listeners, "n": listener},
            )
            await gate.listeners.reconcile(changed)
            assert (await ask(client)).status == 200
            async with connected(gate.listeners.bound()["n"][1]) as second:
                assert (await ask(second)).status == 200
            assert len(primary.requests) == asked


async def test_a_limit_without_another_key_sends_others_to_the_fallback_meanwhile() -> None:
    clock = MovableClock()
    async with (
        upstream(in_turn(always(limited(30)), always(json_answer()))) as primary,
        upstream() as other,
        gateway(with_fallback(model_config(primary.endpoint), other.endpoint), clock=clock) as gate,
        connected(gate.port) as client,
    ):
        assert (await ask(client)).status == 200  # 30 s are longer than anybody waits
        assert (await ask(client)).status == 200
        assert served(gate) == [FALLBACK, FALLBACK]
        assert len(primary.requests) == 1
        clock.ahead_s += 31.0
        assert (await ask(client)).status == 200
        assert served(gate)[-1] == PROVIDER
        assert gate.metric("outrider_breaker_opened_total")["c",] == 0


@pytest.mark.parametrize(
    "provider",
    [
        pytest.param({"access_keys": (Secret("sk-1"), Secret("sk-2"))}, id="another key"),
        pytest.param({"passthrough_auth": True, "access_keys": ()}, id="the client's key"),
    ],
)
async def test_a_limit_of_one_key_is_none_of_the_cluster(provider: dict[str, object]) -> None:
    async with (
        upstream(in_turn(always(limited(30)), always(json_answer()))) as primary,
        upstream() as other,
        gateway(
            with_fallback(model_config(primary.endpoint, provider=provider), other.endpoint)
        ) as gate,
        connected(gate.port) as client,
    ):
        assert (await ask(client)).status == 200
        assert gate.metric("outrider_breaker_open")["c",] == 0
        assert (await ask(client)).status == 200
        assert served(gate)[-1] == PROVIDER


async def test_a_probe_whose_client_leaves_does_not_hinder_the_next() -> None:
    clock = MovableClock()
    silence = asyncio.Event()

    async def never(received: Received) -> AsyncIterator[Step]:
        await silence.wait()
        yield b""

    async with (
        upstream(in_turn(*[DOWN] * 5, never, always(json_answer()))) as primary,
        upstream() as other,
        gateway(
            with_fallback(model_config(primary.endpoint), other.endpoint, retry=NO_RETRIES),
            clock=clock,
        ) as gate,
        connected(gate.port) as client,
    ):
        await break_it(client)
        clock.ahead_s += 3.0
        async with connected(gate.port) as probe:
            probe.send(ASK)
            await until(lambda: len(primary.requests) == 6)
            assert (await ask(client)).status == 200
            assert served(gate)[-1] == FALLBACK
        await until(lambda: any(one.status == 499 for one in gate.records))
        assert (await ask(client)).status == 200
        assert served(gate)[-1] == PROVIDER


async def test_the_first_content_of_a_stream_closes_it() -> None:
    clock = MovableClock()
    more = asyncio.Event()

    async def streams(received: Received) -> AsyncIterator[Step]:
        yield chunked_head() + chunk(event("hello"))
        await more.wait()
        yield chunk(DONE) + b"0\r\n\r\n"

    async with (
        upstream(in_turn(*[DOWN] * 5, streams)) as primary,
        upstream() as other,
        gateway(
            with_fallback(model_config(primary.endpoint), other.endpoint, retry=NO_RETRIES),
            clock=clock,
        ) as gate,
        connected(gate.port) as client,
    ):
        await break_it(client)
        clock.ahead_s += 3.0
        client.send(post(b'{"model":"gpt","stream":true,"messages":[]}'))
        await until(lambda: gate.metric("outrider_breaker_open")["c",] == 0)
        more.set()
        assert (await client.reply()).whole


async def test_refusals_open_nothing() -> None:
    async with (
        upstream(always(json_answer(b"{}", "400 Bad Request"))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(10):
            assert (await ask(client)).status == 400
        assert gate.metric("outrider_breaker_open")["c",] == 0


async def test_a_translated_provider_is_left_alone_too() -> None:
    async with (
        upstream(DOWN) as primary,
        upstream() as other,
        gateway(
            with_fallback(model_config(primary.endpoint), other.endpoint, retry=NO_RETRIES)
        ) as gate,
        connected(gate.port) as client,
    ):
        body = b'{"model":"gpt","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
        for _ in range(6):
            reply = await ask(client, post(body, path="/v1/messages"))
            assert reply.status == 200
        assert len(primary.requests) == 5
        assert served(gate) == [FALLBACK] * 6


def with_budget(config: RuntimeConfig, **changes: object) -> RuntimeConfig:
    retry = replace(AT_ONCE, **changes)  # type: ignore[arg-type]
    listener = config.listeners["m"]
    route = replace(listener.routes[0], retry=retry)
    return replace(
        config, listeners={"m": replace(listener, routes=(route,), by_model={"gpt": route})}
    )


async def test_retries_stop_when_the_budget_of_the_cluster_is_used_up() -> None:
    async with upstream(DOWN) as fake:
        config = with_budget(
            model_config(fake.endpoint), budget_percent=0.0, min_retry_concurrency=0
        )
        async with gateway(config) as gate, connected(gate.port) as client:
            assert (await ask(client)).status == 503
            assert len(fake.requests) == 1
            assert gate.metric("outrider_retry_budget_denied_total") == {("c",): 1}
            assert gate.metric("outrider_retries_total") == {}


async def test_one_caller_cannot_use_up_the_retries_of_all() -> None:
    held = asyncio.Event()
    seen: set[bytes] = set()

    async def script(received: Received) -> AsyncIterator[Step]:
        if b"fail" in received.body and received.body not in seen:
            seen.add(received.body)
            yield json_answer(b"{}", "503 Service Unavailable")
            return
        await held.wait()
        yield json_answer()

    def asked(caller: bytes, what: bytes) -> bytes:
        body = b'{"model":"gpt","messages":[],"user":"%b"}' % what
        return post(body, headers=b"authorization: Bearer %b\r\n" % caller)

    async with upstream(script) as fake:
        config = with_budget(
            model_config(fake.endpoint), budget_percent=50.0, min_retry_concurrency=1
        )
        async with gateway(config) as gate, AsyncExitStack() as stack:

            async def send(caller: bytes, what: bytes) -> RawClient:
                client = await stack.enter_async_context(connected(gate.port))
                before = len(fake.requests)
                client.send(asked(caller, what))
                await until(lambda: len(fake.requests) > before)
                return client

            for number in range(6):
                await send(b"many", b"%d" % number)
            await send(b"greedy", b"fail-1")
            await until(lambda: len(fake.requests) == 8)
            denied = await send(b"greedy", b"fail-2")
            assert (await denied.reply()).status == 503
            await send(b"many", b"fail-3")
            await until(lambda: len(fake.requests) == 11)
            held.set()
            assert gate.metric("outrider_retry_budget_denied_total") == {("c",): 1}
            assert gate.metric("outrider_retries_total") == {("c", "server"): 2}
