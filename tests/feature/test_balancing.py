"""Requests are spread over the endpoints of a cluster as its policy says."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial

import pytest

from dataplane.runtime.cluster import (
    Balancing,
    CircuitBreakers,
    HashOn,
    PolicyKind,
    Priority,
    Thresholds,
)
from tests.support.gateway import Gateway, MovableClock, gateway, model_config, with_fallback
from tests.support.pool_of import CHAT, NO_RETRIES, pool_of, with_retry
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    COMPLETION,
    Close,
    FakeUpstream,
    Received,
    Script,
    Step,
    always,
    json_answer,
    upstream,
)
from tests.support.wait import until

DEAD = always(Close())


def policy(kind: PolicyKind, **more: object) -> Balancing:
    return Balancing(kind, **more)  # type: ignore[arg-type]  # a test's shorthand


def held() -> tuple[Script, asyncio.Event]:
    """Answers when the event is set."""
    go = asyncio.Event()

    async def script(received: Received) -> AsyncIterator[Step]:
        await go.wait()
        yield json_answer()

    return script, go


def cached(tokens: int, prompt: int = 2000) -> Script:
    """Answers that tell of so many cached tokens."""
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": tokens},
    }
    return always(json_answer(json.dumps(json.loads(COMPLETION) | {"usage": usage}).encode()))


def conversation(system: str, *turns: str) -> bytes:
    messages = [{"role": "system", "content": system * 200}]
    messages += [{"role": "user", "content": turn * 100} for turn in turns]
    return json.dumps({"model": "gpt", "messages": messages}).encode()


async def test_dead_endpoint_is_skipped() -> None:
    async with pool_of(DEAD, None) as pool:
        assert await pool.statuses(20) == {200: 20}
        assert pool.asked()[1] == 20


async def test_round_robin_takes_turns_by_weight() -> None:
    kind = policy(PolicyKind.ROUND_ROBIN)
    async with pool_of(None, None, weights=(3, 1), balancing=kind) as pool:
        assert await pool.statuses(12) == {200: 12}
        assert pool.asked() == [9, 3]


async def test_least_request_keeps_away_from_who_is_busy() -> None:
    script, go = held()
    async with pool_of(script, None, balancing=policy(PolicyKind.LEAST_REQUEST)) as pool:
        busy = 0
        async with asyncio.TaskGroup() as group:
            for _ in range(4):  # until one of them hangs
                task = group.create_task(one_more(pool.gate.port))
                await until(partial(is_settled, task, pool.upstreams[0]))
                busy = len(pool.upstreams[0].requests)
                if busy:
                    break
            assert busy == 1
            assert await pool.statuses(10) == {200: 10}
            assert len(pool.upstreams[0].requests) == 1
            go.set()


def is_settled(task: asyncio.Task[int], one: FakeUpstream) -> bool:
    return task.done() or bool(one.requests)


async def one_more(port: int, body: bytes = CHAT) -> int:
    """A request on a connection of its own."""
    async with connected(port) as client:
        client.send(post(body))
        return (await client.reply()).status


async def test_peak_ewma_prefers_who_begins_sooner() -> None:
    async def slow(received: Received) -> AsyncIterator[Step]:
        await asyncio.sleep(0.05)
        yield json_answer()

    async with pool_of(slow, None, balancing=policy(PolicyKind.PEAK_EWMA)) as pool:
        for _ in range(10):
            await pool.ask()
            pool.gate.services.recorder.flush()
        slow_ones, fast_ones = pool.asked()
        assert slow_ones <= 2
        assert fast_ones >= 8
        assert pool.endpoint(1).token_s > 0


@pytest.mark.parametrize("hash_on", [HashOn.HEADER, HashOn.SESSION], ids=lambda one: one.value)
async def test_ring_hash_sticks(hash_on: HashOn) -> None:
    kind = policy(PolicyKind.RING_HASH, hash_on=hash_on, hash_header="x-user")
    name = b"x-user" if hash_on is HashOn.HEADER else b"x-model-affinity"
    async with pool_of(None, None, None, balancing=kind) as pool:
        asked = []
        for user in range(20):  # (not all of them by chance on one)
            before = pool.asked()
            for _ in range(2):
                await pool.ask(headers=b"%b: user-%d\r\n" % (name, user))
            asked.append([after - then for after, then in zip(pool.asked(), before, strict=True)])
        assert all(sorted(one) == [0, 0, 2] for one in asked)
        assert sum(1 for count in pool.asked() if count) > 1


async def test_ring_hash_goes_to_the_next_while_the_first_is_dead_and_back() -> None:
    kind = policy(PolicyKind.RING_HASH, hash_on=HashOn.MODEL)
    async with pool_of(None, None, None, balancing=kind) as pool:
        await pool.ask()
        (first,) = (number for number, count in enumerate(pool.asked()) if count)
        script, pool.upstreams[first].script = pool.upstreams[first].script, DEAD
        assert await pool.statuses(4) == {200: 4}
        others = [count for number, count in enumerate(pool.asked()) if number != first]
        assert sorted(others) == [0, 4]
        pool.upstreams[first].script = script
        before = pool.asked()[first]
        assert await pool.statuses(3) == {200: 3}
        assert pool.asked()[first] == before + 3


async def test_turns_of_a_conversation_stay_where_its_prefix_is_cached() -> None:
    kind = policy(PolicyKind.PREFIX_AFFINITY)
    async with pool_of(cached(900), cached(900), cached(900), balancing=kind) as pool:
        for system in ("kind ", "terse ", "curious "):
            before = pool.asked()
            turns = ["one ", "two ", "three ", "four "]
            for count in range(1, 5):
                await pool.ask(conversation(system, *turns[:count]))
                pool.gate.services.recorder.flush()
            moved = [now - then for now, then in zip(pool.asked(), before, strict=True)]
            assert sorted(moved) == [0, 0, 4]
        assert pool.report.prefixes["hit"] == 12


async def test_prefix_spills_over_while_its_endpoint_has_too_much_to_do() -> None:
    scripts, gates = zip(*(held() for _ in range(3)), strict=True)
    kind = policy(PolicyKind.PREFIX_AFFINITY)
    async with pool_of(*scripts, balancing=kind) as pool, asyncio.TaskGroup() as group:
        for count in range(1, 10):
            group.create_task(one_more(pool.gate.port, conversation("you ", "one ")))
            await until(lambda count=count: sum(pool.asked()) == count)  # type: ignore[misc]
        assert max(pool.asked()) <= 4  # 125 % of the mean of nine, and that rounded up
        assert min(pool.asked()) >= 1
        for go in gates:
            go.set()


async def test_endpoint_that_never_has_the_prefix_loses_it() -> None:
    kind = policy(PolicyKind.PREFIX_AFFINITY)
    async with pool_of(cached(0), cached(0), balancing=kind) as pool:
        body = conversation("you ", "one ")
        await pool.ask(body)
        (first,) = (number for number, count in enumerate(pool.asked()) if count)
        pool.upstreams[1 - first].script = cached(900)
        # what tells that answers of this cluster are to be believed
        pool.upstreams[first].script = cached(900)
        await pool.ask(conversation("other ", "one ", "two "))
        pool.upstreams[first].script = cached(0)
        for _ in range(8):
            await pool.ask(body)
            pool.gate.services.recorder.flush()
        assert pool.report.prefixes["lost"] > 0
        before = pool.asked()
        assert (await pool.ask(body)).status == 200
        assert pool.asked()[1 - first] == before[1 - first] + 1


async def test_requests_without_a_prefix_are_spread() -> None:
    async with pool_of(None, None, balancing=policy(PolicyKind.PREFIX_AFFINITY)) as pool:
        for _ in range(20):
            await pool.ask(b'{"model":"gpt"}')
        assert min(pool.asked()) >= 4


async def test_next_priority_is_asked_when_the_first_cannot() -> None:
    async with pool_of(None, None, None, priorities=(0, 0, 1)) as pool:
        assert await pool.statuses(10) == {200: 10}
        assert pool.asked()[2] == 0
        for one in pool.upstreams[:2]:
            one.script = always(json_answer(b"{}", "500 Oops"))
        assert await pool.statuses(20) == {200: 20}
        assert pool.asked()[2] >= 20


async def test_newcomer_gets_its_share_by_and_by() -> None:
    clock = MovableClock()
    kind = Balancing(slow_start_s=60.0)
    async with (
        upstream() as old,
        upstream() as new,
        gateway(
            model_config(old.endpoint, old.endpoint, cluster={"balancing": kind}), clock=clock
        ) as gate,
        connected(gate.port) as client,
    ):

        async def asked(count: int = 60) -> int:
            before = len(new.requests)
            for _ in range(count):
                client.send(post(CHAT))
                assert (await client.reply()).status == 200
            return len(new.requests) - before

        await asked(1)
        config = model_config(old.endpoint, new.endpoint, cluster={"balancing": kind})
        await gate.listeners.reconcile(config)
        assert await asked() < 15
        clock.ahead_s += 61.0
        assert await asked() > 20


@pytest.mark.parametrize("priority", Priority)
async def test_circuit_breaker_refuses_what_is_too_much(priority: Priority) -> None:
    script, go = held()
    breakers = CircuitBreakers(Thresholds(max_requests=2), Thresholds(max_requests=3))
    allowed = 2 if priority is Priority.DEFAULT else 3
    async with upstream(script) as one:
        config = model_config(one.endpoint, cluster={"circuit_breakers": breakers})
        config = with_retry(config, NO_RETRIES, priority=priority)
        async with gateway(config) as gate, connected(gate.port) as client:
            async with asyncio.TaskGroup() as group:
                for _ in range(allowed):
                    group.create_task(one_more(gate.port))
                await until(lambda: len(one.requests) == allowed)
                client.send(post(CHAT))
                reply = await client.reply()
                assert (reply.status, reply.detail) == (503, "upstream_overflow")
                go.set()
            client.send(post(CHAT))
            assert (await client.reply()).status == 200
            (report,) = gate.services.clusters.reports()
            assert report.overflows["requests"] == 1


async def test_another_candidate_takes_what_a_circuit_breaker_refuses() -> None:
    async with upstream() as one, upstream() as other:
        breakers = CircuitBreakers(Thresholds(max_requests=0))
        config = model_config(one.endpoint, cluster={"circuit_breakers": breakers})
        async with (
            gateway(with_fallback(config, other.endpoint)) as gate,
            connected(gate.port) as client,
        ):
            client.send(post(CHAT))
            assert (await client.reply()).status == 200
            assert (len(one.requests), len(other.requests)) == (0, 1)


async def test_retries_over_their_limit_are_not_made_and_the_client_gets_what_there_is() -> None:
    breakers = CircuitBreakers(Thresholds(max_retries=1))
    calls: list[Received] = []

    async def fails(received: Received) -> AsyncIterator[Step]:
        calls.append(received)
        if len(calls) == 2:  # the retry of the first request
            await go.wait()
        yield json_answer(b"{}", "500 Oops")

    go = asyncio.Event()
    async with pool_of(fails, circuit_breakers=breakers) as pool, asyncio.TaskGroup() as group:
        first = group.create_task(one_more(pool.gate.port))
        await until(lambda: len(calls) == 2)
        assert (await pool.ask()).status == 500
        assert len(calls) == 3
        assert pool.report.overflows["retries"] == 1
        go.set()
        assert await first == 500


async def test_limit_of_connections_leaves_kept_ones_usable() -> None:
    breakers = CircuitBreakers(Thresholds(max_connections=1))
    script, go = held()
    async with pool_of(script, retry=NO_RETRIES, circuit_breakers=breakers) as pool:
        async with asyncio.TaskGroup() as group:
            group.create_task(one_more(pool.gate.port))
            await until(lambda: pool.asked() == [1])
            assert (await pool.ask()).detail == "upstream_overflow"
            go.set()
        assert await pool.statuses(3) == {200: 3}
        assert pool.upstreams[0].accepted == 1


async def test_endpoint_that_leaves_the_config_gets_nothing_new_and_finishes_what_it_has() -> None:
    script, go = held()
    async with (
        upstream(script) as old,
        upstream() as new,
        gateway(model_config(old.endpoint)) as gate,
    ):
        task = asyncio.ensure_future(one_more(gate.port))
        await until(lambda: len(old.requests) == 1)
        await gate.listeners.reconcile(model_config(new.endpoint))
        assert await one_more(gate.port) == 200
        assert len(new.requests) == 1
        go.set()
        assert await task == 200
        await until(lambda: counts(gate) == [0])


def counts(gate: Gateway) -> list[int]:
    """Requests under way by endpoint."""
    return [one.active for state in gate.services.clusters for one in state.endpoints]


async def test_idle_connections_of_an_endpoint_that_leaves_are_closed() -> None:
    async with (
        upstream() as old,
        upstream() as new,
        gateway(model_config(old.endpoint)) as gate,
    ):
        assert await one_more(gate.port) == 200
        await gate.listeners.reconcile(model_config(new.endpoint))
        await until(lambda: old.open == 0)


async def test_nothing_is_left_of_requests_that_are_over() -> None:
    breakers = CircuitBreakers(Thresholds(max_requests=5))
    scripts = (None, DEAD, always(json_answer(b"{}", "500 Oops")))
    async with pool_of(*scripts, circuit_breakers=breakers) as pool:
        await pool.statuses(20)
        assert counts(pool.gate) == [0, 0, 0]
        (state,) = pool.gate.services.clusters
        assert not any(state.permits.under_way())
