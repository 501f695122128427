"""Whatever a client sends: no hang, no leak, no error of ours without a word, nothing smuggled."""

import asyncio
import re
from collections.abc import Callable

import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataplane.runtime.config import Limits
from tests.support.gateway import Gateway, gateway, model_config
from tests.support.raw_client import connected, post
from tests.support.upstream import FakeUpstream, upstream
from tests.support.wait import until

ASK = b'{"model":"gpt","messages":[]}'
LIMITS = Limits(
    max_header_bytes=4096, max_body_bytes=4096, receive_timeout_s=0.15, idle_timeout_s=0.15
)
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")

line = st.sampled_from(
    [
        b"POST /v1/chat/completions HTTP/1.1\r\n",
        b"POST /v1/chat/completions HTTP/1.0\r\n",
        b"GET /v1/models HTTP/1.1\r\n",
        b"GET http://x/ HTTP/1.1\r\n",
        b"CONNECT x:1 HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"POST / HTTP/1.1\n",
    ]
)
header = st.sampled_from(
    [
        b"host: g\r\n",
        b"host: g\r\n",
        b"host: g\r\n",
        b"content-length: %d\r\n" % len(ASK),
        b"content-length: %d\r\n" % len(ASK),
        b"content-length: 0\r\n",
        b"content-length: 5\r\n",
        b"Content-Length: +5\r\n",
        b"content-length: 99999999999999999999\r\n",
        b"transfer-encoding: chunked\r\n",
        b"Transfer-Encoding:\tchunked\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b"transfer-encoding : chunked\r\n",
        b"connection: close\r\n",
        b"connection: keep-alive, content-length\r\n",
        b"connection: upgrade\r\nupgrade: websocket\r\n",
        b"expect: 100-continue\r\n",
        b"x: a\r\n b\r\n",
        b"x: a\nb: c\r\n",
        b"x: " + b"a" * 5000 + b"\r\n",
        b"traceparent: 00-\xff\r\n",
        b"x-request-id: a b\r\n",
        b"content-encoding: gzip\r\n",
    ]
)
body = st.one_of(
    st.sampled_from(
        [
            ASK,
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASK), ASK),
            b"%x;a=b\r\n%b\r\n0\r\nt: 1\r\n\r\n" % (len(ASK), ASK),
            b"0\r\n\r\n",
            b"ffffffffffffffffff\r\n",
            post(ASK),
            b'{"model":"gpt","model":"nope"}',
            b"a" * 6000,
        ]
    ),
    st.binary(max_size=60),
)
message = st.builds(
    lambda first, headers, end, rest: first + b"".join(headers) + end + rest,
    line,
    st.lists(header, max_size=6),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b""]),
    body,
)
stream = st.one_of(
    st.binary(max_size=200),
    st.lists(message, min_size=1, max_size=3).map(b"".join),
    st.lists(st.one_of(message, st.just(post(ASK))), min_size=1, max_size=4).map(b"".join),
)


def in_gateway(check: Callable[[FakeUpstream, Gateway], "asyncio.Future[None]"]) -> None:
    async def run() -> None:
        async with upstream() as fake, gateway(model_config(fake.endpoint, limits=LIMITS)) as gate:
            await check(fake, gate)

    uvloop.run(run())


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(stream, st.integers(1, 400)), min_size=5, max_size=5))
def test_any_bytes_end_in_answers_with_a_reason(streams: list[tuple[bytes, int]]) -> None:
    async def check(fake: FakeUpstream, gate: Gateway) -> None:
        async def one(data: bytes, step: int) -> None:
            async with connected(gate.port) as client:
                for at in range(0, len(data), step):
                    if client.writer.transport.is_closing():
                        break
                    client.send(data[at : at + step])
                    await asyncio.sleep(0)
                answer = await client.everything()
            statuses = [int(found) for found in STATUS.findall(answer)]
            assert all(status < 500 for status in statuses if status != 503)
            heads = answer.split(b"\r\n\r\n")
            for head in heads:
                if head.startswith(b"HTTP/1.1 ") and not head.startswith(b"HTTP/1.1 1"):
                    assert b"x-request-id: " in head
                    if not head.startswith(b"HTTP/1.1 200"):
                        assert b"x-outrider-detail: " in head

        await asyncio.gather(*(one(data, step) for data, step in streams))
        await until(lambda: not next(iter(gate.listeners._open.values()))[1].host.connections)
        for received in fake.requests:
            # nothing but a chat request for a model that the client may use gets through
            assert received.line == b"POST /v1/chat/completions HTTP/1.1"
            assert received.body.count(b'"model"') == 1
            assert b'"model":"gpt"' in received.body
        assert sum(e.active for state in gate.services.clusters for e in state.endpoints) == 0

    in_gateway(check)  # type: ignore[arg-type]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 150), max_size=30))
def test_how_bytes_are_cut_changes_nothing(cuts: list[int]) -> None:
    """A plain, a chunked and a refused request in one stream, cut anywhere."""
    chunked = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: g\r\ntransfer-encoding: chunked\r\n\r\n"
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASK), ASK)
    )
    lines = b'{"model":"gpt",\r\n\r\n"n":1}\r\n\r\n'
    get = b"GET /healthz HTTP/1.1\r\nhost: g\r\n\r\n"
    data = post(ASK) + post(lines) + post(b"{}") + b"\r\n" + get + post(lines) + chunked

    async def check(fake: FakeUpstream, gate: Gateway) -> None:
        async with connected(gate.port) as client:
            at = 0
            for cut in cuts:
                client.send(data[at : at + cut])
                at += cut
                await asyncio.sleep(0)
            client.send(data[at:])
            for status in (200, 200, 400, 200, 200, 200):
                assert (await client.reply()).status == status
        assert [received.body for received in fake.requests] == [ASK, lines, lines, ASK]

    in_gateway(check)  # type: ignore[arg-type]
