"""Client and provider speak one protocol: every byte passes, both ways, whatever it says."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.aws_frames import of_line
from tests.support.planes import Planes, planes
from tests.support.raw_client import RawClient, connected, post
from tests.support.upstream import (
    FakeUpstream,
    Received,
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
    apis: [{apis}]
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: 0, retry: {{num_retries: 0}}}}
"""
APIS = (
    "chat, completions, embeddings, responses, messages, count_tokens, "
    "generate_content, gemini_count_tokens, converse"
)
IN_BODY = [
    ("/v1/chat/completions", "/base/chat/completions"),
    ("/v1/completions", "/base/completions"),
    ("/v1/embeddings", "/base/embeddings"),
    ("/v1/responses", "/base/responses"),
    ("/v1/messages?beta=true", "/base/messages?beta=true"),
    ("/v1/messages/count_tokens", "/base/messages/count_tokens"),
]
IN_PATH = [
    ("/v1beta/models/nick:generateContent", "/base/models/m-1:generateContent"),
    ("/v1/models/nick:generateContent", "/base/models/m-1:generateContent"),
    ("/v1beta/models/house%2Fm-1:countTokens", "/base/models/m-1:countTokens"),
    (
        "/v1beta/models/nick:streamGenerateContent?alt=sse",
        "/base/models/m-1:streamGenerateContent?alt=sse",
    ),
    (
        "/v1beta/models/nick:streamGenerateContent?key=secret",
        "/base/models/m-1:streamGenerateContent",
    ),
    (
        "/v1/projects/p/locations/l/publishers/google/models/nick:generateContent",
        "/base/models/m-1:generateContent",
    ),
    ("/model/nick/converse", "/base/model/m-1/converse"),
    ("/model/house%2Fm%2D1/converse-stream", "/base/model/m-1/converse-stream"),
]
BODY = b'{ "unknown":[1.50,{"model":"x"}],\n"stream" : true, "model" : "nick" , "z":"\\u00e9" }'
FRAMES = b"".join(
    of_line(line)
    for line in (
        '{"event-type": "messageStart", "payload": {"role": "assistant"}}',
        '{"event-type": "messageStop", "payload": {"stopReason": "end_turn"}}',
        '{"event-type": "metadata", "payload": {"usage": {"inputTokens": 5, "outputTokens": 7}}}',
    )
)
STREAM = "".join(
    f'event: e{number}\r\ndata: {{"x":"\u00e9{number}"}}\n\n: odd\n' for number in range(40)
).encode()

STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@asynccontextmanager
async def house(directory: Path, fake: FakeUpstream, apis: str = APIS) -> AsyncIterator[Planes]:
    config = CONFIG.format(port=fake.endpoint.port, apis=apis)
    async with planes(config, directory, environ={"HOUSE_KEY": "sk-house"}) as made:
        yield made


@asynccontextmanager
async def talking(made: Planes) -> AsyncIterator[RawClient]:
    async with connected(int(made.url("models").rpartition(":")[2])) as client:
        yield client


def path_of(received: Received) -> str:
    return received.line.split(b" ")[1].decode()


async def test_only_the_model_of_a_body_is_replaced(tmp_path: Path) -> None:
    async with (
        upstream() as fake,
        house(tmp_path, fake) as made,
        talking(made) as client,
    ):
        for path, theirs in IN_BODY:
            client.send(post(BODY, path=path))
            assert (await client.reply()).status == 200
            assert path_of(fake.requests[-1]) == theirs
            assert fake.requests[-1].body == BODY.replace(b'"nick"', b'"m-1"')


async def test_only_the_model_of_a_path_is_replaced(tmp_path: Path) -> None:
    async with (
        upstream() as fake,
        house(tmp_path, fake) as made,
        talking(made) as client,
    ):
        for path, theirs in IN_PATH:
            client.send(post(BODY, path=path))
            assert (await client.reply()).status == 200, path
            assert path_of(fake.requests[-1]) == theirs
            assert fake.requests[-1].body == BODY


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize(
    ("path", "kind", "stream"),
    [
        ("/v1/messages", b"text/event-stream", STREAM + STOP),
        (
            "/v1/responses",
            b"text/event-stream",
            STREAM + b'data: {"type":"response.completed"}\n\n',
        ),
        (
            "/v1beta/models/nick:streamGenerateContent?alt=sse",
            b"text/event-stream",
            STREAM + b'data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n',
        ),
        ("/model/nick/converse-stream", b"application/vnd.amazon.eventstream", FRAMES * 9),
    ],
)
async def test_streams_pass_byte_for_byte(
    path: str, kind: bytes, stream: bytes, size: int, tmp_path: Path
) -> None:
    pieces = [chunk(stream[at : at + size]) for at in range(0, len(stream), size)]
    script = always(chunked_head(kind), *pieces, b"0\r\n\r\n")
    async with (
        upstream(script) as fake,
        house(tmp_path, fake) as made,
        talking(made) as client,
    ):
        client.send(post(BODY, path=path))
        reply = await client.reply()
        assert reply.whole
        assert reply.body == stream
        assert reply.headers["content-type"] == kind.decode()


USAGE = [
    (
        "/v1/messages",
        b'event: message_start\ndata: {"message":{"usage":{"input_tokens":5,'
        b'"cache_read_input_tokens":2,"output_tokens":1}}}\n\n'
        + b"event: ping\n\n" * 500
        + b'event: message_delta\ndata: {"usage":{"output_tokens":9}}\n\n'
        + STOP,
        (7, 9, 2, 0),
    ),
    (
        "/v1/responses",
        b'event: response.completed\ndata: {"type":"response.completed","response":{"usage":'
        b'{"input_tokens":7,'
        b'"input_tokens_details":{"cached_tokens":3},"output_tokens":9,'
        b'"output_tokens_details":{"reasoning_tokens":4}},"user":null}}\n\n',
        (7, 9, 3, 4),
    ),
    (
        "/v1beta/models/nick:streamGenerateContent?alt=sse",
        b'data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":7,'
        b'"candidatesTokenCount":5,"thoughtsTokenCount":4}}\r\n\r\n',
        (7, 9, 0, 4),
    ),
    ("/model/nick/converse-stream", FRAMES, (5, 7, 0, 0)),
]


@pytest.mark.parametrize(("path", "stream", "tokens"), USAGE, ids=[path for path, _, _ in USAGE])
async def test_tokens_of_streams_are_counted(
    path: str, stream: bytes, tokens: tuple[int, int, int, int], tmp_path: Path
) -> None:
    pieces = [chunk(stream[at : at + 900]) for at in range(0, len(stream), 900)]
    async with (
        upstream(always(chunked_head(), *pieces, b"0\r\n\r\n")) as fake,
        house(tmp_path, fake) as made,
    ):
        async with talking(made) as client:
            client.send(post(BODY, path=path))
            assert (await client.reply()).whole
        (family,) = [f for f in made.workers[0].families() if f.name == "outrider_tokens_total"]
        (parts,) = [f for f in made.workers[0].families() if f.name == "outrider_token_parts_total"]
        key = ("models", "nick")
        assert family.samples[*key, "input"] == tokens[0]
        assert family.samples[*key, "output"] == tokens[1]
        assert parts.samples[*key, "input_cached"] == tokens[2]
        assert parts.samples[*key, "reasoning"] == tokens[3]


async def test_provider_without_an_api_that_cannot_be_translated_is_named(tmp_path: Path) -> None:
    async with (
        upstream() as fake,
        house(tmp_path, fake, "chat") as made,
        talking(made) as client,
    ):
        client.send(post(BODY, path="/v1/embeddings"))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (400, "untranslatable")
        assert b"embeddings" in reply.body
        assert not fake.requests


async def test_errors_of_a_provider_pass_as_they_are(tmp_path: Path) -> None:
    told = b'{"type":"error","error":{"type":"odd_error","message":"No."},"extra":1}'
    script = always(json_answer(told, "429 Too Many", b"retry-after: 7\r\n"))
    async with (
        upstream(script) as fake,
        house(tmp_path, fake) as made,
        talking(made) as client,
    ):
        client.send(post(BODY, path="/v1/messages"))
        reply = await client.reply()
        assert (reply.status, reply.body) == (429, told)
        assert reply.headers["retry-after"] == "7"
        assert "x-request-id" in reply.headers


async def test_thinking_that_another_protocols_provider_signed_does_not_reach_this_one(
    tmp_path: Path,
) -> None:
    foreign = {"type": "thinking", "thinking": "hm", "signature": "outrider.responses.rs_1.gAAA"}
    said = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [foreign, {"type": "text", "text": "a"}]},
        {"role": "user", "content": "and?"},
    ]
    asked = json.dumps({"messages": said, "max_tokens": 9, "model": "nick"}).encode()
    async with upstream() as fake, house(tmp_path, fake) as made, talking(made) as client:
        client.send(post(asked, path="/v1/messages"))
        assert (await client.reply()).status == 200
        got = json.loads(fake.requests[-1].body)
        assert got["model"] == "m-1"
        assert got["messages"][1]["content"] == [{"type": "text", "text": "a"}]
