"""The relay between a real client and a real upstream, byte for byte."""

import asyncio
import gc
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dataplane.runtime.config import Cluster, Endpoint, Limits, ModelTarget, Secret
from tests.support.gateway import gateway, model_config
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    COMPLETION,
    DONE,
    USAGE_EVENT,
    Close,
    Cut,
    Received,
    Script,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    in_chunks,
    in_turn,
    json_answer,
    upstream,
)
from tests.support.wait import until, until_still

ASK = b'{"model":"gpt","messages":[]}'
STREAMED = b'{"model":"gpt","stream":true}'
HELLO = event("hello")


async def test_answer_arrives_as_it_was_sent_with_our_request_id() -> None:
    extra = b"x-request-id: req_theirs\r\nopenai-version: 2020\r\nx-outrider-detail: lie\r\n"
    async with (
        upstream(always(json_answer(extra=extra))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK, headers=b"x-request-id: mine-1\r\n"))
        reply = await client.reply()
        assert reply.status == 200
        assert reply.body == COMPLETION
        assert reply.headers["x-request-id"] == "mine-1"
        assert reply.headers["openai-version"] == "2020"
        assert "x-outrider-detail" not in reply.headers
        record = gate.records[0]
        assert (record.status, record.detail) == (200, "via_upstream")
        assert (record.model, record.provider, record.route) == ("gpt", "openai/gpt", "m/openai")
        assert (record.input_tokens, record.output_tokens) == (112, 98)
        assert record.upstream_request_id == "req_theirs"
        assert record.endpoint == f"127.0.0.1:{fake.endpoint.port}"


async def test_upstream_gets_the_providers_key_and_nothing_that_is_for_us() -> None:
    headers = (
        b"authorization: Bearer sk-client\r\nx-api-key: sk-client\r\napi-key: sk-client\r\n"
        b"connection: keep-alive, x-hop\r\nx-hop: 1\r\nkeep-alive: 5\r\nte: trailers\r\n"
        b"proxy-authorization: x\r\nx-outrider-agent: a\r\nx-keep: 100%\r\naccept-encoding: br\r\n"
    )
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK, headers=headers))
        assert (await client.reply()).status == 200
        seen = fake.requests[0]
        assert seen.line == b"POST /v1/chat/completions HTTP/1.1"
        assert seen.header(b"authorization") == b"Bearer sk-provider"
        assert seen.header(b"host") == f"127.0.0.1:{fake.endpoint.port}".encode()
        assert seen.header(b"x-keep") == b"100%"
        assert seen.header(b"accept-encoding") == b"br"
        assert seen.header(b"content-length") == b"%d" % len(ASK)
        names = {name for name, _ in seen.headers}
        assert names == {
            *(b"host", b"x-keep", b"accept-encoding", b"authorization"),
            *(b"x-request-id", b"traceparent", b"content-length"),
        }


async def test_provider_headers_win_over_the_clients_and_over_the_key() -> None:
    own = (("X-Team", Secret("ours")), ("Authorization", Secret("Key 7")))
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint, provider={"headers": own})) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK, headers=b"x-team: theirs\r\n"))
        assert (await client.reply()).status == 200
        assert fake.requests[0].header(b"x-team") == b"ours"
        assert fake.requests[0].header(b"authorization") == b"Key 7"


async def test_passthrough_auth_forwards_the_clients_credential_in_the_providers_form() -> None:
    provider = {"passthrough_auth": True, "access_keys": ()}
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint, provider=provider)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK, headers=b"authorization: Bearer sk-client\r\nx-api-key: k\r\n"))
        assert (await client.reply()).status == 200
        assert fake.requests[0].header(b"authorization") == b"Bearer sk-client"
        assert fake.requests[0].header(b"x-api-key") is None


async def test_alias_is_replaced_and_no_other_byte() -> None:
    body = b'{ "messages" : [ {"model":"alias"} ],\n "model" : "alias" , "n":1.50 }'
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(body))
        assert (await client.reply()).status == 200
        assert fake.requests[0].body == body.replace(b'"alias" ,', b'"gpt" ,')


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        pytest.param(b'{"model":"nope"}', 404, "model_not_found", id="unknown"),
        pytest.param(b"{}", 400, "model_required", id="missing"),
        pytest.param(b'{"model":null}', 400, "model_required", id="null"),
        pytest.param(b'{"model":7}', 400, "invalid_body", id="number"),
        pytest.param(b'["gpt"]', 400, "invalid_body", id="array"),
        pytest.param(b'{"model":"gpt"', 400, "invalid_json", id="unfinished"),
        pytest.param(b"", 400, "invalid_json", id="empty"),
        pytest.param(b'{"a":' * 5000 + b"1" + b"}" * 5000, 400, "invalid_json", id="deep"),
        pytest.param(b'{"model":"gp\xfft"}', 400, "invalid_json", id="utf-8"),
    ],
)
async def test_bad_bodies_are_refused_and_the_connection_goes_on(
    body: bytes, status: int, detail: str
) -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(body))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (status, detail)
        assert json.loads(reply.body)["error"]["code"] == detail
        assert reply.headers["x-request-id"]
        client.send(post(ASK))
        assert (await client.reply()).status == 200


async def test_missing_model_goes_to_the_default_route() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint, default=True)) as gate,
        connected(gate.port) as client,
    ):
        for body, sent in (
            (b"{}", b'{"model":"gpt"}'),
            (b' {"n":1}', b' {"model":"gpt","n":1}'),
            (b'{"model": null}', b'{"model": "gpt"}'),
        ):
            client.send(post(body))
            assert (await client.reply()).status == 200
            assert fake.requests[-1].body == sent


SIZES = (10, 1_000, 100_000, 4_000_000)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [1, 7, 4096])
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_bodies_pass_byte_for_byte(size: int, piece: int, framing: str) -> None:
    if size // piece > 600_000:
        size = 600_000 * piece
    filler = (bytes(range(35, 91)) * (size // 56 + 1))[:size]
    body = b'{"model":"gpt","x":"%b"}' % filler
    asked = post(body)
    if framing == "chunked":
        asked = (
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n"
            + in_chunks(body, piece)
        )

    async def echo(received: Received) -> AsyncIterator[Step]:
        if framing == "length":
            yield json_answer(received.body)
        else:
            yield chunked_head(b"application/json") + in_chunks(received.body, piece)

    limits = Limits(max_body_bytes=8 << 20)
    async with (
        upstream(echo) as fake,
        gateway(model_config(fake.endpoint, limits=limits)) as gate,
        connected(gate.port, limit=1 << 24) as client,
    ):
        for at in range(0, len(asked), 1 << 20):
            client.send(asked[at : at + (1 << 20)])
        reply = await client.reply(20)
        assert reply.status == 200
        assert fake.requests[0].body == body
        assert reply.body == body
        assert reply.whole


async def test_stream_arrives_event_by_event_and_its_usage_is_read() -> None:
    gates = [asyncio.Event() for _ in range(3)]

    async def paced(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for at, gate_ in enumerate(gates):
            await gate_.wait()
            yield chunk(event(f"word {at}"))
        yield chunk(USAGE_EVENT) + chunk(DONE) + b"0\r\n\r\n"

    async with (
        upstream(paced) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(STREAMED))
        for at, gate_ in enumerate(gates):
            gate_.set()
            got = await client.reader.readuntil(b"\n\n\r\n")
            assert f"word {at}".encode() in got
        await client.reader.readuntil(b"0\r\n\r\n")
        await until(lambda: len(gate.records) == 1)
        record = gate.records[0]
        assert record.stream
        assert (record.input_tokens, record.output_tokens) == (112, 98)


async def test_client_that_leaves_stops_the_upstream() -> None:
    sent = 0

    async def endless(received: Received) -> AsyncIterator[Step]:
        nonlocal sent
        yield chunked_head()
        while True:
            sent += 1
            yield chunk(event("more"))
            await asyncio.sleep(0.001)

    async with upstream(endless) as fake, gateway(model_config(fake.endpoint)) as gate:
        async with connected(gate.port) as client:
            client.send(post(STREAMED))
            await client.reader.readuntil(b"\n\n")
        await until(lambda: fake.open == 0)
        await until(lambda: len(gate.records) == 1)
        assert gate.records[0].detail == "downstream_gone"
        assert gate.services.pool.open_connections == 0


async def test_client_that_leaves_while_we_dial_gets_nothing_sent() -> None:
    async with upstream() as fake, gateway(model_config(fake.endpoint)) as gate:
        async with connected(gate.port) as client:
            client.send(post(ASK))
        await until(lambda: bool(gate.records))
        await asyncio.sleep(0)
        assert gate.records[0].detail in ("downstream_gone", "via_upstream")


async def test_deadline_before_the_answer_is_a_504() -> None:
    async def silent(received: Received) -> AsyncIterator[Step]:
        await asyncio.Event().wait()
        yield b""

    async with (
        upstream(silent) as fake,
        gateway(model_config(fake.endpoint, timeout_s=0.1)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (504, "deadline_exceeded")
        await until(lambda: fake.open == 0)


async def test_deadline_in_the_middle_cuts_the_answer() -> None:
    async def stalls(received: Received) -> AsyncIterator[Step]:
        yield chunked_head() + chunk(event("one"))
        await asyncio.Event().wait()

    async with (
        upstream(stalls) as fake,
        gateway(model_config(fake.endpoint, timeout_s=0.7)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(STREAMED))
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, False)
        assert gate.records[0].detail == "deadline_exceeded"
        await until(lambda: fake.open == 0)


async def test_dial_of_an_attempt_that_is_over_says_nothing_about_the_next() -> None:
    async def slow(received: Received) -> AsyncIterator[Step]:
        await asyncio.sleep(0.5)  # past the end of the first dial
        yield json_answer()

    with full_socket() as deaf:
        async with upstream(slow) as fake:
            config = model_config(deaf, fake.endpoint, cluster={"connect_timeout_s": 0.3})
            retry = (("per_try_timeout_s", 0.1),)
            providers = config.providers
            (first,) = providers.values()
            hasty = replace(first, retry=retry)
            second = replace(first, name="second", cluster="d")
            route = config.listeners["m"].routes[0]
            route = replace(route, target=ModelTarget((hasty.name, second.name)))
            listener = replace(
                config.listeners["m"], routes=(route,), by_model=dict.fromkeys(["gpt"], route)
            )
            clusters = {
                "c": replace(config.clusters["c"], endpoints=(deaf,)),
                "d": Cluster("d", (fake.endpoint,)),
            }
            config = replace(
                config,
                listeners={"m": listener},
                providers={hasty.name: hasty, second.name: second},
                clusters=clusters,
            )
            async with gateway(config) as gate, connected(gate.port) as client:
                client.send(post(ASK))
                assert (await client.reply()).status == 200
                assert gate.records[0].attempts == 2
                assert len(fake.requests) == 1


@contextmanager
def full_socket() -> Iterator[Endpoint]:
    """An address whose connections are never made: its queue is full and nobody accepts."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        host, port = deaf.getsockname()
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, port))
            waiting.append(one)
        try:
            yield Endpoint(host, port)
        finally:
            for one in waiting:
                one.close()


async def test_a_thousand_requests_keep_one_connection() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(1000):
            client.send(post(ASK))
            assert (await client.reply()).status == 200
        assert fake.accepted == 1
        assert gate.services.pool.open_connections == 1
        counted = {f.name: f.samples for f in gate.services.metrics.families()}
        key = ("m", "openai/gpt", "2xx", "via_upstream")
        assert counted["outrider_requests_total"][key] == 1000


async def test_kept_connection_that_was_closed_is_replaced_once() -> None:
    silent = always(Close())
    async with (
        upstream(in_turn(always(json_answer()), silent, always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        assert [r.connection for r in fake.requests] == [0, 0, 1]
        assert gate.records[1].attempts == 2


async def test_fresh_connection_that_is_closed_is_tried_as_often_as_the_policy_says() -> None:
    async with (
        upstream(always(Close())) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (502, "upstream_reset")
        assert len(fake.requests) == 3
        assert gate.records[0].failures == ("openai/gpt: connection",) * 3


async def test_stale_connection_does_not_count_as_an_attempt_of_the_policy() -> None:
    async with (
        upstream(in_turn(always(json_answer()), always(Close()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        client.send(post(ASK))
        assert (await client.reply()).detail == "upstream_reset"
        assert len(fake.requests) == 1 + 1 + 3


async def test_dead_endpoint_is_passed_over() -> None:
    async with upstream() as fake:
        dead = Endpoint("127.0.0.1", 1)
        async with (
            gateway(model_config(dead, fake.endpoint)) as gate,
            connected(gate.port) as client,
        ):
            for _ in range(10):
                client.send(post(ASK))
                assert (await client.reply()).status == 200


async def test_no_connection_is_a_502_and_no_endpoint_a_503() -> None:
    for endpoints, status, detail in (
        ((Endpoint("127.0.0.1", 1),), 502, "upstream_connect_failed"),
        ((), 503, "no_usable_endpoint"),
    ):
        async with (
            gateway(model_config(*endpoints)) as gate,
            connected(gate.port) as client,
        ):
            client.send(post(ASK))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (status, detail)


async def test_second_provider_of_an_alias_answers_when_the_first_cannot_be_reached() -> None:
    async with upstream() as fake:
        config = model_config(Endpoint("127.0.0.1", 1))
        first = config.providers["openai/gpt"]
        second = replace(first, name="other/gpt", model="other", cluster="d")
        listener = config.listeners["m"]
        route = replace(
            listener.routes[0],
            target=ModelTarget((first.name, second.name)),
        )
        config = replace(
            config,
            clusters={
                **config.clusters,
                "d": replace(config.clusters["c"], name="d", endpoints=(fake.endpoint,)),
            },
            providers={first.name: first, second.name: second},
            listeners={"m": replace(listener, routes=(route,), by_model={"gpt": route})},
        )
        async with gateway(config) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            assert (await client.reply()).status == 200
            assert json.loads(fake.requests[0].body)["model"] == "other"
            assert gate.records[0].provider == "other/gpt"


BROKEN = {
    "both lengths": chunked_head(extra=b"content-length: 5\r\n") + b"0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    "obs-fold": b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nhi",
    "switch": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n",
    "two answers": json_answer() + json_answer(),
    "half a second answer": json_answer() + b"HTTP/1.1 2",
    "large head": b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"x: a\r\n" * 1000 + b"content-length: 0\r\n\r\n",
    "gzip framing": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "bad status": b"HTTP/1.1 999999 OK\r\ncontent-length: 0\r\n\r\n",
    "low status": b"HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n",
    "only interim": b"HTTP/1.1 103 Early\r\n\r\n" * 50,
    "bad chunk at once": chunked_head() + b"zz\r\n",
    "nul": b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n",
}


@pytest.mark.parametrize("shape", BROKEN)
async def test_hostile_answer_is_a_502_and_its_connection_is_dropped(shape: str) -> None:
    async with (
        upstream(always(BROKEN[shape])) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (502, "upstream_protocol_error")
        assert "a\0b" not in reply.body.decode()
        await until(lambda: fake.open == 0)
        assert gate.services.pool.open_connections == 0


BREAKS = [
    pytest.param([chunked_head() + chunk(HELLO), Close()], "upstream_truncated", id="chunks"),
    pytest.param([chunked_head() + chunk(HELLO), Cut()], "upstream_truncated", id="reset"),
    pytest.param(
        [
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n"
            + HELLO,
            Close(),
        ],
        "upstream_truncated",
        id="length",
    ),
    pytest.param(
        [chunked_head() + chunk(HELLO), b"zz\r\n"], "upstream_protocol_error", id="chunk size"
    ),
]


def stepwise(steps: list[Step]) -> Script:
    async def script(received: Received) -> AsyncIterator[Step]:
        for step in steps:
            yield step
            await asyncio.sleep(0.02)

    return script


@pytest.mark.parametrize(("steps", "detail"), BREAKS)
async def test_stream_that_breaks_off_is_cut_and_never_ends_cleanly(
    steps: list[Step], detail: str
) -> None:
    async with (
        upstream(stepwise(steps)) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(STREAMED))
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, False)
        told, last = reply.body[: len(HELLO)], reply.body[len(HELLO) :]
        assert told == HELLO
        assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == detail
        assert b"[DONE]" not in last
        assert gate.records[0].detail == detail


def sized_stream(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n%b" % (
        len(body),
        body,
    )


LEFT_OUT = b": outrider left out an event that was not JSON\n\n"
WORD = b'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n'
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("sent", "passed", "whole"),
    [
        pytest.param(WORD + STOP, WORD + STOP, True, id="whole"),
        pytest.param(
            WORD + b"data: {oops\n\n" + STOP, WORD + LEFT_OUT + STOP, True, id="an event is broken"
        ),
        pytest.param(WORD, WORD, False, id="it has no end"),
    ],
)
async def test_stream_of_a_known_length_is_judged_by_its_events(
    sent: bytes, passed: bytes, whole: bool
) -> None:
    async with (
        upstream(always(sized_stream(sent))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(STREAMED))
        reply = await client.reply()
        assert (reply.status, reply.whole) == (200, whole)
        assert reply.body.partition(b'data: {"error"')[0] == passed


@pytest.mark.parametrize(("steps", "detail"), BREAKS)
async def test_answer_that_is_not_streamed_is_whole_or_an_error(
    steps: list[Step], detail: str
) -> None:
    async with (
        upstream(in_turn(*[stepwise(steps)] * 3, always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (502, detail)
        assert len(fake.requests) == 3


async def test_interim_answers_trailers_and_extensions_are_not_passed_on() -> None:
    answer = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\ntransfer-encoding: chunked\r\n\r\n"
        b"5;ext=1\r\nhello\r\n0\r\nx-trailer: 1\r\n\r\n"
    )
    async with (
        upstream(always(answer)) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        for _ in range(2):
            client.send(post(ASK))
            got = await client.reader.readuntil(b"0\r\n\r\n")
            assert got.startswith(b"HTTP/1.1 200 OK\r\n")
            assert got.endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
            assert b"hop" not in got
            assert b"trailer" not in got
            assert b"link" not in got
        assert fake.accepted == 1


async def test_trailer_cannot_pass_for_a_header() -> None:
    # All in one read: llhttp tells of trailers as it does of headers.
    answer = chunked_head() + chunk(b"hello") + b"0\r\nset-cookie: a\r\n\r\n"
    async with (
        upstream(always(answer)) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.body, reply.whole) == (b"hello", True)
        assert "set-cookie" not in reply.headers


async def test_answer_that_ends_with_its_connection_is_whole() -> None:
    async with (
        upstream(always(b"HTTP/1.1 200 OK\r\n\r\nhello", Close())) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.body, reply.whole) == (200, b"hello", True)


async def test_reset_of_an_unframed_answer_is_no_clean_end() -> None:
    async with (
        upstream(always(b"HTTP/1.1 200 OK\r\n\r\nhello", Cut())) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        assert (await client.reply()).status == 502


async def test_http_1_0_client_gets_an_unframed_body_and_a_closed_connection() -> None:
    async with (
        upstream(always(chunked_head() + in_chunks(b"hello", 2))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK, version="1.0"))
        got = await client.everything()
        assert got.endswith(b"\r\n\r\nhello")
        assert b"transfer-encoding" not in got
        assert b"connection: close" in got


async def test_http_1_0_client_sees_a_reset_when_the_answer_breaks_off() -> None:
    async def breaks(received: Received) -> AsyncIterator[Step]:
        yield chunked_head() + chunk(HELLO)
        await asyncio.sleep(0.02)
        yield Cut()

    async with (
        upstream(breaks) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(STREAMED, version="1.0"))
        await client.reader.readuntil(HELLO)
        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_no_content_has_no_body() -> None:
    answers = (
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
    )
    for answer in answers:
        async with (
            upstream(always(answer)) as fake,
            gateway(model_config(fake.endpoint)) as gate,
            connected(gate.port) as client,
        ):
            for _ in range(2):
                client.send(post(ASK))
                reply = await client.reply()
                assert (reply.status, reply.body) == (int(answer[9:12]), b"")
                assert "transfer-encoding" not in reply.headers


async def test_fault_of_ours_is_a_500_that_leaves_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    faults = [RuntimeError("no chance")]

    def chance() -> float:
        if faults:
            raise faults.pop()
        return 0.5

    async with (
        upstream(always(json_answer())) as fake,
        upstream(always(json_answer())) as other,
        gateway(model_config(fake.endpoint, other.endpoint), chance=chance) as gate,
        connected(gate.port) as client,
        connected(gate.port) as next_one,
    ):
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.detail) == (500, "internal")
        assert gate.records[0].detail == "internal"
        next_one.send(post(ASK))
        assert (await next_one.reply()).status == 200
    assert "no chance" in caplog.text


async def test_flood_to_a_stalled_client_stays_bounded() -> None:
    piece = b"x" * 65536
    total = 100 * (1 << 20)

    async def flood(received: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for _ in range(total // len(piece)):
            yield chunk(piece)
        yield b"0\r\n\r\n"

    async with (
        upstream(flood) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port, limit=4096) as client,
    ):
        client.send(post(ASK))
        await client.reader.readuntil(b"\r\n\r\n")
        await until_still(lambda: fake.written)  # nobody takes any more
        assert fake.written < 20 * (1 << 20)
        got = 0
        while got < total:
            got += len(await client.reader.read(1 << 20))
        await until(lambda: bool(gate.records))
        assert gate.records[0].bytes_sent == total


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def echo(received: Received) -> AsyncIterator[Step]:
        if b"slow" in received.body:
            await asyncio.sleep(0.03)
        yield json_answer(received.body)

    bodies = [b'{"model":"gpt","n":"%b%d"}' % (b"slow" if n % 2 else b"", n) for n in range(6)]
    async with (
        upstream(echo) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(b"".join(map(post, bodies)) + b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        for body in bodies:
            assert (await client.reply()).body == body
        assert (await client.reply()).detail == "local"
        assert [r.body for r in fake.requests] == bodies


async def test_connection_that_a_slow_client_paused_serves_the_next_one() -> None:
    large = b'{"x":"' + b"a" * 3_000_000 + b'"}'
    async with (
        upstream(in_turn(always(json_answer(large)), always(json_answer()))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port, limit=4096) as slow,
        connected(gate.port) as other,
    ):
        slow.send(post(ASK))
        await slow.reader.readuntil(b"\r\n\r\n")
        await until(lambda: fake.written > 0)
        got = 0
        while got < len(large):
            got += len(await slow.reader.read(1 << 16))
        await until(lambda: bool(gate.records))
        other.send(post(ASK))
        assert (await other.reply()).status == 200
        assert fake.accepted == 1


async def test_connections_that_are_over_need_no_garbage_collector() -> None:
    def alive() -> int:
        kinds = ("Front", "MessageReader", "UpstreamConnection", "Relay", "Tally")
        return sum(type(it).__name__ in kinds for it in gc.get_objects())

    async with (
        upstream(always(json_answer(extra=b"connection: close\r\n"))) as fake,
        gateway(model_config(fake.endpoint)) as gate,
    ):
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                async with connected(gate.port) as client:
                    client.send(post(ASK))
                    assert (await client.reply()).status == 200
            host = next(iter(gate.listeners._open.values()))[1].host
            await until(lambda: not host.connections and not gate.services.pool.open_connections)
            await until(lambda: len(gate.records) == 20)
            await asyncio.sleep(0)
            assert alive() <= 2
        finally:
            gc.enable()
