"""Client and provider speak different protocols: every pair, whole and streamed, and failures."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.delta import End
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.whole import Whole
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.planes import Planes, planes
from tests.support.raw_client import RawClient, Reply, connected, post
from tests.support.spoken import SPOKEN, TEXT
from tests.support.upstream import (
    Cut,
    FakeUpstream,
    Received,
    Step,
    always,
    chunk,
    chunked_head,
    json_answer,
    upstream,
)

CONFIG = """\
version: v0.4.0
model_providers:
  - model: house/m-1
    name: nick
    base_url: http://127.0.0.1:{port}/base
    access_key: $HOUSE_KEY
    apis: [{api}]
{more}
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: 0, retry: {{num_retries: 0}}}}
"""
PAIRS = [
    pytest.param(client, provider, id=f"{client.value}-to-{provider.value}")
    for client in CODECS
    for provider in CODECS
    if client is not provider
]
CLIENTS = [pytest.param(client, id=client.value) for client in CODECS]
LIMITS = b"retry-after: 7\r\nx-ratelimit-remaining-requests: 3\r\nset-cookie: a=1\r\n"


def other(client: Protocol) -> Protocol:
    return next(
        p for p in (Protocol.MESSAGES, Protocol.CHAT, *CODECS) if p in CODECS and p is not client
    )


@asynccontextmanager
async def house(
    directory: Path, fake: FakeUpstream, provider: Protocol, more: str = ""
) -> AsyncIterator[tuple[Planes, RawClient]]:
    config = CONFIG.format(port=fake.endpoint.port, api=SPOKEN[provider].api, more=more)
    async with (
        planes(config, directory, environ={"HOUSE_KEY": "sk-house"}) as made,
        connected(int(made.url("models").rpartition(":")[2]), 1 << 24) as client,
    ):
        yield made, client


def answer_of(client: Protocol, reply: Reply) -> Answer:
    answer = CODECS[client].read_answer(reply.body)
    assert isinstance(answer, Answer), (answer, reply.body)
    return answer


def streamed(client: Protocol, reply: Reply) -> tuple[Whole, bool]:
    reader = CODECS[client].stream_reader()
    deltas = reader.feed(reply.body) + reader.finish()
    whole = Whole()
    whole.feed(deltas)
    return whole, any(isinstance(delta, End) for delta in deltas)


def text_of(answer: Answer) -> str:
    return "".join(part.text for part in answer.choices[0].parts if isinstance(part, Text))


def stream_of(data: bytes, provider: Protocol, size: int = 1 << 20) -> list[Step]:
    pieces = [chunk(data[at : at + size]) for at in range(0, len(data), size)]
    return [chunked_head(SPOKEN[provider].kind), *pieces]


@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_question_is_answered(client: Protocol, provider: Protocol, tmp_path: Path) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    async with (
        upstream(always(json_answer(theirs.answer, extra=LIMITS))) as fake,
        house(tmp_path, fake, provider) as (made, talk),
    ):
        headers = (
            b"authorization: Bearer sk-client\r\nanthropic-beta: x\r\nopenai-organization: o\r\n"
            b"x-team: a\r\naccept-encoding: gzip\r\ncookie: c=1\r\nx-request-id: r1\r\n"
        )
        talk.send(post(ours.body(), path=ours.path, headers=headers))
        reply = await talk.reply()
        assert reply.status == 200, reply.body
        answer = answer_of(client, reply)
        assert text_of(answer) == TEXT
        assert answer.usage is not None
        assert (answer.usage.input, answer.usage.output) == (5, 7)
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-request-id"] == "r1"
        assert reply.headers["retry-after"] == "7"
        assert "set-cookie" not in reply.headers
        (seen,) = fake.requests
        assert seen.line == f"POST {theirs.upstream_path} HTTP/1.1".encode()
        assert seen.header(b"accept-encoding") == b"identity"
        assert seen.header(b"x-team") == b"a"
        for name in (b"anthropic-beta", b"openai-organization", b"cookie"):
            assert seen.header(name) is None
        assert b"sk-client" not in b"".join(value for _, value in seen.headers)
        (tokens,) = [f for f in made.workers[0].families() if f.name == "outrider_tokens_total"]
        assert tokens.samples["models", "nick", "input"] == 5
        assert tokens.samples["models", "nick", "output"] == 7


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_stream_is_streamed(
    client: Protocol, provider: Protocol, size: int, tmp_path: Path
) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    steps = [*stream_of(theirs.stream, provider, size), b"0\r\n\r\n"]
    async with (
        upstream(always(*steps)) as fake,
        house(tmp_path, fake, provider) as (made, talk),
    ):
        for _ in range(2):
            talk.send(post(ours.body(stream=True), path=ours.stream_path))
            reply = await talk.reply()
            assert reply.status == 200, reply.body
            assert reply.whole
            assert reply.headers["content-type"].startswith(ours.kind.decode())
            whole, ended = streamed(client, reply)
            assert ended
            answer = whole.answer()
            assert answer is not None
            assert text_of(answer) == TEXT
        assert fake.accepted == 1, "the connection is kept"
        path = fake.requests[0].line.split(b" ")[1].decode()
        assert path == theirs.upstream_stream_path
        (tokens,) = [f for f in made.workers[0].families() if f.name == "outrider_tokens_total"]
        assert tokens.samples["models", "nick", "output"] == 14


@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_stream_comes_as_it_is_made(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    go_on = asyncio.Event()

    async def script(received: Received) -> AsyncIterator[Step]:
        for step in stream_of(theirs.cut, provider):
            yield step
        await go_on.wait()
        yield chunk(theirs.stream.removeprefix(theirs.cut))
        yield b"0\r\n\r\n"

    if not theirs.stream.startswith(theirs.cut):
        pytest.skip("its last event has text and end in one")
    async with (
        upstream(script) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        talk.send(post(ours.body(stream=True), path=ours.stream_path))
        # Google's last chunk has words, so its writer is always one behind.
        words = b"Rain" if client is Protocol.GEMINI else b"in Oslo"
        async with asyncio.timeout(5):
            early = await talk.reader.readuntil(words)
            assert early.startswith(b"HTTP/1.1 200 OK\r\n")
            go_on.set()
            assert await talk.reader.readuntil(b"\r\n0\r\n\r\n")


@pytest.mark.parametrize("how", ["cut", "ended"])
@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_stream_without_its_end_never_looks_whole(
    client: Protocol, provider: Protocol, how: str, tmp_path: Path
) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    end: Step = b"0\r\n\r\n" if how == "ended" else Cut()

    async def script(received: Received) -> AsyncIterator[Step]:
        for step in stream_of(theirs.cut, provider):
            yield step
        await asyncio.sleep(0.02)  # a reset may overtake what was sent
        yield end

    async with (
        upstream(script) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        talk.send(post(ours.body(stream=True), path=ours.stream_path))
        reply = await talk.reply()
        assert reply.status == 200
        assert not reply.whole
        whole, ended = streamed(client, reply)
        assert not ended
        assert whole.failure is not None
        assert "upstream failed" in whole.failure.message


@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_provider_that_streams_unasked_is_collected(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    steps = [*stream_of(theirs.stream, provider), b"0\r\n\r\n"]
    async with (
        upstream(always(*steps)) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        talk.send(post(ours.body(), path=ours.path))
        reply = await talk.reply()
        assert reply.status == 200, reply.body
        assert text_of(answer_of(client, reply)) == TEXT


@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_provider_that_does_not_stream_when_asked_is_streamed(
    client: Protocol, provider: Protocol, tmp_path: Path
) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    async with (
        upstream(always(json_answer(theirs.answer))) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        talk.send(post(ours.body(stream=True), path=ours.stream_path))
        reply = await talk.reply()
        assert reply.status == 200, reply.body
        whole, ended = streamed(client, reply)
        assert ended
        answer = whole.answer()
        assert answer is not None
        assert text_of(answer) == TEXT


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("client", "provider"), PAIRS)
async def test_error_of_the_provider_is_told_in_the_clients_words(
    client: Protocol, provider: Protocol, stream: bool, tmp_path: Path
) -> None:
    ours, theirs = SPOKEN[client], SPOKEN[provider]
    answer = json_answer(theirs.error, "429 Too Many", LIMITS)
    async with (
        upstream(always(answer)) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        for _ in range(2):
            path = ours.stream_path if stream else ours.path
            talk.send(post(ours.body(stream), path=path))
            reply = await talk.reply()
            assert reply.status == 429
            assert reply.headers["retry-after"] == "7"
            failure = CODECS[client].read_error(429, reply.body)
            assert failure.message == "Slow down."
            assert ("x-amzn-errortype" in reply.headers) == (client is Protocol.CONVERSE)
        assert fake.accepted == 1


async def test_error_before_any_word_has_a_status_of_its_own(tmp_path: Path) -> None:
    begun = SPOKEN[Protocol.MESSAGES].stream.partition(b"\n\n")[0] + b"\n\n"
    error = b'{"type":"error","error":{"type":"overloaded_error","message":"Busy."}}'
    stream = begun + b"event: error\ndata: " + error + b"\n\n"
    ours = SPOKEN[Protocol.CHAT]
    async with (
        upstream(always(*stream_of(stream, Protocol.MESSAGES), b"0\r\n\r\n")) as fake,
        house(tmp_path, fake, Protocol.MESSAGES) as (_, talk),
    ):
        talk.send(post(ours.body(stream=True), path=ours.stream_path))
        reply = await talk.reply()
        assert (reply.status, reply.whole) == (503, True)
        assert "Busy." in CODECS[Protocol.CHAT].read_error(503, reply.body).message


@pytest.mark.parametrize("client", CLIENTS)
async def test_answers_that_are_none_are_a_502_in_the_clients_words(
    client: Protocol, tmp_path: Path
) -> None:
    ours, provider = SPOKEN[client], other(client)
    answers = [
        json_answer(b"<html>busy</html>"),
        json_answer(SPOKEN[provider].answer, extra=b"content-encoding: br\r\n"),
        json_answer(b"moved", "302 Found", b"location: http://x/\r\n"),
    ]
    for answer in answers:
        async with (
            upstream(always(answer)) as fake,
            house(tmp_path, fake, provider) as (_, talk),
        ):
            talk.send(post(ours.body(), path=ours.path))
            reply = await talk.reply()
            assert (reply.status, reply.detail) == (502, "upstream_protocol_error")
            assert "upstream failed" in CODECS[client].read_error(502, reply.body).message


@pytest.mark.parametrize("client", CLIENTS)
async def test_client_that_leaves_stops_the_provider(client: Protocol, tmp_path: Path) -> None:
    ours, provider = SPOKEN[client], other(client)
    gone = asyncio.Event()

    async def script(received: Received) -> AsyncIterator[Step]:
        for step in stream_of(SPOKEN[provider].cut, provider):
            yield step
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    async with (
        upstream(script) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        talk.send(post(ours.body(stream=True), path=ours.stream_path))
        async with asyncio.timeout(5):
            await talk.reader.readuntil(b"Rain")
        talk.close()
        async with asyncio.timeout(5):
            await gone.wait()


async def test_what_cannot_be_said_is_refused_or_dropped(tmp_path: Path) -> None:
    ours, provider = SPOKEN[Protocol.MESSAGES], Protocol.CHAT
    body = json.dumps(ours.request | {"wholly_unknown": 1}).encode()
    for more, status in (("", 400), ("on_untranslatable: drop", 200)):
        async with (
            upstream(always(json_answer(SPOKEN[provider].answer))) as fake,
            house(tmp_path, fake, provider, more) as (_, talk),
        ):
            talk.send(post(body, path=ours.path))
            reply = await talk.reply()
            assert reply.status == status, reply.body
            if status == 400:
                assert reply.detail == "untranslatable"
                assert b"wholly_unknown" in reply.body
                assert reply.headers["request-id"] == reply.headers["x-request-id"]
            else:
                assert "wholly_unknown" in reply.headers["x-outrider-dropped"]


async def test_large_prompt_is_translated_beside_the_loop(tmp_path: Path) -> None:
    ours, provider = SPOKEN[Protocol.MESSAGES], other(Protocol.MESSAGES)
    words = "lorem ipsum " * 50_000
    body = json.dumps(ours.request | {"messages": [{"role": "user", "content": words}]}).encode()
    async with (
        upstream(always(json_answer(SPOKEN[provider].answer))) as fake,
        house(tmp_path, fake, provider) as (_, talk),
    ):
        for _ in range(2):
            talk.send(post(body, path=ours.path))
            assert text_of(answer_of(Protocol.MESSAGES, await talk.reply())) == TEXT
        assert words.encode() in fake.requests[1].body
