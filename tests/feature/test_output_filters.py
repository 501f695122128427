"""Output filters as clients see them: what providers and agents say passes them, in every API."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.support.agents import Service, replies, says, says_on, service
from tests.support.planes import Planes, planes
from tests.support.wait import until

CONFIG = """\
version: v0.4.0
agents:
  - id: helper
    url: {upstream}
filters:
  - id: cards
    type: python
    config:
      class: tests.support.written_filters:Cards
  - id: words
    type: python
    timeout: 10s
    config:
      class: tests.support.written_filters:Words
      settings: {{refuse: dynamite, cut: secret, fail: broken}}
  - id: easy
    type: python
    failure_mode: open
    config:
      class: tests.support.written_filters:Words
      settings: {{fail: broken}}
  - id: label
    type: headers
    config:
      set: {{x-filtered: "yes"}}
model_providers:
  - model: openai/tiny
    base_url: {upstream}/v1
    access_key: $TINY_KEY
    default: true
  - model: openai/guarded
    base_url: {upstream}/v1
    access_key: $TINY_KEY
    input_filters: [words]
    output_filters: [cards]
model_aliases:
  alias:
    target: openai/guarded
    output_filters: [label]
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    output_filters: [words, cards, label]
  - type: agent
    name: agents
    address: 127.0.0.1
    port: 0
    output_filters: [words, cards, label]
    agents:
      - id: helper
        description: Helps.
  - type: model
    name: words-models
    address: 127.0.0.1
    port: 0
    output_filters: [words]
  - type: agent
    name: words-agents
    address: 127.0.0.1
    port: 0
    output_filters: [words]
    agents:
      - id: helper
        description: Helps.
  - type: agent
    name: by-agent
    address: 127.0.0.1
    port: 0
    agents:
      - id: helper
        description: Helps.
        input_filters: [words]
        output_filters: [words, cards]
  - type: model
    name: by-route
    address: 127.0.0.1
    port: 0
  - type: model
    name: easy
    address: 127.0.0.1
    port: 0
    output_filters: [easy]
"""
BOTH = pytest.mark.parametrize("listener", ["models", "agents"])
WORDS = pytest.mark.parametrize("listener", ["words-models", "words-agents"])
STREAMED = pytest.mark.parametrize("stream", [False, True])
ASKED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}]},
    "/v1/messages": {
        "model": "tiny",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Hi"}],
    },
    "/v1/responses": {"model": "tiny", "input": "Hi", "store": False},
    "/v1beta/models/tiny:generateContent": {"contents": [{"parts": [{"text": "Hi"}]}]},
    "/model/tiny/converse": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
}
APIS = pytest.mark.parametrize("path", ASKED)


class House:
    """The planes and what answers behind them."""

    def __init__(self, made: Planes, upstream: Service, http: httpx.AsyncClient) -> None:
        self.planes = made
        self.upstream = upstream
        self.http = http

    async def post(self, listener: str, path: str, stream: bool = False) -> httpx.Response:
        asked = dict(ASKED[path])
        if stream and path.startswith("/v1beta"):
            path = path.replace(":generate", ":streamGenerate") + "?alt=sse"
        elif stream and path.startswith("/model"):
            path += "-stream"
        elif stream:
            asked["stream"] = True
        return await self.http.post(self.planes.url(listener) + path, json=asked)

    async def chat(self, listener: str, model: str = "tiny", said: str = "Hi") -> str:
        base = self.planes.url(listener) + "/v1"
        async with openai.AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as client:
            answer = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": said}], stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in answer if c.choices])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with service(says("Card 1234", "-56", "78 it ", "is.")) as upstream:
        config = CONFIG.format(upstream=upstream.url)
        async with (
            planes(config, tmp_path, environ={"TINY_KEY": "sk-tiny"}) as made,
            httpx.AsyncClient(timeout=5) as http,
        ):
            yield House(made, upstream, http)


@BOTH
async def test_text_that_spans_events_is_hidden_from_sdks(house: House, listener: str) -> None:
    assert await house.chat(listener) == "Card <card> it is."


@BOTH
@APIS
@STREAMED
async def test_every_api_is_filtered(house: House, listener: str, path: str, stream: bool) -> None:
    answer = await house.post(listener, path, stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-filtered"] == "yes"
    assert answer.headers["x-question"] == "none"
    assert b"5678" not in answer.content
    assert b"<card>" in answer.content


@BOTH
@APIS
@STREAMED
async def test_a_refusal_before_anything_is_sent_has_a_status(
    house: House, listener: str, path: str, stream: bool
) -> None:
    house.upstream.answer = says("dynamite")
    answer = await house.post(listener, path, stream)
    assert answer.status_code == 451
    assert answer.headers["x-outrider-detail"] == "filter_refused"
    assert "Filter 'words' refused" in answer.text


@WORDS
async def test_a_refusal_later_is_told_in_the_stream_and_cut_off(
    house: House, listener: str
) -> None:
    go_on = asyncio.Event()
    house.upstream.answer = says_on(go_on, "Take some ", "dynamite", " and")
    url = house.planes.url(listener) + "/v1/chat/completions"
    asked = {**ASKED["/v1/chat/completions"], "stream": True}
    got = b""
    async with house.http.stream("POST", url, json=asked) as answer:
        pieces = answer.aiter_raw()
        while b"refused" not in got:
            got += await anext(pieces)
            assert b"dynamite" not in got.replace(b"no dynamite", b"")
            go_on.set()
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(pieces)
    assert b"Take some " in got


@WORDS
@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/v1/chat/completions", b'"finish_reason":"content_filter"'),
        ("/v1/messages", b'"stop_reason":"refusal"'),
        ("/v1/responses", b'"incomplete_details":{"reason":"content_filter"}'),
        ("/v1beta/models/tiny:generateContent", b'"finishReason":"SAFETY"'),
        ("/model/tiny/converse", b'"stopReason":"content_filtered"'),
    ],
)
@STREAMED
async def test_a_cut_is_an_end_of_its_protocol(
    house: House, listener: str, path: str, end: bytes, stream: bool
) -> None:
    house.upstream.answer = says("This is ", "no ", "secret", " at all")
    answer = await house.post(listener, path, stream)
    assert answer.status_code == 200
    assert end in answer.content
    assert b"secret" not in answer.content
    assert b"at all" not in answer.content
    assert (b"This is " in answer.content) is stream


@BOTH
async def test_a_filter_that_fails_closed_ends_the_answer(house: House, listener: str) -> None:
    house.upstream.answer = says("broken")
    answer = await house.post(listener, "/v1/chat/completions")
    assert answer.status_code == 502
    assert answer.headers["x-outrider-detail"] == "filter_failed"
    assert "ValueError" not in answer.text


async def test_a_filter_that_fails_open_lets_it_pass(house: House) -> None:
    house.upstream.answer = says("all ", "broken", " things")
    assert await house.chat("easy") == "all broken things"
    families = {one.name: one.samples for one in house.planes.workers[0].families()}
    assert families["outrider_filter_failures_passed_total"] == {("easy",): 1.0}


async def test_routes_have_filters_of_their_own_by_whatever_name(house: House) -> None:
    assert await house.chat("by-route", "tiny") == "Card 1234-5678 it is."
    assert await house.chat("by-route", "openai/guarded") == "Card <card> it is."
    assert await house.chat("by-route", "alias") == "Card <card> it is."
    with pytest.raises(openai.UnprocessableEntityError, match="no dynamite"):
        await house.chat("by-route", "alias", "dynamite?")
    told = [one.body["messages"][0]["content"] for one in house.upstream.received]
    assert told == ["Hi", "Be brief.", "Be brief."]


@STREAMED
async def test_agents_have_output_filters_of_their_own(house: House, stream: bool) -> None:
    answer = await house.post("by-agent", "/v1/chat/completions", stream)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-question"] == "none"
    assert b"5678" not in answer.content
    assert b"<card>" in answer.content


@STREAMED
async def test_what_an_agents_filter_refuses_never_was_said(house: House, stream: bool) -> None:
    house.upstream.answer = says("dynamite")
    answer = await house.post("by-agent", "/v1/messages", stream)
    assert answer.status_code == 451
    assert "no dynamite" in answer.text


@STREAMED
async def test_what_an_agents_filter_cuts_ends_well(house: House, stream: bool) -> None:
    house.upstream.answer = says("This is ", "secret", " at all")
    answer = await house.post("by-agent", "/v1/chat/completions", stream)
    assert answer.status_code == 200, answer.text
    assert b'"finish_reason":"content_filter"' in answer.content
    assert b"secret" not in answer.content


async def test_an_error_of_the_provider_is_its_own(house: House) -> None:
    house.upstream.answer = replies(400, {"error": {"message": "broken dynamite"}})
    answer = await house.post("models", "/v1/chat/completions")
    assert answer.status_code == 400
    assert answer.headers["x-filtered"] == "yes"
    assert "broken dynamite" in answer.text


@BOTH
async def test_what_happened_is_in_the_log(house: House, listener: str, tmp_path: Path) -> None:
    house.upstream.answer = says("dynamite")
    await house.post(listener, "/v1/chat/completions")
    house.upstream.answer = says("Some ", "secret")
    await house.post(listener, "/v1/chat/completions", stream=True)

    def logged() -> list[Any]:
        return [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]

    await until(lambda: len(logged()) == 2)
    refused, cut = logged()
    assert (refused["status"], refused["detail"]) == (451, "filter_refused")
    assert (cut["status"], cut["detail"]) == (200, "filter_refused")
    assert refused["filter"] == cut["filter"] == "words"


@pytest.mark.parametrize("said", ["dynamite", "secret", "broken"])
@STREAMED
async def test_the_log_names_the_filter_that_ends_an_agents_answer(
    house: House, said: str, stream: bool, tmp_path: Path
) -> None:
    house.upstream.answer = says("Some ", said, " to all")
    await house.post("by-agent", "/v1/chat/completions", stream)
    log = tmp_path / "access.log"
    await until(lambda: log.read_text().count("\n") == 1)
    assert json.loads(log.read_text())["filter"] == "words"


@pytest.mark.parametrize("listener", ["by-route", "by-agent"])
async def test_the_log_names_a_filter_that_refuses_requests(
    house: House, listener: str, tmp_path: Path
) -> None:
    asked = {"model": "alias", "messages": [{"role": "user", "content": "dynamite?"}]}
    url = house.planes.url(listener) + "/v1/chat/completions"
    answer = await house.http.post(url, json=asked)
    assert answer.headers["x-outrider-detail"] == "filter_refused"
    log = tmp_path / "access.log"
    await until(lambda: log.read_text().count("\n") == 1)
    assert json.loads(log.read_text())["filter"] == "words"


@pytest.mark.parametrize("listener", ["models", "easy", "by-route"])
async def test_the_log_tells_what_the_provider_took_of_the_time(
    house: House, listener: str, tmp_path: Path
) -> None:
    go_on = asyncio.Event()
    house.upstream.answer = says_on(go_on, "All ", "is well")
    asking = asyncio.ensure_future(house.chat(listener))
    await until(lambda: len(house.upstream.received) == 1)
    go_on.set()
    assert await asking == "All is well"
    log = tmp_path / "access.log"
    await until(lambda: log.read_text().count("\n") == 1)
    told = json.loads(log.read_text())
    assert 0 < told["upstream_s"] <= told["duration_s"]
