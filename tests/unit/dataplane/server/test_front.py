"""What clients may send: the hostile shapes, the limits and the routes of our own."""

import asyncio
import json

import pytest

from dataplane.runtime.config import Endpoint, Limits
from tests.support.gateway import gateway, model_config
from tests.support.raw_client import connected, post
from tests.support.upstream import always, json_answer, upstream
from tests.support.wait import until

ASK = b'{"model":"gpt","messages":[]}'
N = b"%d" % len(ASK)
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
HEAD = LINE + b"host: g\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
HEX = b"%x" % len(ASK)

# Each is a whole request as far as its sender is concerned; none of them may get to an upstream.
REFUSED = {
    "same length twice": HEAD
    + b"content-length: "
    + N
    + b"\r\ncontent-length: "
    + N
    + b"\r\n\r\n"
    + ASK,
    "two lengths": HEAD + b"content-length: " + N + b"\r\ncontent-length: 5\r\n\r\n" + ASK,
    "length list": HEAD + b"content-length: " + N + b", " + N + b"\r\n\r\n" + ASK,
    "length +": HEAD + b"content-length: +" + N + b"\r\n\r\n" + ASK,
    "length hex": HEAD + b"content-length: 0x17\r\n\r\n" + ASK,
    "length overflow": HEAD + b"content-length: 99999999999999999999999\r\n\r\n" + ASK,
    "length negative": HEAD + b"content-length: -1\r\n\r\n" + ASK,
    "length empty": HEAD + b"content-length: \r\n\r\n" + ASK,
    "length then chunked": HEAD
    + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked then length": HEAD
    + b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD
    + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "gzip, chunked": HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, chunked": HEAD + b"transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "xchunked": HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    "identity": HEAD + b"transfer-encoding: identity\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "chunked VT": HEAD + b"transfer-encoding: chunked\x0b\r\n\r\n0\r\n\r\n",
    "TE in 1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + HEX + b"\r\n" + ASK + b"\r\n0\r\n\r\n",
    "space before colon": HEAD + b"x : a\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "space before colon of length": HEAD + b"content-length : " + N + b"\r\n\r\n" + ASK,
    "obs-fold": HEAD + b"x: a\r\n b\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "fold at once": LINE + b" host: g\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "bare LF": HEAD.replace(b"\r\n", b"\n") + b"content-length: " + N + b"\n\n" + ASK,
    "bare LF after one header": HEAD + b"x: a\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "bare CR": HEAD + b"x: a\rb: c\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "NUL in a value": HEAD + b"x: a\0b\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "NUL in a name": HEAD + b"x\0: a\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "0x01 in a value": HEAD + b"x: a\x01b\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "chunk size 0x": CHUNKED + b"0x17\r\n" + ASK + b"\r\n0\r\n\r\n",
    "chunk size with space": CHUNKED + HEX + b" \r\n" + ASK + b"\r\n0\r\n\r\n",
    "chunk size overflow": CHUNKED + b"fffffffffffffffff\r\n" + ASK + b"\r\n0\r\n\r\n",
    "chunk size negative": CHUNKED + b"-1\r\n" + ASK + b"\r\n0\r\n\r\n",
    "chunk without CRLF": CHUNKED + HEX + b"\r\n" + ASK + b"0\r\n\r\n",
    "chunk with LF only": CHUNKED + HEX + b"\n" + ASK + b"\n0\n\n",
    "large chunk extension": CHUNKED
    + HEX
    + b";"
    + b"a" * 20_000
    + b"\r\n"
    + ASK
    + b"\r\n0\r\n\r\n",
    "large trailers": CHUNKED
    + HEX
    + b"\r\n"
    + ASK
    + b"\r\n0\r\n"
    + (b"x: " + b"a" * 4000 + b"\r\n") * 5
    + b"\r\n",
    "missing host": LINE + b"content-length: " + N + b"\r\n\r\n" + ASK,
    "two hosts": HEAD + b"host: h\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "header without name": HEAD + b": a\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "name with a bracket": HEAD + b"x[]: a\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "name with a high byte": HEAD + b"x\xe9: a\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "no colon": HEAD + b"nothing\r\ncontent-length: " + N + b"\r\n\r\n" + ASK,
    "200 headers": HEAD + b"x: a\r\n" * 200 + b"content-length: " + N + b"\r\n\r\n" + ASK,
    "bad bytes in the path": b"POST /v1/\x01 HTTP/1.1\r\nhost: g\r\ncontent-length: 0\r\n\r\n",
    "space in the path": b"POST /v1/chat x HTTP/1.1\r\nhost: g\r\n\r\n",
    "two content types": HEAD
    + b"content-type: a/b\r\ncontent-type: c/d\r\ncontent-length: "
    + N
    + b"\r\n\r\n"
    + ASK,
    "HTTP/2.0 line": HEAD.replace(b"1.1", b"2.0") + b"content-length: " + N + b"\r\n\r\n" + ASK,
    "HTTP/1.2 line": HEAD.replace(b"1.1", b"1.2") + b"content-length: " + N + b"\r\n\r\n" + ASK,
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "absolute target": HEAD.replace(b"/v1/", b"http://g/v1/")
    + b"content-length: "
    + N
    + b"\r\n\r\n"
    + ASK,
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100,
    "unknown method": b"BREW /v1/chat/completions HTTP/1.1\r\nhost: g\r\n\r\n",
    "words": b"hello there, is this a proxy?\r\n\r\n",
}


@pytest.mark.parametrize("shape", REFUSED)
@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "split"])
async def test_hostile_request_is_a_400_and_ends_the_connection(shape: str, bytewise: bool) -> None:
    data = REFUSED[shape]
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        if bytewise:
            step = 1 if len(data) < 600 else 97
            for at in range(0, len(data), step):
                client.send(data[at : at + step])
                await asyncio.sleep(0)
        else:
            client.send(data + post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (400, "bad_request")
        assert reply.headers["connection"] == "close"
        assert reply.headers["x-request-id"]
        assert json.loads(reply.body)["error"]["code"] == "bad_request"
        assert await client.closed()
        assert fake.requests == []
        assert gate.records[-1].detail == "bad_request"


@pytest.mark.parametrize(
    ("data", "status", "detail"),
    [
        pytest.param(
            b"CONNECT g:443 HTTP/1.1\r\nhost: g\r\n\r\n", 405, "method_not_allowed", id="c"
        ),
        pytest.param(
            HEAD + b"expect: tea\r\ncontent-length: 0\r\n\r\n", 417, "bad_request", id="expect"
        ),
        pytest.param(HEAD + b"x: " + b"a" * 9_000, 431, "headers_too_large", id="9 KB header"),
        pytest.param(HEAD + b"x: " + b"a" * 70_000, 431, "headers_too_large", id="70 KB header"),
        pytest.param(
            HEAD + b"".join(b"x%d: %b\r\n" % (n, b"a" * 500) for n in range(20)),
            431,
            "headers_too_large",
            id="many middling headers",
        ),
        pytest.param(
            HEAD
            + b"".join(b"x%d: %b\r\n" % (n, b"a" * 500) for n in range(20))
            + b"content-length: 0\r\n\r\n",
            431,
            "headers_too_large",
            id="whole large head",
        ),
        pytest.param(
            b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n", 431, "headers_too_large", id="target"
        ),
        pytest.param(HEAD + b"content-length: 2000\r\n\r\n", 413, "body_too_large", id="length"),
        pytest.param(post(b"a" * 2000), 413, "body_too_large", id="whole body"),
        pytest.param(
            CHUNKED + b"400\r\n" + b"a" * 1024 + b"\r\n400\r\n" + b"a" * 500,
            413,
            "body_too_large",
            id="chunks",
        ),
    ],
)
async def test_limits_answer_in_the_error_body_and_close(
    data: bytes, status: int, detail: str
) -> None:
    limits = Limits(max_header_bytes=8192, max_body_bytes=1024)
    async with (
        gateway(model_config(limits=limits)) as gate,
        connected(gate.port) as client,
    ):
        client.send(data)
        reply = await client.reply()
        assert (reply.status, reply.detail) == (status, detail)
        assert json.loads(reply.body)["error"]["code"] == detail
        assert await client.closed()


async def test_client_that_goes_on_sending_still_sees_why_it_was_refused() -> None:
    async with (
        gateway(model_config(limits=Limits(max_body_bytes=1024))) as gate,
        connected(gate.port) as client,
    ):
        client.send(HEAD + b"content-length: 5000000\r\n\r\n")
        for _ in range(50):
            client.send(b"a" * 100_000)
            await asyncio.sleep(0)
        assert (await client.reply()).status == 413


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(post(ASK), id="plain"),
        pytest.param(b"\r\n" + post(ASK), id="leading CRLF"),
        pytest.param(CHUNKED + HEX + b"\r\n" + ASK + b"\r\n0\r\n\r\n", id="chunked"),
        pytest.param(CHUNKED + HEX + b";a=b\r\n" + ASK + b"\r\n0\r\nx: y\r\n\r\n", id="extension"),
        pytest.param(
            HEAD + b"Transfer-Encoding: Chunked\r\n\r\n" + HEX + b"\r\n" + ASK + b"\r\n0\r\n\r\n",
            id="capital letters",
        ),
        pytest.param(post(ASK, headers=b"x: \xc3\xa9 100%\r\ny:\t a \t\r\n"), id="odd values"),
        pytest.param(post(ASK, path="/v1/chat/completions?a=1"), id="query"),
        pytest.param(post(ASK, headers=b"upgrade: h2c\r\nconnection: upgrade\r\n"), id="upgrade"),
        pytest.param(post(ASK, headers=b"content-encoding: identity\r\n"), id="identity"),
        pytest.param(post(ASK, version="1.0"), id="1.0"),
        pytest.param(
            post(ASK, headers=b"upgrade: websocket\r\nconnection: upgrade\r\n"), id="websocket"
        ),
    ],
)
@pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "split"])
async def test_honest_request_passes(data: bytes, bytewise: bool) -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        if bytewise:
            for at in range(len(data)):
                client.send(data[at : at + 1])
                await asyncio.sleep(0)
        else:
            client.send(data)
        assert (await client.reply()).status == 200
        assert fake.requests[0].body == ASK


async def test_compressed_body_is_a_415() -> None:
    async with gateway(model_config()) as gate, connected(gate.port) as client:
        client.send(post(b"\x1f\x8b", headers=b"content-encoding: gzip\r\n"))
        assert (await client.reply()).status == 415


async def test_trailer_does_not_get_into_the_next_request() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        first = CHUNKED + HEX + b"\r\n" + ASK + b"\r\n0\r\nx-evil: 1\r\n\r\n"
        client.send(first + post(ASK))
        assert (await client.reply()).status == 200
        assert (await client.reply()).status == 200
        assert [received.body for received in fake.requests] == [ASK, ASK]
        assert not any(received.header(b"x-evil") for received in fake.requests)


async def test_good_request_is_answered_before_the_bad_one_behind_it() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK) + b"\0\0\0\0")
        assert (await client.reply()).status == 200
        assert (await client.reply()).status == 400
        assert await client.closed()


async def test_expect_is_answered_before_the_body() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(HEAD + b"expect: 100-continue\r\ncontent-length: " + N + b"\r\n\r\n")
        got = await client.reader.readuntil(b"\r\n\r\n")
        assert got == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.send(ASK)
        assert (await client.reply()).status == 200
        assert fake.requests[0].header(b"expect") is None


async def test_no_continue_for_a_body_that_will_be_refused() -> None:
    async with (
        gateway(model_config(limits=Limits(max_body_bytes=10))) as gate,
        connected(gate.port) as client,
    ):
        client.send(HEAD + b"expect: 100-continue\r\ncontent-length: 11\r\n\r\n")
        assert (await client.everything()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"POST /v1", id="line"),
        pytest.param(HEAD, id="head"),
        pytest.param(HEAD + b"content-length: 10\r\n\r\n{", id="body"),
        pytest.param(CHUNKED + b"5\r\n{", id="chunk"),
    ],
)
async def test_slow_request_is_a_408(start: bytes) -> None:
    limits = Limits(receive_timeout_s=0.1)
    async with gateway(model_config(limits=limits)) as gate, connected(gate.port) as client:
        client.send(start)
        reply = await client.reply()
        assert (reply.status, reply.detail) == (408, "receive_timeout")
        assert await client.closed()


async def test_trickling_does_not_put_the_timeout_off() -> None:
    limits = Limits(receive_timeout_s=0.15)
    async with gateway(model_config(limits=limits)) as gate, connected(gate.port) as client:
        replied = asyncio.ensure_future(client.reply())
        client.send(HEAD)
        while not replied.done():
            client.send(b"x: a\r\n")
            await asyncio.sleep(0.01)
        assert replied.result().status == 408


async def test_idle_connection_is_closed_without_a_word() -> None:
    limits = Limits(idle_timeout_s=0.1)
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint, limits=limits)) as gate,
        connected(gate.port) as fresh,
        connected(gate.port) as used,
    ):
        used.send(post(ASK))
        assert (await used.reply()).status == 200
        assert await fresh.closed()
        assert await used.closed()


async def test_one_request_too_many_is_a_503() -> None:
    hold = asyncio.Event()

    async def waits(received: object):  # type: ignore[no-untyped-def]
        await hold.wait()
        yield json_answer()

    async with (
        upstream(waits) as fake,
        gateway(model_config(fake.endpoint, limits=Limits(max_requests=1))) as gate,
        connected(gate.port) as first,
        connected(gate.port) as second,
    ):
        first.send(post(ASK))
        await until(lambda: len(fake.requests) == 1)
        second.send(post(ASK))
        reply = await second.reply()
        assert (reply.status, reply.detail) == (503, "overloaded")
        assert reply.headers["retry-after"] == "1"
        hold.set()
        assert (await first.reply()).status == 200
        second.send(post(ASK))
        assert (await second.reply()).status == 200


@pytest.mark.parametrize(
    ("line", "status", "detail"),
    [
        ("GET /healthz", 200, "local"),
        ("POST /healthz", 405, "method_not_allowed"),
        ("GET /v1/models", 200, "local"),
        ("GET /v1/models/openai/gpt", 200, "local"),
        ("GET /v1/models/openai%2Fgpt", 200, "local"),
        ("GET /v1/models/nope", 404, "model_not_found"),
        ("DELETE /v1/models", 405, "method_not_allowed"),
        ("GET /v1/chat/completions", 405, "method_not_allowed"),
        ("OPTIONS /v1/chat/completions", 405, "method_not_allowed"),
        ("OPTIONS *", 404, "route_not_found"),
        ("GET /", 200, "local"),
        ("GET /v1/chat/completions/", 404, "route_not_found"),
        ("POST /v1/embeddings", 400, "invalid_json"),
        ("POST /v1/images", 404, "route_not_found"),
    ],
)
async def test_routes_of_our_own(line: str, status: int, detail: str) -> None:
    async with (
        gateway(model_config(Endpoint("127.0.0.1", 1))) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(2):
            client.send(f"{line} HTTP/1.1\r\nhost: g\r\n\r\n".encode())
            reply = await client.reply()
            assert (reply.status, reply.detail) == (status, detail)
            assert ("allow" in reply.headers) == (status == 405)
            assert reply.headers["x-request-id"]


async def test_head_has_the_length_and_no_body() -> None:
    async with gateway(model_config()) as gate, connected(gate.port) as client:
        client.send(b"HEAD /healthz HTTP/1.1\r\nhost: g\r\nconnection: close\r\n\r\n")
        got = await client.everything()
        assert b"content-length: 15\r\n" in got
        assert got.endswith(b"\r\n\r\n")


async def test_a_long_pipeline_of_small_requests_is_answered_whole() -> None:
    async with gateway(model_config()) as gate, connected(gate.port) as client:
        client.send(b"GET /healthz HTTP/1.1\r\nhost: g\r\n\r\n" * 1000)
        for _ in range(1000):
            assert (await client.reply()).status == 200


async def test_request_behind_a_running_one_waits_outside_when_it_is_large() -> None:
    hold = asyncio.Event()

    async def waits(received: object):  # type: ignore[no-untyped-def]
        await hold.wait()
        yield json_answer()

    async with (
        upstream(waits) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        large = b'{"model":"gpt","x":"' + b"a" * 1_000_000 + b'"}'
        client.send(post(ASK) + post(large) + post(ASK))
        await until(lambda: len(fake.requests) == 1)
        hold.set()
        for _ in range(3):
            assert (await client.reply()).status == 200
        assert [len(r.body) for r in fake.requests] == [len(ASK), len(large), len(ASK)]


async def test_nothing_a_client_sends_makes_an_error_of_ours_without_a_word() -> None:
    async with (
        upstream(always(json_answer())) as fake,
        gateway(model_config(fake.endpoint)) as gate,
    ):
        for shape in REFUSED.values():
            async with connected(gate.port) as client:
                client.send(shape)
                await client.everything()
        assert {record.status for record in gate.records} == {400}
        await until(lambda: not gate.services.wheel._home)


async def test_fault_of_ours_is_a_500_and_ends_only_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as first,
        connected(gate.port) as second,
    ):
        ((_, sock),) = gate.listeners._open.values()
        serving = sock.host.serving
        serving.lanes[0]["gpt"] = (None,)  # type: ignore[assignment]
        first.send(post(ASK))
        reply = await first.reply()
        assert (reply.status, reply.detail) == (500, "internal")
        assert await first.closed()
        assert "failed" in caplog.text
        serving.lanes[0].clear()
        second.send(post(ASK))
        assert (await second.reply()).status == 200
        assert sock.host.active == 0
