"""Agents are asked by the policy of models: a whole exchange around real services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import pytest
from aiohttp import web

from dataplane.clock import MonotonicClock
from dataplane.filters.builtin import Chains
from dataplane.llm.stakes import prompt_tokens
from dataplane.observe.record import ExchangeRecord
from dataplane.resilience.standing import Standings
from dataplane.runtime.config import (
    Agent,
    AgentTarget,
    Cluster,
    Endpoint,
    Listener,
    ListenerKind,
    Route,
    RuntimeConfig,
)
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail
from dataplane.runtime.retry import RetryPolicy
from dataplane.server.agent_terms import policy_of
from dataplane.server.asking import Asking
from dataplane.server.callers import Callers
from dataplane.server.downstream import Call
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.errors import UpstreamError
from tests.support.agents import (
    Answering,
    Received,
    Service,
    completion,
    events,
    in_turn,
    never,
    replies,
    says,
    service,
    starts_and_hangs,
)
from tests.support.clusters import connected
from tests.support.raw_server import raw_server, read_request
from tests.support.readings import readings
from tests.support.wait import until

AT_ONCE = RetryPolicy(back_off_base_s=0.001, back_off_max_s=0.001)
AGENT = Agent("weather", "agent:weather")
BODY = b'{"messages":[{"role":"user","content":"Rain in Oslo?"}]}'
ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'


class Desk:
    """Somebody who asks the agent `weather`."""

    def __init__(self, client: UpstreamClient) -> None:
        self.clock = MonotonicClock()
        self.standings = Standings(Random(1))
        spoken = readings(client, self.clock)
        self.asking = Asking(client, self.clock, Random(1), self.standings, Callers(), spoken)
        self.record = ExchangeRecord()

    def call(self, endpoint: Endpoint, retry: RetryPolicy, body: bytes) -> Call:
        route = Route("travel/weather", "travel", AgentTarget("weather", ""), retry=retry)
        listener = Listener("travel", ListenerKind.AGENT, "127.0.0.1", 0, routes=(route,))
        config = RuntimeConfig(
            clusters={AGENT.cluster: Cluster(AGENT.cluster, (endpoint,))},
            agents={AGENT.id: AGENT},
        )
        request = Request("POST", "/v1/chat/completions", (), body)
        deadline = self.clock.now() + 10.0
        return Call(config, listener, request, "req-1", "", deadline, self.record, Chains({}).of)

    async def whole(
        self, endpoint: Endpoint, retry: RetryPolicy = AT_ONCE
    ) -> HttpReply | CallFailed:
        call = self.call(endpoint, retry, BODY)
        async with asyncio.timeout(10):
            return await self.asking.whole(call, AGENT, call.request)

    async def stream(self, endpoint: Endpoint, retry: RetryPolicy = AT_ONCE) -> tuple[int, bytes]:
        """Status and body; a body that breaks raises UpstreamError."""
        body = msgspec.json.encode({**msgspec.json.decode(BODY), "stream": True})
        call = self.call(endpoint, retry, body)
        async with (
            asyncio.timeout(10),
            self.asking.open(call, AGENT, call.request, stream=True) as heard,
        ):
            return heard.status, b"".join([piece async for piece in heard.pieces()])


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with connected() as (client, _known):
        yield Desk(client)


@pytest.fixture
async def weather() -> AsyncIterator[Service]:
    async with service(says("Ra", "in.")) as running:
        yield running


def test_an_agents_policy_is_laid_over_its_routes() -> None:
    own = replace(AGENT, retry=(("num_retries", 7),))
    route = Route("t/w", "t", AgentTarget("weather", ""), retry=AT_ONCE)
    listener = Listener("t", ListenerKind.AGENT, "127.0.0.1", 0, routes=(route,))
    assert policy_of(listener, own) == replace(AT_ONCE, num_retries=7)
    assert policy_of(listener, replace(own, id="other")) == RetryPolicy(num_retries=7)


@pytest.mark.parametrize("status", [500, 503, 408])
async def test_an_error_is_tried_again(desk: Desk, weather: Service, status: int) -> None:
    weather.answer = in_turn(replies(status, {}), says("Rain."))
    reply = await desk.whole(weather.endpoint)
    assert isinstance(reply, HttpReply)
    assert msgspec.json.decode(reply.body) == completion("Rain.")
    assert desk.record.attempts == 2
    assert desk.record.failures == (f"weather: {status}",)


async def test_the_last_error_is_passed_on(desk: Desk, weather: Service) -> None:
    weather.answer = in_turn(replies(500, {}), replies(500, {}), replies(503, {"n": 3}))
    reply = await desk.whole(weather.endpoint)
    assert isinstance(reply, HttpReply)
    assert (reply.status, reply.body) == (503, b'{"n": 3}')
    assert len(weather.received) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_refusals_are_not_tried_again(desk: Desk, weather: Service, status: int) -> None:
    weather.answer = replies(status, {})
    reply = await desk.whole(weather.endpoint)
    assert isinstance(reply, HttpReply)
    assert reply.status == status
    assert len(weather.received) == 1


async def test_a_short_retry_after_is_waited_for(desk: Desk, weather: Service) -> None:
    weather.answer = in_turn(replies(429, {}, retry_after_ms="50"), says("Rain."))
    before = desk.clock.now()
    reply = await desk.whole(weather.endpoint)
    assert isinstance(reply, HttpReply)
    assert reply.status == 200
    assert desk.clock.now() - before >= 0.05


async def test_a_long_retry_after_is_passed_on_and_opens_the_breaker(
    desk: Desk, weather: Service
) -> None:
    weather.answer = replies(429, {}, retry_after="30")
    reply = await desk.whole(weather.endpoint)
    assert isinstance(reply, HttpReply)
    assert reply.status == 429
    assert len(weather.received) == 1
    assert desk.standings.of(AGENT.cluster).breaker.is_limited


async def test_no_connection_is_tried_again_and_told_in_the_end(desk: Desk) -> None:
    reply = await desk.whole(Endpoint("127.0.0.1", 1))
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_CONNECT_FAILED
    assert desk.record.failures == ("weather: connection",) * 3
    assert desk.record.attempts == 3
    assert desk.record.wasted_tokens == 0


async def test_a_stream_is_tried_again_until_it_says_something(
    desk: Desk, weather: Service
) -> None:
    async def breaks(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(ROLE)
        assert one.request.transport is not None
        one.request.transport.abort()
        return response

    weather.answer = in_turn(breaks, says("Ra", "in."))
    status, body = await desk.stream(weather.endpoint)
    assert (status, body) == (200, b"".join(events(["Ra", "in."])))
    assert desk.record.wasted_tokens >= prompt_tokens(BODY)


async def test_an_error_inside_of_a_stream_gets_a_status_that_tells_the_truth(
    desk: Desk, weather: Service
) -> None:
    async def says_no(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(b'data: {"error":{"message":"tired","code":503}}\n\n')
        return response

    weather.answer = says_no
    status, body = await desk.stream(weather.endpoint)
    assert status >= 500
    assert msgspec.json.decode(body)["error"]["message"] == "tired"
    assert len(weather.received) == 3


@pytest.mark.parametrize(
    ("answer", "changes"),
    [
        pytest.param(never(), {"idle_timeout_s": 0.05}, id="no head"),
        pytest.param(starts_and_hangs(ROLE), {"idle_timeout_s": 0.05}, id="no content"),
        pytest.param(starts_and_hangs(ROLE), {"first_token_timeout_s": 0.05}, id="first token"),
        pytest.param(never(), {"per_try_timeout_s": 0.05}, id="attempt"),
    ],
)
async def test_a_silent_agent_is_not_asked_again(
    desk: Desk, weather: Service, answer: Answering, changes: dict[str, Any]
) -> None:
    weather.answer = answer
    with pytest.raises(UpstreamError) as caught:
        await desk.stream(weather.endpoint, replace(AT_ONCE, **changes))
    assert caught.value.failure.detail is ResponseDetail.UPSTREAM_SILENT
    assert caught.value.failure.status == 504
    assert len(weather.received) == 1
    await weather.received[0].cancelled.wait()


async def test_silence_after_the_beginning_breaks_the_answer(desk: Desk, weather: Service) -> None:
    weather.answer = starts_and_hangs(events(["Ra"])[0])
    with pytest.raises(UpstreamError) as caught:
        await desk.stream(weather.endpoint, replace(AT_ONCE, idle_timeout_s=0.05))
    assert caught.value.failure.detail is ResponseDetail.UPSTREAM_SILENT


async def test_a_crawl_after_the_beginning_breaks_the_answer(desk: Desk, weather: Service) -> None:
    async def crawls(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        for data in events(["a"] * 100):
            await response.write(data)
            await asyncio.sleep(0.02)
        return response

    weather.answer = crawls
    slow = replace(AT_ONCE, min_bytes_per_second=1e6, throughput_window_s=0.1)
    with pytest.raises(UpstreamError) as caught:
        await desk.stream(weather.endpoint, slow)
    assert caught.value.failure.detail is ResponseDetail.UPSTREAM_SLOW
    await weather.received[0].cancelled.wait()


async def test_a_whole_answer_that_breaks_is_tried_again(desk: Desk) -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await read_request(reader)
        size = 20 if asked == 1 else 2
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{}" % size)

    async with raw_server(serve) as endpoint:
        reply = await desk.whole(endpoint)
    assert isinstance(reply, HttpReply)
    assert (reply.body, asked) == (b"{}", 2)


async def test_retries_need_room_in_the_budget(desk: Desk, weather: Service) -> None:
    weather.answer = replies(503, {})
    none = replace(AT_ONCE, budget_percent=0.0, min_retry_concurrency=0)
    reply = await desk.whole(weather.endpoint, none)
    assert isinstance(reply, HttpReply)
    assert reply.status == 503
    assert len(weather.received) == 1
    assert desk.standings.of(AGENT.cluster).retries.denied == 1


async def test_an_agent_that_fails_opens_its_breaker_and_is_asked_all_the_same(
    desk: Desk, weather: Service
) -> None:
    weather.answer = replies(503, {})
    for _ in range(2):
        await desk.whole(weather.endpoint)
    breaker = desk.standings.of(AGENT.cluster).breaker
    assert breaker.is_open
    weather.answer = says("Rain.")
    reply = await desk.whole(weather.endpoint)
    assert isinstance(reply, HttpReply)
    assert reply.status == 200


async def test_whoever_is_cancelled_between_two_attempts_leaves_nothing_behind(
    desk: Desk, weather: Service
) -> None:
    weather.answer = replies(429, {}, retry_after="5")
    asking = asyncio.ensure_future(desk.whole(weather.endpoint))
    await until(lambda: bool(desk.standings.of(AGENT.cluster).retries.running))
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    standing = desk.standings.of(AGENT.cluster)
    assert standing.retries.running == 0
    assert [load.active for load in standing.loads] == [0]
    assert len(weather.received) == 1


async def test_leaving_early_cuts_the_connection(desk: Desk, weather: Service) -> None:
    weather.answer = starts_and_hangs(events(["Ra"])[0])
    call = desk.call(weather.endpoint, AT_ONCE, BODY)
    async with AsyncExitStack() as stack:
        opening = desk.asking.open(call, AGENT, call.request, stream=True)
        heard = await stack.enter_async_context(opening)
        assert heard.status == 200
    async with asyncio.timeout(5):
        await weather.received[0].cancelled.wait()
