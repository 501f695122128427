"""What a model listener answers by itself, in the shape of each API: errors, lists of models,
counts of tokens; and whose credentials go where.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.agents import replies, service
from tests.support.planes import planes
from tests.support.raw_client import RawClient, Reply, connected, post
from tests.support.spoken import SPOKEN
from tests.support.upstream import FakeUpstream, always, json_answer, upstream

HEAD = "version: v0.4.0\n"
PROVIDER = """\
  - model: house/{name}
    base_url: http://127.0.0.1:{port}/base
    apis: [{apis}]
    {more}
"""
LISTENER = "listeners:\n  - {type: model, name: models, address: 127.0.0.1, port: 0}\n"
KEY = "access_key: $HOUSE_KEY"


@asynccontextmanager
async def house(
    directory: Path,
    fake: FakeUpstream,
    apis: str = "chat",
    more: str = KEY,
    names: tuple[str, ...] = ("nick",),
    listener: str = LISTENER,
    head: str = "",
) -> AsyncIterator[RawClient]:
    port = fake.endpoint.port
    entries = [PROVIDER.format(name=n, port=port, apis=apis, more=more) for n in names]
    config = HEAD + head + "model_providers:\n" + "".join(entries) + listener
    environ = {"HOUSE_KEY": "sk-house", "OTHER_KEY": "sk-other"}
    async with (
        planes(config, directory, environ=environ) as made,
        connected(int(made.url("models").rpartition(":")[2])) as client,
    ):
        yield client


async def ask(client: RawClient, line: str, *headers: str) -> Reply:
    """A request without a body."""
    lines = "".join(f"{header}\r\n" for header in headers)
    client.send(f"{line} HTTP/1.1\r\nhost: g\r\n{lines}\r\n".encode())
    return await client.reply()


NOWHERE = [
    ("POST /v1/images", (), Protocol.CHAT),
    ("GET /v1/chat/completions", (), Protocol.CHAT),
    ("POST /v1/messages/batches", (), Protocol.MESSAGES),
    ("GET /v1/messages", (), Protocol.MESSAGES),
    ("GET /v1/files", ("anthropic-version: 2026-10-21",), Protocol.MESSAGES),
    ("POST /v1beta/models/nick:embedContent", (), Protocol.GEMINI),
    ("GET /v1beta/models/nick:generateContent", (), Protocol.GEMINI),
    ("POST /v1/models/nick:batchEmbedContents", (), Protocol.GEMINI),
    ("GET /v1/cachedContents", ("x-goog-api-client: a",), Protocol.GEMINI),
    ("POST /model/nick/invoke", (), Protocol.CONVERSE),
    ("GET /model/nick/converse", (), Protocol.CONVERSE),
    ("GET /v1/responses", (), Protocol.RESPONSES),
]


@pytest.mark.parametrize(("line", "headers", "speaks"), NOWHERE, ids=[n[0] for n in NOWHERE])
async def test_wrong_paths_and_methods_are_told_in_the_callers_words(
    line: str, headers: tuple[str, ...], speaks: Protocol, tmp_path: Path
) -> None:
    async with upstream() as fake, house(tmp_path, fake) as client:
        reply = await ask(client, line, *headers)
        known = line.endswith(("completions", "/messages", ":generateContent", "/converse"))
        known = known or line == "GET /v1/responses"
        assert reply.status == (405 if known else 404)
        assert ("allow" in reply.headers) == known
        check_error(speaks, reply)


def check_error(speaks: Protocol, reply: Reply) -> None:
    body = json.loads(reply.body)
    request_id = reply.headers["x-request-id"]
    match speaks:
        case Protocol.CHAT | Protocol.RESPONSES:
            assert set(body["error"]) == {"message", "type", "param", "code"}
            assert body["error"]["code"] == reply.detail
        case Protocol.MESSAGES:
            assert body["type"] == "error"
            assert "_" in body["error"]["type"]
            assert reply.headers["request-id"] == request_id
        case Protocol.GEMINI:
            assert body["error"]["code"] == reply.status
            assert body["error"]["status"].isupper()
        case Protocol.CONVERSE:
            assert "message" in body
            assert reply.headers["x-amzn-errortype"].endswith("Exception")
            assert reply.headers["x-amzn-requestid"] == request_id
    assert CODECS[speaks].read_error(reply.status, reply.body).message


@pytest.mark.parametrize("speaks", CODECS, ids=[p.value for p in CODECS])
async def test_unknown_models_are_told_in_the_clients_words(
    speaks: Protocol, tmp_path: Path
) -> None:
    spoken = SPOKEN[speaks]
    async with upstream() as fake, house(tmp_path, fake, names=("other",)) as client:
        client.send(post(spoken.body(), path=spoken.path))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (404, "model_not_found")
        check_error(speaks, reply)
        client.send(post(b"{", path=spoken.path.replace("nick", "house%2Fother")))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (400, "invalid_json")
        check_error(speaks, reply)


async def test_bad_bytes_after_a_message_of_an_api_are_told_in_its_words(tmp_path: Path) -> None:
    async with upstream() as fake, house(tmp_path, fake) as client:
        client.send(b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-length: 99999999\r\n\r\n")
        reply = await client.reply()
        assert (reply.status, reply.detail) == (413, "body_too_large")
        check_error(Protocol.MESSAGES, reply)


async def test_root_is_alive(tmp_path: Path) -> None:
    async with upstream() as fake, house(tmp_path, fake) as client:
        assert (await ask(client, "GET /")).status == 200
        client.send(b"HEAD / HTTP/1.1\r\nhost: g\r\n\r\n")
        head = await client.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_models_are_listed_in_the_callers_shape(tmp_path: Path) -> None:
    async with upstream() as fake, house(tmp_path, fake, names=("m-1", "m-2")) as client:

        async def get(path: str, *headers: str) -> Any:
            reply = await ask(client, f"GET {path}", *headers)
            assert reply.status == 200
            return json.loads(reply.body)

        openai = await get("/v1/models")
        assert [m["object"] for m in openai["data"]] == ["model", "model"]
        names = [m["id"] for m in openai["data"]]
        assert (await get(f"/v1/models/{names[0]}"))["id"] == names[0]
        anthropic = await get("/v1/models?limit=9", "anthropic-version: 2023-06-01")
        assert [m["type"] for m in anthropic["data"]] == ["model", "model"]
        assert (anthropic["first_id"], anthropic["last_id"]) == (names[0], names[1])
        google = await get("/v1beta/models")
        assert [m["name"] for m in google["models"]] == [f"models/{name}" for name in names]
        assert await get("/v1/models", "x-goog-api-key: k") == google
        quoted = names[1].replace("/", "%2F")
        one = await get(f"/v1beta/models/{quoted}")
        assert one["name"] == f"models/{names[1]}"


@pytest.mark.parametrize("speaks", [Protocol.MESSAGES, Protocol.GEMINI], ids=lambda p: p.value)
async def test_tokens_are_counted_for_providers_that_do_not(
    speaks: Protocol, tmp_path: Path
) -> None:
    if speaks not in CODECS:
        pytest.skip("not there yet")
    async with upstream() as fake, house(tmp_path, fake) as client:
        if speaks is Protocol.MESSAGES:
            asked = SPOKEN[speaks].request.copy()
            del asked["max_tokens"]
            client.send(post(json.dumps(asked).encode(), path="/v1/messages/count_tokens"))
            key = "input_tokens"
        else:
            path = "/v1beta/models/nick:countTokens"
            client.send(post(SPOKEN[speaks].body(), path=path))
            key = "totalTokens"
        reply = await client.reply()
        assert reply.status == 200, reply.body
        told = json.loads(reply.body)
        assert list(told) == [key]
        assert 5 <= told[key] <= 15
        assert not fake.requests


CREDENTIALS = [
    ("bearer", "authorization: Bearer sk-client", ""),
    ("x-api-key", "x-api-key: sk-client", ""),
    ("api-key", "api-key: sk-client", ""),
    ("google", "x-goog-api-key: sk-client", ""),
    ("query", "x-other: 1", "key=sk-client"),
]
SHOWN = [
    ("chat", b"authorization", b"Bearer %b"),
    ("messages", b"x-api-key", b"%b"),
    ("generate_content", b"x-goog-api-key", b"%b"),
]
ALSO = "cookie: sk-client\r\nx-amz-security-token: sk-client\r\nx-amz-date: 2026"


def one_request(fake: FakeUpstream) -> list[tuple[bytes, bytes]]:
    (seen,) = fake.requests
    assert b"sk-client" not in seen.line
    return seen.headers


@pytest.mark.parametrize(("form", "header", "query"), CREDENTIALS, ids=[c[0] for c in CREDENTIALS])
@pytest.mark.parametrize(("api", "name", "shown"), SHOWN, ids=[s[0] for s in SHOWN])
@pytest.mark.parametrize("passes", [False, True], ids=["ours", "passthrough"])
async def test_credentials_are_ours_or_the_clients_in_the_providers_form(
    form: str,
    header: str,
    query: str,
    api: str,
    name: bytes,
    shown: bytes,
    passes: bool,
    tmp_path: Path,
) -> None:
    speaks = next(p for p, spoken in SPOKEN.items() if spoken.api == api)
    spoken = SPOKEN[speaks]
    more = "passthrough_auth: true" if passes else KEY
    script = always(json_answer(spoken.answer))
    async with upstream(script) as fake, house(tmp_path, fake, api, more) as client:
        path = spoken.path + (f"?{query}" if query else "")
        client.send(post(spoken.body(), path=path, headers=f"{header}\r\n{ALSO}\r\n".encode()))
        assert (await client.reply()).status == 200
        headers = one_request(fake)
        key = b"sk-client" if passes else b"sk-house"
        assert [value for sent, value in headers if sent == name] == [shown % key]
        everything = b"\n".join(value for _, value in headers)
        assert everything.count(b"sk-client") == (1 if passes else 0)


async def test_signature_of_aws_is_of_no_use_to_others(tmp_path: Path) -> None:
    signed = b"authorization: AWS4-HMAC-SHA256 Credential=a, Signature=b\r\n"
    more = "passthrough_auth: true"
    async with upstream() as fake, house(tmp_path, fake, "chat", more) as client:
        client.send(post(SPOKEN[Protocol.CHAT].body(), headers=signed))
        assert (await client.reply()).status == 200
        assert all(name != b"authorization" for name, _ in one_request(fake))


async def test_clients_own_version_wins_and_others_get_the_usual_one(tmp_path: Path) -> None:
    spoken = SPOKEN[Protocol.MESSAGES]
    script = always(json_answer(spoken.answer))
    async with upstream(script) as fake, house(tmp_path, fake, "messages") as client:
        headers = b"anthropic-version: 2026-10-21\r\nanthropic-beta: a,b\r\n"
        client.send(post(spoken.body(), path=spoken.path, headers=headers))
        assert (await client.reply()).status == 200
        client.send(post(spoken.body(), path=spoken.path))
        assert (await client.reply()).status == 200
        first, second = fake.requests
        assert first.header(b"anthropic-version") == b"2026-10-21"
        assert first.header(b"anthropic-beta") == b"a,b"
        assert second.header(b"anthropic-version") == b"2023-06-01"


async def test_limited_key_gives_way_to_the_next(tmp_path: Path) -> None:
    more = "access_keys: [$HOUSE_KEY, $OTHER_KEY]"
    limited = always(json_answer(b"{}", "429 Slow", b"retry-after: 60\r\n"))
    async with upstream(limited) as fake, house(tmp_path, fake, "chat", more) as client:
        for _ in range(2):
            client.send(post(SPOKEN[Protocol.CHAT].body()))
            assert (await client.reply()).status == 429
        fake.script = always(json_answer())
        for _ in range(2):
            client.send(post(SPOKEN[Protocol.CHAT].body()))
            assert (await client.reply()).status == 200
        used = [request.header(b"authorization") for request in fake.requests]
        assert set(used[:2]) == {b"Bearer sk-house", b"Bearer sk-other"}


async def test_filter_reads_the_clients_own_protocol(tmp_path: Path) -> None:
    spoken, theirs = SPOKEN[Protocol.MESSAGES], SPOKEN[Protocol.CHAT]
    masked = json.loads(json.dumps(spoken.request).replace("Weather?", "***"))
    async with (
        upstream(always(json_answer(theirs.answer))) as fake,
        service(replies(200, masked)) as guard,
    ):
        head = f"filters:\n  - {{id: guard, type: http, url: '{guard.url}/check'}}\n"
        listener = LISTENER.replace("port: 0}", "port: 0, input_filters: [guard]}")
        async with house(tmp_path, fake, listener=listener, head=head) as client:
            client.send(post(spoken.body(), path=spoken.path))
            reply = await client.reply()
            assert reply.status == 200, reply.body
            assert json.loads(reply.body)["type"] == "message"
            (checked,) = guard.received
            assert checked.path == "/check/v1/messages"
            assert checked.body == spoken.request
            assert b"***" in fake.requests[0].body
            assert b"Weather" not in fake.requests[0].body


async def test_google_stream_without_sse_is_one_json_array(tmp_path: Path) -> None:
    if Protocol.GEMINI not in CODECS:
        pytest.skip("not there yet")
    spoken = SPOKEN[Protocol.GEMINI]
    script = always(json_answer(SPOKEN[Protocol.CHAT].answer))
    async with upstream(script) as fake, house(tmp_path, fake) as client:
        client.send(post(spoken.body(), path="/v1beta/models/nick:streamGenerateContent"))
        reply = await client.reply()
        assert reply.headers["content-type"] == "application/json"
        texts = [
            part.get("text", "")
            for piece in json.loads(reply.body)
            for candidate in piece.get("candidates", [])
            for part in candidate.get("content", {}).get("parts", [])
        ]
        assert "".join(texts) == "Rain in Oslo."
