"""More than a worker can do, hold or wait for: it does what it can, and says so of the rest."""

import asyncio
import gc
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from dataplane.observe.recorder import LINES
from dataplane.resilience.admission import MAX_RATE, MIN_RATE
from dataplane.runtime.config import Limits, RuntimeConfig
from dataplane.runtime.precedence import Precedence
from dataplane.server.checks import RETRY_AFTER
from dataplane.server.gate import PER_TURN, RESTS_S, TARGET_LAG_S, Gate
from dataplane.server.gate import Held as HeldRequest
from dataplane.wheel import NEVER, TICK_S
from tests.support.gateway import Gateway, gateway, model_config
from tests.support.planes import Processes, processes
from tests.support.raw_client import RawClient, Reply, connected, post
from tests.support.upstream import (
    FakeUpstream,
    Received,
    Script,
    Step,
    chunk,
    chunked_head,
    json_answer,
    upstream,
)
from tests.support.wait import until, until_still

ASK = b'{"model":"gpt","messages":[{"role":"user","content":"hi"}]}'
MB = 1 << 20


class Held:
    """A provider that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, received: Received) -> AsyncIterator[Step]:
        await self.go.wait()
        yield json_answer()


def gate_of(made: Gateway) -> Gate:
    return made.listeners._gate


@asynccontextmanager
async def clients(made: Gateway, count: int) -> AsyncIterator[list[RawClient]]:
    async with AsyncExitStack() as stack:
        port = next(iter(made.listeners.bound().values()))[1]
        yield [await stack.enter_async_context(connected(port)) for _ in range(count)]


@asynccontextmanager
async def house(script: Script, **limits: object) -> AsyncIterator[tuple[Gateway, FakeUpstream]]:
    async with upstream(script) as fake:
        config = model_config(fake.endpoint, limits=replace(Limits(), **limits))  # type: ignore[arg-type]
        async with gateway(config) as made:
            yield made, fake


def shed(reply: Reply) -> bool:
    if reply.status != 503:
        assert reply.status == 200
        return False
    assert (reply.detail, reply.headers["retry-after"]) == ("overloaded", "1")
    assert json.loads(reply.body)["error"]["code"] == "overloaded"
    return True


# -- waiting for one's turn


async def test_request_too_many_waits_and_begins_when_there_is_room() -> None:
    held = Held()
    async with house(held, max_requests=1, queue_timeout_s=5.0) as (made, fake):
        async with clients(made, 2) as (first, second):
            first.send(post(ASK))
            await until(lambda: len(fake.requests) == 1)
            second.send(post(ASK))
            await until(lambda: gate_of(made).waiting == 1)
            assert len(fake.requests) == 1
            held.go.set()
            assert (await first.reply()).status == 200
            assert (await second.reply()).status == 200
        assert gate_of(made).waiting == 0


async def test_room_for_one_lets_one_begin() -> None:
    turns = asyncio.Semaphore(0)

    async def in_turn(received: Received) -> AsyncIterator[Step]:
        await turns.acquire()
        yield json_answer()

    async with (
        house(in_turn, max_requests=1, queue_timeout_s=5.0) as (made, fake),
        clients(made, 4) as many,
    ):
        for client in many:
            client.send(post(ASK))
        await until(lambda: len(fake.requests) == 1 and gate_of(made).waiting == 3)
        for done in range(1, 4):
            turns.release()
            await until(lambda: len(fake.requests) > done)  # noqa: B023 - awaited
            assert len(fake.requests) == done + 1
            assert gate_of(made).waiting == 3 - done
        turns.release()
        assert [(await client.reply()).status for client in many] == [200] * 4


async def test_who_has_waited_too_long_is_told() -> None:
    held = Held()
    async with house(held, max_requests=1, queue_timeout_s=0.1) as (made, fake):
        async with clients(made, 2) as (first, second):
            first.send(post(ASK))
            await until(lambda: len(fake.requests) == 1)
            second.send(post(ASK))
            assert shed(await second.reply())
            second.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
            assert (await second.reply()).status == 200, "probes do not wait"
            held.go.set()
            assert (await first.reply()).status == 200
        (told,) = [
            family.samples
            for family in made.services.metrics.families()
            if family.name == "outrider_admission_shed_total"
        ]
        assert told == {("requests",): 1.0}


async def test_time_in_which_the_process_stands_still_is_no_waiting() -> None:
    held = Held()
    async with (
        house(held, max_requests=1, queue_timeout_s=0.4) as (made, fake),
        clients(made, 2) as (first, second),
    ):
        first.send(post(ASK))
        await until(lambda: len(fake.requests) == 1)
        second.send(post(ASK))
        await until(lambda: gate_of(made).waiting == 1)
        held.go.set()
        time.sleep(0.8)  # noqa: ASYNC251 - all of the process stands still
        assert (await first.reply()).status == 200
        assert (await second.reply()).status == 200


async def test_room_to_wait_is_bounded_and_the_oldest_goes() -> None:
    held = Held()
    limits = {"max_requests": 1, "max_queue": 2, "queue_timeout_s": 5.0}
    async with house(held, **limits) as (made, fake), clients(made, 4) as (first, *others):
        first.send(post(ASK))
        await until(lambda: len(fake.requests) == 1)
        for count, client in enumerate(others, 1):
            client.send(post(ASK))
            await until(lambda: gate_of(made).waiting == min(count, 2))  # noqa: B023 - awaited
        assert shed(await others[0].reply())
        held.go.set()
        assert [(await client.reply()).status for client in others[1:]] == [200, 200]


async def test_client_that_leaves_while_it_waits_is_forgotten() -> None:
    held = Held()
    async with house(held, max_requests=1, queue_timeout_s=5.0) as (made, fake):
        async with clients(made, 2) as (first, second):
            first.send(post(ASK))
            await until(lambda: len(fake.requests) == 1)
            second.send(post(ASK))
            await until(lambda: gate_of(made).waiting == 1)
            second.close()
            await until(lambda: gate_of(made).waiting == 0)
            held.go.set()
            assert (await first.reply()).status == 200
        assert len(fake.requests) == 1
        assert [record.status for record in made.records] == [499, 200]


async def test_requests_that_have_waited_leave_nothing_for_the_garbage_collector() -> None:
    held = Held()
    async with (
        house(held, max_requests=1, queue_timeout_s=0.9) as (made, fake),
        clients(made, 4) as (first, begins, leaves, too_late),
    ):
        first.send(post(ASK))
        await until(lambda: len(fake.requests) == 1)
        gc.collect()
        gc.disable()
        try:
            leaves.send(post(ASK))
            await until(lambda: gate_of(made).waiting == 1)
            leaves.close()
            too_late.send(post(ASK))
            assert shed(await too_late.reply())
            begins.send(post(ASK))
            await until(lambda: gate_of(made).waiting == 1)
            held.go.set()
            assert (await begins.reply()).status == 200
            assert not [one for one in gc.get_objects() if isinstance(one, HeldRequest)]
        finally:
            gc.enable()


# -- how it is told


@asynccontextmanager
async def full_house(
    count: int,
) -> AsyncIterator[tuple[Gateway, FakeUpstream, list[RawClient]]]:
    """No room for anybody, and none to wait."""
    held = Held()
    async with (
        house(held, max_requests=1, max_queue=0) as (made, fake),
        clients(made, count + 1) as (first, *others),
    ):
        first.send(post(ASK))
        await until(lambda: len(fake.requests) == 1)
        yield made, fake, others
        held.go.set()


REFUSALS: Mapping[str, Callable[[Any], bool]] = {
    "/v1/chat/completions": lambda body: body["error"]["code"] == "overloaded",
    "/v1/responses": lambda body: body["error"]["code"] == "overloaded",
    "/v1/messages": lambda body: body["error"]["type"] == "overloaded_error",
    "/v1beta/models/gpt:generateContent": lambda body: body["error"]["status"] == "UNAVAILABLE",
    "/model/gpt/converse": lambda body: "at once" in body["message"],
}
"""By path: what the body of an answer must say."""
IDS = {"/v1/messages": "request-id", "/model/gpt/converse": "x-amzn-requestid"}


@pytest.mark.parametrize("path", REFUSALS)
async def test_refusal_is_in_the_words_of_the_api_that_was_asked(path: str) -> None:
    async with full_house(1) as (_, fake, (client,)):
        for number in range(3):
            client.send(post(ASK, path=path, headers=b"x-request-id: ask-%d\r\n" % number))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (503, "overloaded")
            assert reply.headers["retry-after"] == "1"
            assert reply.headers["x-request-id"] == f"ask-{number}"
            assert reply.headers[IDS.get(path, "x-request-id")] == f"ask-{number}"
            assert REFUSALS[path](json.loads(reply.body))
        assert len(fake.requests) == 1


async def test_refused_request_ends_the_connection_when_its_client_wants_that() -> None:
    async with full_house(1) as (_, _, (client,)):
        client.send(post(ASK, headers=b"connection: close\r\n"))
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (503, "close")
        assert await client.closed()


async def test_refusal_of_head_has_no_body_and_others_follow_it() -> None:
    async with full_house(1) as (_, _, (client,)):
        client.send(b"HEAD /v1/chat/completions HTTP/1.1\r\nhost: h\r\n\r\n")
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        client.send(post(ASK))
        assert (await client.reply()).status == 503


async def test_of_many_refusals_all_are_counted_and_the_log_tells_how_many_were_alike() -> None:
    count = 15 * LINES
    async with full_house(1) as (made, _, (client,)):
        client.send(
            b"".join(post(ASK, headers=b"x-request-id: ask-%d\r\n" % n) for n in range(count))
        )
        for number in range(count):
            reply = await client.reply()
            assert (reply.status, reply.headers["x-request-id"]) == (503, f"ask-{number}")
        told = made.records
        assert sum(1 + record.alike for record in told) == count
        assert LINES < len(told) < count
        assert {record.status for record in told} == {503}
        assert len({record.request_id for record in told}) == len(told), "each tells its own id"
        assert [line for line in made.lines() if '"alike":' in line]
        assert made.metric("outrider_requests_total") == {("m", "", "5xx", "overloaded"): count}
        lasted, _ = made.metric("outrider_request_duration_seconds")["m", ""]
        assert sum(lasted) == count


# -- a loop that is late


def make_late(made: Gateway, looks: int = 2) -> None:
    """As if the loop had had too much to do."""
    now = made.services.clock.now()
    gate_of(made)._admission._seen_at = now - 1.0  # (it has just looked, maybe)
    for ago in range(looks - 1, -1, -1):
        gate_of(made).look(now - ago * TICK_S, 4 * TARGET_LAG_S)


async def test_late_loop_begins_less_and_answers_everybody() -> None:
    async with house(Held(), queue_timeout_s=0.3) as (made, fake):
        fake.script = always_at_once
        async with clients(made, 150) as many:
            make_late(made)
            assert gate_of(made).closed
            for client in many:
                client.send(post(ASK))
            replies = await asyncio.gather(*[client.reply() for client in many])
            refused = sum(map(shed, replies))
            assert 0 < len(many) - refused == len(fake.requests)
            await until(lambda: not gate_of(made).closed)
            many[0].send(post(ASK))
            assert (await many[0].reply()).status == 200
            assert gate_of(made).waiting == 0


async def test_in_overload_few_begin_in_a_turn_of_the_loop_and_the_others_soon_after() -> None:
    async with (
        house(always_at_once, queue_timeout_s=5.0) as (made, fake),
        clients(made, 5 * PER_TURN) as many,
    ):
        gate = gate_of(made)
        make_late(made)
        gate._admission.rate = MAX_RATE
        for client in many:
            client.send(post(ASK))
        await until(lambda: bool(gate.waiting))
        replies = await asyncio.gather(*[client.reply() for client in many])
        assert not any(map(shed, replies))
        assert len(fake.requests) == len(many)
        assert gate.waiting == 0


async def always_at_once(received: Received) -> AsyncIterator[Step]:
    yield json_answer()


def make_late_for_long(made: Gateway) -> None:
    """As if that had lasted: nothing begins for a moment, and one is enough to wait for it."""
    make_late(made)
    gate = gate_of(made)
    gate._closed_since -= 10.0
    admission = gate._admission
    admission.rate = MIN_RATE
    admission._seen_at = admission._looked_at = made.services.clock.now() + 0.2


async def test_when_it_lasts_who_is_refused_is_not_read_for_as_long_as_retry_after_asks() -> None:
    async with (
        house(always_at_once, queue_timeout_s=5.0) as (made, fake),
        clients(made, 2) as (first, second),
    ):
        now = made.services.clock.now
        make_late_for_long(made)
        first.send(post(ASK))
        await until(lambda: gate_of(made).waiting == 1)
        second.send(post(ASK))
        assert shed(await second.reply()), "told at once, with room for a thousand to wait"
        told_at, told = now(), gate_of(made).refusals.count.total()
        second.send(post(ASK))
        assert (await first.reply()).status == 200
        assert shed(await second.reply()), "asked before Retry-After was over: told once more"
        assert now() - told_at >= RESTS_S - TICK_S
        assert gate_of(made).refusals.count.total() == told + 1
        await until(lambda: not gate_of(made)._resting)
        second.send(post(ASK))
        assert (await second.reply()).status == 200
        await until(lambda: not gate_of(made).closed)
        assert len(fake.requests) == 2


async def test_who_heeds_retry_after_is_not_refused_for_having_been_refused() -> None:
    async with (
        house(always_at_once, queue_timeout_s=5.0) as (made, _),
        clients(made, 2) as (first, second),
    ):
        now = made.services.clock.now
        make_late_for_long(made)
        first.send(post(ASK))
        await until(lambda: gate_of(made).waiting == 1)
        second.send(post(ASK))
        assert shed(await second.reply())
        told_at = now()
        assert (await first.reply()).status == 200
        await until(lambda: now() >= told_at + float(RETRY_AFTER) + TICK_S)
        second.send(post(ASK))
        assert (await second.reply()).status == 200


async def test_connection_that_is_not_read_is_answered_when_its_listener_ends() -> None:
    async with (
        house(always_at_once, queue_timeout_s=5.0) as (made, _),
        clients(made, 2) as (first, second),
    ):
        make_late_for_long(made)
        first.send(post(ASK))
        await until(lambda: gate_of(made).waiting == 1)
        second.send(post(ASK))
        assert shed(await second.reply())
        second.send(post(ASK))
        async with asyncio.TaskGroup() as group:
            group.create_task(made.listeners.drain(5.0))
            reply = await second.reply()
            assert reply.status in (200, 503)
            assert reply.headers["connection"] == "close"
            assert await second.closed()


async def test_client_that_leaves_while_it_is_not_read_is_forgotten() -> None:
    async with (
        house(always_at_once, queue_timeout_s=5.0) as (made, _),
        clients(made, 2) as (first, second),
    ):
        make_late_for_long(made)
        first.send(post(ASK))
        await until(lambda: gate_of(made).waiting == 1)
        second.send(post(ASK))
        assert shed(await second.reply())
        assert len(gate_of(made)._resting) == 1
        second.close()
        await until(lambda: made.metric("outrider_downstream_connections") == {("m",): 1.0})
        assert not gate_of(made)._resting


async def test_one_long_turn_of_the_loop_refuses_nobody() -> None:
    async with house(always_at_once) as (made, _):
        make_late(made, looks=1)
        assert not gate_of(made).closed
        async with clients(made, 1) as (client,):
            client.send(post(ASK))
            assert (await client.reply()).status == 200


async def test_loop_that_runs_no_timers_is_found_late_by_requests_that_come() -> None:
    async with house(always_at_once) as (made, _), clients(made, 1) as (client,):
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        wheel, gate = made.services.wheel, gate_of(made)
        now = made.services.clock.now()
        assert wheel.overdue > now - 1.0, "it ticks"
        assert not gate.closed
        gate.look_late(now + 1.0, wheel)
        gate.look_late(now + 1.001, wheel)
        assert not gate.closed, "that was one turn"
        gate.look_late(now + 1.5, wheel)
        assert gate.closed
        assert wheel.overdue > now + 1.5, "the next look is not at once"
    await until(lambda: not made.services.wheel._ticking)
    assert made.services.wheel.overdue == NEVER


def two_listeners(made: RuntimeConfig) -> RuntimeConfig:
    """The same listener twice, of different precedence."""
    (listener,) = made.listeners.values()
    routes = tuple(replace(route, listener="low") for route in listener.routes)
    low = replace(
        listener,
        name="low",
        limits=replace(listener.limits, precedence=Precedence.LOW),
        routes=routes,
    )
    high = replace(listener, limits=replace(listener.limits, precedence=Precedence.HIGH))
    return replace(made, listeners={"m": high, "low": low})


async def test_higher_precedence_begins_first() -> None:
    async with upstream(always_at_once) as fake:
        config = model_config(fake.endpoint, limits=Limits(queue_timeout_s=10.0))
        async with gateway(two_listeners(config)) as made:
            bound = made.listeners.bound()
            async with AsyncExitStack() as stack:
                by_name = {
                    name: [
                        await stack.enter_async_context(connected(bound[name][1]))
                        for _ in range(40)
                    ]
                    for name in ("low", "m")
                }
                make_late(made)
                for client in by_name["low"]:
                    client.send(post(ASK.replace(b"hi", b"low")))
                await until(lambda: gate_of(made).waiting + len(fake.requests) == 40)
                early = len(fake.requests)
                for client in by_name["m"]:
                    client.send(post(ASK.replace(b"hi", b"high")))
                for client in (*by_name["m"], *by_name["low"]):
                    assert (await client.reply()).status == 200
            order = [b"high" in received.body for received in fake.requests[early:]]
            high, low = order[:40], order[40:]
            assert sum(high) >= 35, "all that waits of the higher goes first"
            assert sum(low) <= 5


# -- memory


async def test_body_that_there_is_no_room_for_is_refused_before_it_is_read() -> None:
    async with house(always_at_once, max_buffered_bytes=MB) as (made, _fake):
        async with clients(made, 2) as (first, second):
            head = post(b"", headers=b"").replace(b"content-length: 0", b"content-length: 2000000")
            first.send(head)
            reply = await first.reply()
            assert shed(reply)
            assert reply.headers["connection"] == "close"
            second.send(post(ASK))
            assert (await second.reply()).status == 200, "small ones go on"
        assert gate_of(made).refusals.count == {("memory",): 1}


async def test_many_large_bodies_are_held_up_to_the_limit_and_let_go() -> None:
    held = Held()
    body = ASK.replace(b"hi", b"x" * 300_000)
    async with house(held, max_buffered_bytes=MB) as (made, fake), clients(made, 6) as many:
        for client in many[:3]:
            client.send(post(body))
        await until(lambda: len(fake.requests) == 3)
        assert gate_of(made).buffered >= 900_000
        for client in many[3:]:
            client.send(post(body))
            assert shed(await client.reply())
        many[0].close()
        await until(lambda: gate_of(made).buffered < 700_000)
        held.go.set()
        for client in many[1:3]:
            assert (await client.reply()).status == 200
        await until(lambda: gate_of(made).buffered == 0)


async def test_chunked_body_without_a_length_is_counted_as_it_comes() -> None:
    async with house(always_at_once, max_buffered_bytes=MB) as (made, fake):
        async with clients(made, 1) as (client,):
            client.send(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            for _ in range(30):
                client.send(chunk(b"x" * 50_000))
            assert shed(await client.reply())
        await until(lambda: gate_of(made).buffered == 0)
        assert fake.requests == []


async def test_streams_let_go_of_their_requests_when_bytes_are_scarce() -> None:
    held = Held()

    async def script(received: Received) -> AsyncIterator[Step]:
        yield chunked_head() + chunk(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
        await held.go.wait()
        yield chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    body = ASK.replace(b"hi", b"x" * 300_000).replace(b"{", b'{"stream":true,', 1)
    async with house(script, max_buffered_bytes=MB) as (made, fake), clients(made, 8) as many:
        for number, client in enumerate(many, 1):  # more than there is room for at once
            client.send(post(body))
            await until(lambda: len(fake.requests) == number)  # noqa: B023 - awaited
            await until(lambda: gate_of(made).buffered < 700_000)  # two may be gone on with
        held.go.set()
        for client in many:
            assert (await client.reply()).status == 200
        await until(lambda: gate_of(made).buffered == 0)


async def test_slow_client_slows_the_provider_down() -> None:
    async def endless(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for _ in range(3000):
            yield chunk(b'data: {"choices":[{"delta":{"content":"' + b"a" * 10_000 + b'"}}]}\n\n')

    async with upstream(endless) as fake, gateway(model_config(fake.endpoint)) as made:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", made.port))
        await loop.sock_sendall(sock, post(ASK.replace(b"{", b'{"stream":true,', 1)))
        await until(lambda: fake.written > 0)
        await until_still(lambda: fake.written)
        assert 0 < fake.written < 12 * MB, "sockets' buffers, and a little of ours"
        ((_, listening),) = made.listeners._open.values()
        assert listening.host.active == 1
        sock.close()
        await until(lambda: fake.open == 0 and listening.host.active == 0)


# -- clients that are new


def test_newcomers_do_not_wait_behind_each_other_for_a_turn_of_the_loop_each() -> None:
    uvloop.run(accept_four_hundred())  # a worker's loop, which accepts one in a turn


async def accept_four_hundred() -> None:
    async with house(always_at_once) as (made, _):
        ((_, listening),) = made.listeners._open.values()
        many = [socket.create_connection(("127.0.0.1", made.port)) for _ in range(400)]
        turns = 0
        while len(listening.host.connections) < len(many):
            await asyncio.sleep(0)
            turns += 1
            assert turns < 40, f"{len(listening.host.connections)} of {len(many)} are accepted"
        for one in many:
            one.close()
        await until(lambda: not listening.host.connections)


def test_newcomers_that_wait_when_it_drains_are_answered() -> None:
    uvloop.run(drain_before_three_hundred())


async def drain_before_three_hundred() -> None:
    async with house(always_at_once) as (made, _):
        many = [socket.create_connection(("127.0.0.1", made.port)) for _ in range(300)]
        for one in many:
            one.sendall(post(ASK, headers=b"connection: close\r\n"))
            one.setblocking(False)
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # some are being accepted
        await made.listeners.drain(10.0)
        for one in many:
            assert one.recv(65_536).startswith(b"HTTP/1.1 200")
            one.close()


# -- clients that misbehave


@pytest.mark.parametrize("how", ["reset", "half-closed", "gone"])
async def test_storm_of_clients_that_leave_leaves_nothing_behind(how: str) -> None:
    held = Held()
    async with house(held) as (made, fake):
        ((_, listening),) = made.listeners._open.values()
        async with clients(made, 60) as many:
            for client in many:
                client.send(post(ASK))
            await until(lambda: len(fake.requests) == 60)
            for client in many:
                sock = client.writer.get_extra_info("socket")
                if how == "reset":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.writer.transport.abort()
                elif how == "half-closed":
                    client.writer.write_eof()
                else:
                    client.close()
            await until(lambda: listening.host.active == 0 and fake.open == 0)
        await until(lambda: not listening.host.connections)
        assert {record.status for record in made.records} == {499}
        assert len(made.records) == 60


async def test_a_hundred_slow_senders_do_not_keep_the_others_waiting() -> None:
    async with (
        house(always_at_once, receive_timeout_s=0.3) as (made, _),
        clients(made, 101) as (client, *slow),
    ):
        for one in slow:
            one.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\nx-a: ")
        for _ in range(5):
            client.send(post(ASK))
            assert (await client.reply()).status == 200
        for one in slow:
            assert (await one.reply()).status == 408


# -- many at once


def rss_kb(pid: int) -> int:
    """Memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no such process")


def worker_of(made: Processes) -> int:
    """The process of the only worker."""
    assert made._data is not None
    (pid,) = Path(f"/proc/{made._data.pid}/task/{made._data.pid}/children").read_text().split()
    return int(pid)


@asynccontextmanager
async def sockets(port: int, count: int) -> AsyncIterator[list[socket.socket]]:
    """Connections that do nothing by themselves."""
    loop = asyncio.get_running_loop()
    made: list[socket.socket] = []
    try:
        while len(made) < count:
            batch = [socket.socket() for _ in range(min(250, count - len(made)))]
            made += batch
            for one in batch:
                one.setblocking(False)
            await asyncio.gather(*[loop.sock_connect(one, ("127.0.0.1", port)) for one in batch])
        yield made
    finally:
        for one in made:
            one.close()


PROCESS_CONFIG = """\
version: v0.4.0
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    limits: {idle_timeout: 300s}
model_providers:
  - {model: house/gpt, base_url: "http://127.0.0.1:PORT/v1", access_key: $HOUSE_KEY, default: true}
"""


@pytest.mark.slow
async def test_ten_thousand_idle_connections_and_two_thousand_streams_in_one_worker(
    tmp_path: Path,
) -> None:
    held = asyncio.Event()
    begun = 0

    async def script(received: Received) -> AsyncIterator[Step]:
        nonlocal begun
        yield chunked_head() + chunk(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
        begun += 1
        await held.wait()
        yield chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    ask = post(ASK.replace(b"{", b'{"stream":true,', 1))
    async with upstream(script) as fake:
        config = PROCESS_CONFIG.replace("PORT", str(fake.endpoint.port))
        environ = {"HOUSE_KEY": "sk-house"}
        async with processes(config, tmp_path, environ=environ, workers=1) as made:
            worker, port = worker_of(made), int(made.url("models").rpartition(":")[2])
            empty = rss_kb(worker)
            async with sockets(port, 10_000) as idle:
                async with connected(port) as client:
                    client.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n")
                    assert (await client.reply(30)).status == 200
                full = rss_kb(worker)
                print(f"{(full - empty) / len(idle):.1f} kB for each idle connection")
                assert (full - empty) / len(idle) < 12
                loop = asyncio.get_running_loop()
                streams = idle[:2000]
                for at in range(0, len(streams), 100):
                    wanted = at + 100
                    await asyncio.gather(
                        *[loop.sock_sendall(one, ask) for one in streams[at:wanted]]
                    )
                    await until(lambda: begun >= wanted, 30)  # noqa: B023 - awaited
                streaming = rss_kb(worker)
                print(f"{(streaming - full) / len(streams):.1f} kB more for each stream")
                assert (streaming - full) / len(streams) < 40
                held.set()
                for one in streams:
                    told = b""
                    while not told.endswith(b"0\r\n\r\n"):
                        told += await asyncio.wait_for(loop.sock_recv(one, 65_536), 30)
                    assert told.startswith(b"HTTP/1.1 200")
                    assert b"[DONE]" in told
            assert fake.accepted <= 2100
