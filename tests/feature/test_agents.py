"""Agents behind one address, as clients see them: both planes, real agents, the official SDK."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import ClientSession, web

from tests.support.agents import (
    Received,
    Service,
    events,
    never,
    replies,
    says,
    service,
    starts_and_hangs,
)
from tests.support.planes import Planes, planes
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: weather
    url: {weather}
  - id: flights
    url: {flights}
  - id: desk
    url: {desk}
listeners:
  - type: agent
    name: solo
    address: 127.0.0.1
    port: 0
    timeout: {timeout}
    agents:
      - id: weather
        description: Weather forecasts for cities.
  - type: agent
    name: travel
    address: 127.0.0.1
    port: 0
    timeout: {timeout}
    agents:
      - id: weather
        description: >-
          Weather forecasts for cities: temperature, rain, wind and snow today and tomorrow.
        examples: [What is the weather in Oslo today?, Will it rain in Lisbon tomorrow?]
      - id: flights
        description: >-
          Finds flights between cities: departure times, airlines and ticket prices.
        examples: [Find me a flight from Zurich to Lisbon, What does a ticket to Oslo cost?]
      - id: desk
        description: The front desk.
        default: true
"""
WEATHER = "What is the weather in Oslo today?"
BOTH = "What is the weather in Lisbon tomorrow, and find me a flight from Zurich to Lisbon."


class Travel:
    """The planes and three agents."""

    def __init__(self, made: Planes, agents: dict[str, Service], config: str) -> None:
        self.planes = made
        self.weather = agents["weather"]
        self.flights = agents["flights"]
        self.desk = agents["desk"]
        self.config = config

    def client(self, listener: str = "travel") -> openai.AsyncOpenAI:
        base = self.planes.url(listener) + "/v1"
        return openai.AsyncOpenAI(base_url=base, api_key="sk-client", max_retries=0)


Start = Callable[..., Awaitable[Travel]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def starting(limit: str = "30s") -> Travel:
            agents = {
                name: await stack.enter_async_context(service(says("This is ", f"{name}.")))
                for name in ("weather", "flights", "desk")
            }
            urls = {name: one.url for name, one in agents.items()}
            config = CONFIG.format(**urls, timeout=limit)
            made = await stack.enter_async_context(planes(config, tmp_path))
            return Travel(made, agents, config)

        yield starting


def asking(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "any", "messages": [{"role": "user", "content": text}], **more}


async def test_one_agent_answers_the_sdk(start: Start) -> None:
    travel = await start()
    async with travel.client("solo") as client:
        raw = await client.chat.completions.with_raw_response.create(**asking("Hello"))
        assert raw.parse().choices[0].message.content == "This is weather."
        assert raw.headers["x-outrider-agents"] == "weather"
        assert len(raw.headers["x-outrider-run-id"]) == 32
        assert raw.headers["x-request-id"] == travel.weather.received[0].headers["x-request-id"]
    assert "authorization" not in travel.weather.received[0].headers


async def test_credential_in_the_query_stays_here(start: Start) -> None:
    travel = await start()
    url = travel.planes.url("solo") + "/v1/chat/completions?key=secret&trace=1"
    async with ClientSession() as session, session.post(url, json=asking("Hello")) as answer:
        assert answer.status == 200
    assert travel.weather.received[0].request.query_string == "trace=1"


async def test_stream_reaches_the_sdk_whole(start: Start) -> None:
    travel = await start()
    async with travel.client("solo") as client:
        stream = await client.chat.completions.create(**asking("Hello", stream=True))
        chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert words == ["This is ", "weather.", None]
    assert chunks[-1].usage is not None


async def test_agents_are_listed_as_models(start: Start) -> None:
    travel = await start()
    async with travel.client() as client:
        listed = await client.models.list()
    assert [model.id for model in listed.data] == ["weather", "flights", "desk"]


async def test_question_goes_to_the_agent_that_fits(start: Start) -> None:
    travel = await start()
    async with travel.client() as client:
        raw = await client.chat.completions.with_raw_response.create(**asking(WEATHER))
    assert raw.parse().choices[0].message.content == "This is weather."
    assert raw.headers["x-outrider-agents"] == "weather"
    assert raw.headers["x-outrider-scores"].startswith("weather=")
    assert raw.headers["x-outrider-reason"]
    assert (travel.flights.received, travel.desk.received) == ([], [])


async def test_question_for_two_is_chained_and_the_last_one_streamed(start: Start) -> None:
    travel = await start()
    async with travel.client() as client:
        raw = await client.chat.completions.with_raw_response.create(**asking(BOTH, stream=True))
        words = [c.choices[0].delta.content async for c in raw.parse() if c.choices]
    assert raw.headers["x-outrider-agents"] == "weather,flights"
    assert words[:2] == ["This is ", "flights."]
    assert travel.weather.received[0].body["stream"] is False
    assert travel.flights.received[0].body["messages"] == [
        {"role": "assistant", "name": "weather", "content": "This is weather."},
        {"role": "user", "content": BOTH},
    ]


async def test_default_agent_answers_what_nobody_is_for(start: Start) -> None:
    travel = await start()
    async with travel.client() as client:
        raw = await client.chat.completions.with_raw_response.create(**asking("Tell me a joke!"))
    assert raw.headers["x-outrider-agents"] == "desk"
    assert "default" in raw.headers["x-outrider-reason"]


async def test_follow_up_stays_with_its_agent(start: Start) -> None:
    travel = await start()
    turns = [
        {"role": "user", "content": WEATHER},
        {"role": "assistant", "content": "Rain in Oslo, 8 degrees."},
        {"role": "user", "content": "and tomorrow?"},
    ]
    async with travel.client() as client:
        raw = await client.chat.completions.with_raw_response.create(
            **asking("") | {"messages": turns}
        )
    assert raw.headers["x-outrider-agents"] == "weather"


async def test_agents_own_error_reaches_the_sdk(start: Start) -> None:
    travel = await start()
    error = {"message": "slow down", "type": "rate_limit", "param": None, "code": "busy"}
    travel.weather.answer = replies(429, {"error": error}, retry_after="20")
    async with travel.client("solo") as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(**asking("Hello"))
    assert caught.value.code == "busy"
    assert caught.value.response.headers["retry-after"] == "20"
    assert "x-outrider-detail" not in caught.value.response.headers


async def test_an_agent_that_fails_once_is_asked_again_and_that_is_told(start: Start) -> None:
    travel = await start()
    well = travel.weather.answer
    left = [replies(503, {}), well]

    async def answer(one: Received) -> web.StreamResponse:
        return await (left.pop(0) if left else well)(one)

    travel.weather.answer = answer
    async with ClientSession() as http:
        url = travel.planes.url("solo") + "/v1/chat/completions"
        async with http.post(url, json=asking("Hello", stream=True)) as response:
            assert response.status == 200
            assert response.headers["x-outrider-attempts"] == "2"
            assert b"[DONE]" in await response.read()
    families = {one.name: one.samples for one in travel.planes.workers[0].families()}
    assert families["outrider_retries_total"] == {("agent:weather", "server"): 1.0}


async def test_agent_on_the_way_that_fails_is_named(start: Start) -> None:
    travel = await start()
    travel.weather.answer = replies(503, {"error": {"message": "asleep"}})
    async with travel.client() as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**asking(BOTH))
    assert caught.value.status_code == 502
    assert caught.value.code == "agent_failed"
    assert "Agent 'weather' answered 503: asleep" in caught.value.message
    assert travel.flights.received == []


async def test_agent_that_is_down_is_a_502_that_says_so(start: Start) -> None:
    travel = await start()
    await travel.planes.apply(travel.config.replace(travel.weather.url, "http://127.0.0.1:1"))
    async with travel.client("solo") as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**asking("Hello"))
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_connect_failed")


async def test_deadline_ends_the_chain_and_stops_its_agents(start: Start) -> None:
    travel = await start(limit="1s")
    travel.weather.answer = never()
    async with travel.client() as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**asking(BOTH))
    assert (caught.value.status_code, caught.value.code) == (504, "deadline_exceeded")
    async with asyncio.timeout(5):
        await travel.weather.received[0].cancelled.wait()


async def test_client_that_leaves_stops_the_agent(start: Start) -> None:
    travel = await start()
    first = events(["Ra"])[0]
    travel.weather.answer = starts_and_hangs(first)
    async with ClientSession() as http:
        url = travel.planes.url("solo") + "/v1/chat/completions"
        async with http.post(url, json=asking("Hello", stream=True)) as response:
            assert await response.content.readline() == first[:-1]
            response.close()
    async with asyncio.timeout(5):
        await travel.weather.received[0].cancelled.wait()


async def test_client_that_leaves_after_the_last_event_has_had_all(
    start: Start, tmp_path: Path
) -> None:
    travel = await start()
    travel.weather.answer = starts_and_hangs(b"".join(events(["Rain."])))
    async with ClientSession() as http:
        url = travel.planes.url("solo") + "/v1/chat/completions"
        async with http.post(url, json=asking("Hello", stream=True)) as response:
            await response.content.readuntil(b"[DONE]")
            response.close()
    async with asyncio.timeout(5):
        await travel.weather.received[0].cancelled.wait()
    log = tmp_path / "access.log"
    await until(lambda: bool(log.read_text()))
    assert json.loads(log.read_text())["detail"] == "via_upstream"


BROKEN = [
    pytest.param(b"", "The upstream failed", id="ends"),
    pytest.param(
        b'data: {"error":{"message":"Asleep."}}\n\ndata: [DONE]\n\n', "Asleep", id="says so"
    ),
]


@pytest.mark.parametrize(("last", "message"), BROKEN)
async def test_stream_of_an_agent_that_breaks_ends_with_an_error(
    start: Start, last: bytes, message: str
) -> None:
    travel = await start()

    async def breaks(one: Received) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        chunk = (
            b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}'
        )
        choice = b'{"index":0,"delta":{"content":"Rain"},"finish_reason":null}'
        await response.write(b"data: " + chunk % choice + b"\n\n" + last)
        return response

    travel.weather.answer = breaks
    async with travel.client("solo") as client:
        stream = await client.chat.completions.create(**asking("Hello", stream=True))
        event = await anext(stream)
        assert event.choices[0].delta.content == "Rain"
        with pytest.raises(openai.APIError, match=message):
            await anext(stream)


async def test_slow_client_slows_the_agent_down(start: Start) -> None:
    travel = await start()
    megabytes = 0
    stalled = asyncio.Event()

    async def floods(one: Received) -> web.StreamResponse:
        nonlocal megabytes
        response = web.StreamResponse(headers={"content-type": "text/plain"})
        await response.prepare(one.request)
        for _ in range(64):
            writing = asyncio.ensure_future(response.write(b"x" * (1 << 20)))
            _, waiting = await asyncio.wait({writing}, timeout=0.3)
            if waiting:
                stalled.set()
            await writing
            megabytes += 1
        return response

    travel.weather.answer = floods
    async with ClientSession(read_bufsize=1 << 16) as http, asyncio.timeout(20):
        url = travel.planes.url("solo") + "/v1/chat/completions"
        async with http.post(url, json=asking("Hello", stream=True)) as response:
            await response.content.readexactly(1)
            await stalled.wait()
            assert megabytes < 48
            assert len(await response.read()) == (64 << 20) - 1


async def test_agent_taken_away_is_not_asked_any_more(start: Start) -> None:
    travel = await start()
    await travel.planes.apply(
        travel.config.replace("url: " + travel.weather.url, "url: " + travel.desk.url)
    )
    async with travel.client("solo") as client:
        answer = await client.chat.completions.create(**asking("Hello"))
    assert answer.choices[0].message.content == "This is desk."
