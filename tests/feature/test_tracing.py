"""Traces as a collector gets them: one tree for an exchange, in OpenTelemetry's GenAI words."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from aiohttp import ClientSession
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from deploy.running.collector import Collector, attributes, collector
from tests.support.agents import Service, replies, says, service
from tests.support.planes import Planes, planes

CONFIG = """\
version: v0.4.0
agents:
  - id: weather
    url: {agent}
  - id: flights
    url: {agent}
filters:
  - id: guard
    type: http
    url: {guard}
model_providers:
  - model: local/tiny
    base_url: {agent}/v1
    default: true
tracing:
  random_sampling: {sampling}
  opentracing_grpc_endpoint: http://{collector}
  span_attributes:
    header_prefixes: [x-acme-]
    static:
      environment: test
listeners:
  - type: agent
    name: travel
    address: 127.0.0.1
    port: 0
    input_filters: [guard]
    agents:
      - id: weather
        description: Weather forecasts for cities, rain and wind.
        examples: [What is the weather in Oslo today?, Will it rain tomorrow?]
      - id: flights
        description: Finds flights between cities and ticket prices.
        examples: [Find me a flight to Lisbon, What does a ticket cost?]
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
"""
BOTH = "What is the weather in Lisbon tomorrow, and find me a flight from Zurich to Lisbon."
ASK = {"model": "tiny", "messages": [{"role": "user", "content": BOTH}]}
TRACE, PARENT = "1" * 31 + "a", "2" * 15 + "b"


@pytest.fixture
def collected() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture
async def agent() -> AsyncIterator[Service]:
    async with service(says("Rain", ".")) as running:
        yield running


@pytest.fixture
async def guard() -> AsyncIterator[Service]:
    async with service(replies(200, ASK)) as running:
        yield running


Start = Callable[[float], AbstractAsyncContextManager[Planes]]


@pytest.fixture
def start(tmp_path: Path, collected: Collector, agent: Service, guard: Service) -> Start:
    def starting(sampling: float) -> AbstractAsyncContextManager[Planes]:
        config = CONFIG.format(
            agent=agent.url, guard=guard.url, collector=collected.address, sampling=sampling
        )
        return planes(config, tmp_path)

    return starting


async def ask(made: Planes, listener: str, **headers: str) -> None:
    url = made.url(listener) + "/v1/chat/completions?key=secret"
    async with ClientSession() as http, http.post(url, json=ASK, headers=headers) as response:
        assert response.status == 200, await response.text()
        await response.read()


async def take(collected: Collector, count: int) -> dict[str, Span]:
    """What has come; the end of a data plane sends what it still has."""
    return await asyncio.to_thread(collected.take, count)


async def test_exchange_is_one_tree(
    start: Start, collected: Collector, agent: Service, guard: Service
) -> None:
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-acme-tenant-id": "t1"}
    async with start(0) as made:
        await ask(made, "travel", **headers)
    spans = await take(collected, 6)
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    root = spans.pop("POST /v1/chat/completions")
    assert root.parent_span_id.hex() == PARENT
    (chosen,) = (name for name in spans if name.startswith("choose "))
    assert chosen in {"choose bm25", "choose minilm"}, "by words until the encoder is there"
    assert spans.keys() == {
        chosen,
        "decide",
        "filter guard",
        "invoke_agent weather",
        "invoke_agent flights",
    }
    assert {span.parent_span_id for span in spans.values()} == {root.span_id}
    told = attributes(root)
    assert told["outrider.agents"] == ["weather", "flights"]
    assert told["outrider.listener"] == "travel"
    assert told["gen_ai.operation.name"] == "invoke_agent"
    assert told["gen_ai.usage.output_tokens"] == 10  # of both agents
    assert (told["tenant.id"], told["environment"]) == ("t1", "test")
    assert "secret" not in str(told)


async def test_services_are_told_the_span_of_their_own_call(
    start: Start, collected: Collector, agent: Service, guard: Service
) -> None:
    async with start(100) as made:
        await ask(made, "travel")
    spans = await take(collected, 6)
    told = [one.headers["traceparent"] for one in (*guard.received, *agent.received)]
    assert told == [
        f"00-{spans[name].trace_id.hex()}-{spans[name].span_id.hex()}-01"
        for name in ("filter guard", "invoke_agent weather", "invoke_agent flights")
    ]


async def test_relay_is_told_too(start: Start, collected: Collector) -> None:
    async with start(100) as made:
        await ask(made, "models", **{"x-acme-tenant-id": "t1"})
    (span,) = (await take(collected, 1)).values()
    told = attributes(span)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == "tiny"
    assert told["gen_ai.usage.input_tokens"] == 3
    assert told["http.response.status_code"] == 200
    assert told["tenant.id"] == "t1"


async def test_what_is_not_sampled_is_not_told(start: Start, collected: Collector) -> None:
    async with start(0) as made:
        await ask(made, "travel")
        await ask(made, "models", traceparent=f"00-{TRACE}-{PARENT}-01")
    (span,) = (await take(collected, 1)).values()
    assert span.trace_id.hex() == TRACE
    assert collected.spans.empty()


async def test_tracing_may_be_switched_off_and_on(
    start: Start, collected: Collector, agent: Service, guard: Service
) -> None:
    config = CONFIG.format(
        agent=agent.url, guard=guard.url, collector=collected.address, sampling=100
    )
    before, _, rest = config.partition("tracing:\n")
    async with start(100) as made:
        await made.apply(before + rest[rest.index("listeners:") :])
        await ask(made, "models")
        await made.apply(config)
        await ask(made, "travel")
    spans = await take(collected, 6)
    assert "invoke_agent weather" in spans
    assert collected.spans.empty()
