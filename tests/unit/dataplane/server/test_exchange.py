import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest

from dataplane.clock import MonotonicClock
from dataplane.filters.builtin import Chains
from dataplane.observe.latency import Latencies
from dataplane.observe.metrics import Metrics
from dataplane.observe.record import ExchangeRecord
from dataplane.observe.recorder import Recorder
from dataplane.observe.tracing import Tracer
from dataplane.resilience.standing import Standings
from dataplane.runtime.config import (
    Agent,
    AgentTarget,
    Cluster,
    Endpoint,
    Filter,
    Listener,
    ListenerKind,
    Route,
    RuntimeConfig,
)
from dataplane.runtime.decision import AgentScore, Decision, Turn
from dataplane.runtime.messages import Request, ResponseDetail
from dataplane.runtime.retry import RetryPolicy
from dataplane.server.asking import Asking
from dataplane.server.callers import Callers
from dataplane.server.downstream import Call, DownstreamGoneError
from dataplane.server.exchange import Exchange
from dataplane.server.outside.outside import Outside
from dataplane.server.responses import ResponsesState
from dataplane.server.shadowing import Shadows
from dataplane.server.tickets import Tickets
from dataplane.sessions.opened import opened
from dataplane.sessions.remembering import Remembering
from dataplane.tasks import Tasks
from tests.support.agents import (
    Service,
    completion,
    events,
    never,
    replies,
    says,
    service,
    starts_and_hangs,
)
from tests.support.clusters import connected
from tests.support.downstream import FakeDownstream
from tests.support.raw_server import raw_server, read_request
from tests.support.readings import a2a_agents, readings

QUESTION = {"role": "user", "content": "Rain in Oslo?"}
TRACE = "00-" + "1" * 32 + "-" + "2" * 16 + "-00"


class FakeDecider:
    """Chooses what the test says."""

    def __init__(self) -> None:
        self.agents: tuple[str, ...] = ()
        self.asked: list[tuple[Turn, ...]] = []

    async def decide_among(
        self,
        agents: tuple[AgentTarget, ...],
        min_confidence: float,
        conversation: tuple[Turn, ...],
    ) -> Decision:
        self.asked.append(conversation)
        return Decision(self.agents, (AgentScore("weather", 0.9),), "it rains", "fake")

    async def embed(self, text: str) -> tuple[float, ...] | None:
        return None

    def configure(self, config: RuntimeConfig) -> None:
        pass

    async def close(self) -> None:
        pass


class Bench:
    """An exchange with agents around it."""

    def __init__(self, exchange: Exchange, decider: FakeDecider, standings: Standings) -> None:
        self.exchange = exchange
        self.decider = decider
        self.config = RuntimeConfig()
        self.listener = Listener("travel", ListenerKind.AGENT, "127.0.0.1", 0)
        self.record = ExchangeRecord(listener="travel")
        self.deadline = MonotonicClock().now() + 30.0
        self.retry = RetryPolicy(back_off_base_s=0.001, back_off_max_s=0.001)
        self.standings = standings

    def agent(self, name: str, *endpoints: Endpoint, filters: tuple[str, ...] = ()) -> None:
        config = self.config
        cluster = f"agent:{name}"
        self.config = replace(
            config,
            clusters={**config.clusters, cluster: Cluster(cluster, endpoints)},
            agents={**config.agents, name: Agent(name, cluster)},
        )
        target = AgentTarget(name, f"Knows {name}.", input_filters=filters)
        route = Route(f"travel/{name}", "travel", target, retry=self.retry)
        self.listener = replace(self.listener, routes=(*self.listener.routes, route))

    def filter(self, name: str, *endpoints: Endpoint, timeout_s: float = 5.0) -> None:
        config = self.config
        cluster = f"filter:{name}"
        self.config = replace(
            config,
            clusters={**config.clusters, cluster: Cluster(cluster, endpoints)},
            filters={**config.filters, name: Filter(name, cluster, timeout_s=timeout_s)},
        )

    async def ask(
        self,
        body: dict[str, Any] | bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        downstream: FakeDownstream | None = None,
    ) -> FakeDownstream:
        if not isinstance(body, bytes):
            body = msgspec.json.encode(body or {"model": "m", "messages": [QUESTION]})
        request = Request("POST", "/v1/chat/completions", headers, body)
        record, chain = self.record, Chains(self.config.filters).of
        call = Call(
            self.config, self.listener, request, "req-1", TRACE, self.deadline, record, chain
        )
        downstream = downstream or FakeDownstream()
        async with asyncio.timeout(10):
            await self.exchange.run(call, downstream)
        return downstream


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with connected() as (client, _known):
        clock = MonotonicClock()
        decider = FakeDecider()
        tracer = Tracer(clock, Random(1).getrandbits)
        memory = Remembering(None, clock.wall)
        responses = ResponsesState(partial(opened, folder=None, wall=clock.wall))
        latencies = Latencies(clock.now)
        standings = Standings(Random(1))
        spoken = readings(client, clock)
        asking = Asking(client, clock, Random(1), standings, Callers(), spoken)
        bits = Random(1).getrandbits
        tickets = Tickets(bytes(32), bits, clock.wall)
        recorder = Recorder(Metrics(), None, lambda record: None)
        shadows = Shadows(asking, clock, Random(1), recorder, Metrics())
        a2a = a2a_agents(client, clock)
        outside = Outside(client, clock, Tasks())
        exchange = Exchange(
            *(client, decider, tracer, clock, memory, latencies, responses, asking, bits),
            *(tickets, shadows, a2a, outside),
        )
        yield Bench(exchange, decider, standings)
        await exchange.close()


@pytest.fixture
async def weather() -> AsyncIterator[Service]:
    async with service(says("Ra", "in.")) as running:
        yield running


@pytest.fixture
async def flights() -> AsyncIterator[Service]:
    async with service(says("No ", "flights.")) as running:
        yield running


async def test_only_agent_answers(bench: Bench, weather: Service) -> None:
    bench.agent("weather", weather.endpoint)
    down = await bench.ask(headers=(("Authorization", "Bearer x"), ("X-Tenant", "t1")))
    assert (down.status, down.ended) == (200, "finish")
    assert msgspec.json.decode(down.body) == completion("Rain.")
    assert down.header("x-outrider-agents") == "weather"
    (got,) = weather.received
    assert got.path == "/v1/chat/completions"
    assert got.body == {"model": "m", "messages": [QUESTION]}
    assert got.headers["x-tenant"] == "t1"
    assert got.headers["x-request-id"] == "req-1"
    assert got.headers["traceparent"] == TRACE
    assert "authorization" not in got.headers
    assert bench.decider.asked == []
    record = bench.record
    assert (record.agents, record.model, record.stream) == (("weather",), "m", False)
    assert (record.input_tokens, record.output_tokens, record.attempts) == (3, 5, 1)
    assert record.endpoint == f"127.0.0.1:{weather.endpoint.port}"
    assert record.upstream_s > 0


async def test_stream_comes_through_byte_for_byte(bench: Bench, weather: Service) -> None:
    bench.agent("weather", weather.endpoint)
    down = await bench.ask({"messages": [QUESTION], "stream": True})
    assert down.body == b"".join(events(["Ra", "in."]))
    assert down.header("content-type") == "text/event-stream"
    assert bench.record.stream
    assert (bench.record.input_tokens, bench.record.output_tokens) == (3, 5)


async def test_two_agents_are_chained(bench: Bench, weather: Service, flights: Service) -> None:
    bench.agent("weather", weather.endpoint)
    bench.agent("flights", flights.endpoint)
    bench.decider.agents = ("weather", "flights")
    down = await bench.ask({"messages": [QUESTION], "stream": True})
    assert down.body == b"".join(events(["No ", "flights."]))
    assert down.header("x-outrider-agents") == "weather,flights"
    assert down.header("x-outrider-scores") == "weather=0.90"
    assert down.header("x-outrider-reason") == "it rains"
    assert weather.received[0].body["stream"] is False
    said = {"role": "assistant", "name": "weather", "content": "Rain."}
    assert flights.received[0].body == {"messages": [said, QUESTION], "stream": True}
    assert bench.decider.asked == [(Turn("user", "Rain in Oslo?"),)]
    assert bench.record.decision == "it rains"


async def test_whoever_chooses_is_told_who_has_the_conversation(
    bench: Bench, weather: Service, flights: Service
) -> None:
    bench.agent("weather", weather.endpoint)
    bench.agent("flights", flights.endpoint)
    bench.decider.agents = ("flights",)
    bench.record.status = 200  # a connection says so, which this test has none of
    await bench.ask({"messages": [QUESTION]})
    await asyncio.sleep(0)  # the session is kept beside the answer
    answer = {"role": "assistant", "content": "No flights."}
    turns = [QUESTION, answer, {"role": "user", "content": "And now?"}]
    await bench.ask({"messages": turns})
    assert bench.decider.asked[1][1] == Turn("assistant", "No flights.", "flights")
    assert flights.received[1].body == {"messages": turns}
    assert bench.record.pinned


async def test_agent_that_streams_unasked_is_read_too(
    bench: Bench, weather: Service, flights: Service
) -> None:
    async def streams(one: Any) -> Any:
        one.body["stream"] = True
        return await says("Ra", "in.")(one)

    weather.answer = streams
    bench.agent("weather", weather.endpoint)
    bench.agent("flights", flights.endpoint)
    bench.decider.agents = ("weather", "flights")
    await bench.ask()
    assert flights.received[0].body["messages"][0]["content"] == "Rain."


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_last_agents_own_status_is_kept(bench: Bench, weather: Service, status: int) -> None:
    weather.answer = replies(status, {"error": {"message": "no"}}, retry_after="20")
    bench.agent("weather", weather.endpoint)
    down = await bench.ask()
    assert down.status == status
    assert msgspec.json.decode(down.body) == {"error": {"message": "no"}}
    assert down.header("retry-after") == "20"
    assert bench.record.detail is ResponseDetail.VIA_UPSTREAM


async def test_agent_on_the_way_that_fails_ends_the_request(
    bench: Bench, weather: Service, flights: Service
) -> None:
    weather.answer = replies(429, {"error": {"message": "slow down"}})
    bench.agent("weather", weather.endpoint)
    bench.agent("flights", flights.endpoint)
    bench.decider.agents = ("weather", "flights")
    down = await bench.ask()
    assert down.replied is not None
    assert (down.replied.status, down.replied.detail) == (429, ResponseDetail.AGENT_FAILED)
    assert "'weather' answered 429: slow down" in down.replied.message
    assert down.header("x-outrider-agents") == "weather,flights"
    assert flights.received == []


async def test_agent_out_of_reach_is_a_502_that_names_it(bench: Bench) -> None:
    bench.agent("weather", Endpoint("127.0.0.1", 1))
    down = await bench.ask()
    assert down.replied is not None
    assert (down.replied.status, down.replied.detail) == (
        502,
        ResponseDetail.UPSTREAM_CONNECT_FAILED,
    )
    assert down.replied.message.startswith("Agent 'weather' did not answer: no connection")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_truncated_answer_is_never_ended_as_if_whole(bench: Bench, stream: bool) -> None:
    kind = b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        first = events(["yo"])[0]
        writer.write(b"HTTP/1.1 200 OK\r\n%b\r\n%x\r\n%b\r\n" % (kind, len(first), first))

    async with raw_server(serve) as endpoint:
        bench.agent("weather", endpoint)
        down = await bench.ask({"messages": [QUESTION], "stream": stream})
    if stream:
        assert (down.status, down.ended) == (200, "abort")
        assert bench.record.detail is ResponseDetail.UPSTREAM_TRUNCATED
    else:
        assert down.replied is not None
        assert (down.replied.status, bench.record.attempts) == (502, 3)
        assert dict(down.replied.headers)["x-outrider-attempts"] == "3"
        assert down.replied.detail is ResponseDetail.UPSTREAM_TRUNCATED


async def test_client_that_leaves_in_mid_stream_stops_the_agent(
    bench: Bench, weather: Service
) -> None:
    weather.answer = starts_and_hangs(b"data: 1\n\n")
    bench.agent("weather", weather.endpoint)
    with pytest.raises(DownstreamGoneError):
        await bench.ask(
            {"messages": [QUESTION], "stream": True}, downstream=FakeDownstream(gone_after=1)
        )
    async with asyncio.timeout(5):
        await weather.received[0].cancelled.wait()


@pytest.mark.parametrize("last", [True, False], ids=["last", "on the way"])
async def test_cancelled_exchange_stops_its_agents(
    bench: Bench, weather: Service, flights: Service, last: bool
) -> None:
    asked = asyncio.Event()

    async def hangs(one: Any) -> Any:
        asked.set()
        return await never()(one)

    weather.answer = hangs
    bench.agent("weather", weather.endpoint)
    bench.agent("flights", flights.endpoint)
    bench.decider.agents = ("weather",) if last else ("weather", "flights")
    async with asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(bench.ask())
            await asked.wait()
            task.cancel()
        await weather.received[0].cancelled.wait()
    assert flights.received == []


async def test_headers_of_an_agent_cannot_pose_as_ours(bench: Bench, weather: Service) -> None:
    weather.answer = replies(200, {}, x_outrider_agents="forged", x_request_id="other", x_own="1")
    bench.agent("weather", weather.endpoint)
    down = await bench.ask()
    assert [value for name, value in down.headers if name.lower() == "x-outrider-agents"] == [
        "weather"
    ]
    assert down.header("x-request-id") is None
    assert down.header("x-own") == "1"


async def test_bad_request_asks_nobody(bench: Bench, weather: Service) -> None:
    bench.agent("weather", weather.endpoint)
    down = await bench.ask(b"{")
    assert down.replied is not None
    assert (down.replied.status, down.replied.detail) == (400, ResponseDetail.INVALID_JSON)
    assert weather.received == []


async def test_listeners_filter_changes_what_everybody_reads(
    bench: Bench, weather: Service, flights: Service
) -> None:
    masked = {"messages": [{"role": "user", "content": "***"}]}
    flights.answer = replies(200, masked)
    bench.filter("mask", flights.endpoint)
    bench.agent("weather", weather.endpoint)
    bench.listener = replace(bench.listener, input_filters=("mask",))
    await bench.ask(headers=(("Cookie", "a=b"), ("X-Tenant", "t1")))
    assert weather.received[0].body == masked
    (got,) = flights.received
    assert got.path == "/v1/chat/completions"
    assert got.headers["x-tenant"] == "t1"
    assert got.headers["x-request-id"] == "req-1"
    assert "cookie" not in got.headers


async def test_filter_refuses(bench: Bench, weather: Service, flights: Service) -> None:
    flights.answer = replies(403, {"message": "not here"})
    bench.filter("guard", flights.endpoint)
    bench.agent("weather", weather.endpoint)
    bench.listener = replace(bench.listener, input_filters=("guard",))
    down = await bench.ask()
    assert down.replied is not None
    assert (down.replied.status, down.replied.detail) == (403, ResponseDetail.FILTER_REFUSED)
    assert weather.received == []


async def test_slow_filter_is_a_504(bench: Bench, weather: Service, flights: Service) -> None:
    flights.answer = never()
    bench.filter("guard", flights.endpoint, timeout_s=0.6)
    bench.agent("weather", weather.endpoint, filters=("guard",))
    down = await bench.ask()
    assert down.replied is not None
    assert (down.replied.status, down.replied.detail) == (504, ResponseDetail.FILTER_TIMEOUT)
    async with asyncio.timeout(5):
        await flights.received[0].cancelled.wait()


async def test_model_listener_goes_on_as_a_relay_after_its_filters(
    bench: Bench, flights: Service
) -> None:
    flights.answer = replies(200, {"messages": [QUESTION], "model": "fast"})
    bench.filter("mask", flights.endpoint)
    bench.listener = replace(bench.listener, kind=ListenerKind.MODEL, input_filters=("mask",))
    down = await bench.ask(headers=(("Authorization", "Bearer x"),))
    assert down.relayed is not None
    assert msgspec.json.decode(down.relayed.body) == {"messages": [QUESTION], "model": "fast"}
    assert down.relayed.header("authorization") == "Bearer x"


async def test_filter_that_spoils_a_models_request_has_failed(
    bench: Bench, flights: Service
) -> None:
    flights.answer = replies(200, {"model": "fast"})
    bench.filter("mask", flights.endpoint)
    bench.listener = replace(bench.listener, kind=ListenerKind.MODEL, input_filters=("mask",))
    down = await bench.ask()
    assert down.replied is not None
    assert (down.replied.status, down.replied.detail) == (502, ResponseDetail.FILTER_FAILED)
