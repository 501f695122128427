import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from socket import SO_LINGER, SOL_SOCKET

import pytest

from dataplane.runtime.cluster import Balancing, CircuitBreakers, PolicyKind, Thresholds
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail
from dataplane.upstream.attempt import MAX_KEPT_BYTES
from dataplane.upstream.client import UpstreamClient
from dataplane.upstream.errors import UpstreamError
from tests.support.clusters import connected
from tests.support.raw_server import raw_server, read_request

REQUEST = Request("POST", "/v1/a%20b", (("X-One", "1"), ("content-type", "a/b")), b"hi", "q=%41")
DEAD = Endpoint("127.0.0.1", 1)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Two: 2\r\n\r\nyo"


@pytest.fixture
async def client() -> AsyncIterator[UpstreamClient]:
    async with connected(lambda: 0.0) as (client, _known):
        yield client


def cluster(*endpoints: Endpoint, **more: object) -> Cluster:
    return Cluster("agent:a", endpoints, **more)  # type: ignore[arg-type] # a test's shorthand


async def test_request_is_sent_as_it_is_and_nothing_is_added(client: UpstreamClient) -> None:
    heads = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        head, body = await read_request(reader)
        heads.append((head, body))
        writer.write(OK)

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint, authority="agents.test"), REQUEST)
    assert reply == HttpReply(200, (("Content-Length", "2"), ("X-Two", "2")), b"yo")
    ((head, body),) = heads
    assert body == b"hi"
    assert set(head.decode().removesuffix("\r\n\r\n").split("\r\n")) == {
        "POST /v1/a%20b?q=%41 HTTP/1.1",
        "Host: agents.test",
        "X-One: 1",
        "content-type: a/b",
        "Content-Length: 2",
    }


async def test_an_address_that_was_looked_up_is_asked_by_its_name(client: UpstreamClient) -> None:
    heads = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        heads.append((await read_request(reader))[0])
        writer.write(OK)

    async with raw_server(serve) as endpoint:
        await client.call(cluster(replace(endpoint, hostname="agents.test")), REQUEST)
    assert f"Host: agents.test:{endpoint.port}\r\n".encode() in heads[0]


async def test_connection_is_kept(client: UpstreamClient) -> None:
    connections = 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(OK)

    async with raw_server(serve) as endpoint:
        for _ in range(3):
            assert isinstance(await client.call(cluster(endpoint), REQUEST), HttpReply)
    assert connections == 1


async def test_kept_connection_that_was_closed_is_tried_once_more_afresh(
    client: UpstreamClient,
) -> None:
    connections = 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await read_request(reader)
        writer.write(OK)
        if connections == 1:
            await read_request(reader)  # and closes without a word

    async with raw_server(serve) as endpoint:
        assert isinstance(await client.call(cluster(endpoint), REQUEST), HttpReply)
        async with client.open(cluster(endpoint), REQUEST) as answer:
            assert (answer.status, answer.attempts) == (200, 2)
    assert connections == 2


async def test_new_connection_closed_without_an_answer_is_not_tried_again(
    client: UpstreamClient,
) -> None:
    requests = 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal requests
        await read_request(reader)
        requests += 1

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint, endpoint), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_RESET
    assert requests == 1


async def test_endpoint_out_of_reach_is_passed_over(client: UpstreamClient) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async with (
        raw_server(serve) as endpoint,
        client.open(cluster(DEAD, endpoint), REQUEST) as answer,
    ):
        assert answer.endpoint == f"127.0.0.1:{endpoint.port}"
        assert answer.attempts == 2


@pytest.mark.parametrize("count", [0, 1, 5])
async def test_cluster_out_of_reach_fails_before_anything_is_sent(
    client: UpstreamClient, count: int
) -> None:
    reply = await client.call(cluster(*[DEAD] * count), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is (
        ResponseDetail.UPSTREAM_CONNECT_FAILED if count else ResponseDetail.NO_USABLE_ENDPOINT
    )
    assert not reply.timed_out


async def test_unknown_host_fails_to_connect(client: UpstreamClient) -> None:
    reply = await client.call(cluster(Endpoint("no-such-host.invalid", 80)), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_CONNECT_FAILED


async def test_slow_handshake_times_out(client: UpstreamClient) -> None:
    # It accepts, and never says anything of TLS.
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read()

    async with raw_server(serve) as endpoint:
        slow = cluster(endpoint, tls=True, connect_timeout_s=0.05)
        reply = await client.call(slow, REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_CONNECT_TIMEOUT
    assert reply.timed_out


async def test_what_is_not_tls_fails_to_connect(client: UpstreamClient) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1)
        writer.write(OK)

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint, tls=True, sni="localhost"), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_CONNECT_FAILED


async def test_slow_answer_times_out(client: UpstreamClient) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await reader.read()
        await asyncio.Event().wait()

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint), REQUEST, timeout_s=0.05)
    assert reply == CallFailed(
        ResponseDetail.DEADLINE_EXCEEDED, "no answer within 0.05 s", timed_out=True
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nyo",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyo\r\n0\r\n",
    ],
    ids=["length", "chunks", "last chunk"],
)
async def test_body_cut_short_is_truncated_not_whole(client: UpstreamClient, answer: bytes) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_TRUNCATED


async def test_reset_ends_no_body_cleanly(client: UpstreamClient) -> None:
    # Its end is the end of the connection: only how that ended tells whether it is whole.
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nyo")
        await told.wait()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))

    told = asyncio.Event()
    async with raw_server(serve) as endpoint, client.open(cluster(endpoint), REQUEST) as answer:
        pieces = answer.pieces()
        assert await anext(pieces) == b"yo"
        told.set()
        with pytest.raises(UpstreamError):
            await anext(pieces)


async def test_answer_that_is_not_http_is_a_protocol_error(client: UpstreamClient) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_PROTOCOL_ERROR


async def test_a_body_that_is_coded_in_its_transfer_is_a_protocol_error(
    client: UpstreamClient,
) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint), REQUEST)
    assert isinstance(reply, CallFailed)
    assert reply.detail is ResponseDetail.UPSTREAM_PROTOCOL_ERROR


async def test_what_has_come_of_an_answer_that_breaks_is_read_before_that_is_told(
    client: UpstreamClient,
) -> None:
    closed = asyncio.Event()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nyo")
        await writer.drain()
        writer.close()
        closed.set()

    async with raw_server(serve) as endpoint, client.open(cluster(endpoint), REQUEST) as answer:
        await closed.wait()
        pieces = answer.pieces()
        assert await anext(pieces) == b"yo"
        with pytest.raises(UpstreamError, match="in the middle of its body"):
            await anext(pieces)


async def test_upstream_is_not_read_while_nobody_takes_what_is_here(
    client: UpstreamClient,
) -> None:
    size, written = 64 * MAX_KEPT_BYTES, 0

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.transport.set_write_buffer_limits(0)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while written < size:
            writer.write(b"x" * MAX_KEPT_BYTES)
            await writer.drain()
            written += MAX_KEPT_BYTES

    async with raw_server(serve) as endpoint, client.open(cluster(endpoint), REQUEST) as answer:
        pieces = answer.pieces()
        got = len(await anext(pieces))
        before = -1
        async with asyncio.timeout(5):
            while before != written:  # (what sockets hold between the two is a few MB)
                before = written
                for _ in range(200):
                    await asyncio.sleep(0)
        assert written < size
        async for piece in pieces:
            got += len(piece)
    assert got == size


async def test_huge_answer_is_given_up(client: UpstreamClient) -> None:
    gone = asyncio.Event()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        finally:
            gone.set()

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint), REQUEST)
        assert isinstance(reply, CallFailed)
        assert reply.detail is ResponseDetail.UPSTREAM_PROTOCOL_ERROR
        async with asyncio.timeout(5):
            await gone.wait()


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nyo"])
async def test_leaving_cuts_the_connection(client: UpstreamClient, said: bytes) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(said)
        asked.set()
        assert await reader.read() == b""
        gone.set()

    async def ask(endpoint: Endpoint) -> None:
        await client.call(cluster(endpoint), REQUEST)

    async with raw_server(serve) as endpoint, asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(ask(endpoint))
            await asked.wait()
            task.cancel()
        await gone.wait()


async def test_status_and_redirects_are_the_callers_matter(client: UpstreamClient) -> None:
    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 307 Go\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(serve) as endpoint:
        reply = await client.call(cluster(endpoint), REQUEST)
    assert isinstance(reply, HttpReply)
    assert reply.status == 307


async def test_cookies_are_not_remembered(client: UpstreamClient) -> None:
    heads = []

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        for _ in range(2):
            heads.append((await read_request(reader))[0])
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")

    async with raw_server(serve) as endpoint:
        for _ in range(2):
            await client.call(cluster(endpoint), REQUEST)
    assert not any(b"cookie" in head.lower() for head in heads)


async def test_loads_and_ejections_are_those_that_the_relay_knows() -> None:

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

    async def well(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(OK)

    async with connected() as (client, known), raw_server(serve) as ill, raw_server(well) as good:
        both = cluster(ill, good)
        state = known.of(both)
        for _ in range(30):
            await client.call(both, REQUEST)
        assert [one.ejected for one in state.endpoints] == [True, False]
        async with client.open(both, REQUEST):
            assert [one.active for one in state.endpoints] == [0, 1]
        assert [one.active for one in state.endpoints] == [0, 0]


async def test_circuit_breakers_refuse_what_is_too_much() -> None:
    breakers = CircuitBreakers(Thresholds(max_requests=1))

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)

    async with connected() as (client, _known), raw_server(serve) as endpoint:
        one = cluster(endpoint, circuit_breakers=breakers)
        async with client.open(one, REQUEST):
            reply = await client.call(one, REQUEST)
        assert isinstance(reply, CallFailed)
        assert reply.detail is ResponseDetail.UPSTREAM_OVERFLOW
        assert isinstance(await client.call(one, REQUEST), HttpReply)


async def test_answers_are_measured_where_the_policy_goes_by_that() -> None:

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        while True:
            await read_request(reader)
            writer.write(OK)

    async with connected() as (client, known), raw_server(serve) as one, raw_server(serve) as other:
        both = cluster(one, other, balancing=Balancing(PolicyKind.PEAK_EWMA))
        for _ in range(6):
            assert isinstance(await client.call(both, REQUEST), HttpReply)
        assert all(place.first_token_s > 0 for place in known.of(both).report().endpoints)


async def test_same_conversation_goes_to_the_same_agent() -> None:
    served: list[int] = []

    def serving(number: int) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
        async def serve(reader: StreamReader, writer: StreamWriter) -> None:
            while True:
                await read_request(reader)
                served.append(number)
                writer.write(OK)

        return serve

    body = b'{"messages":[{"role":"user","content":"%b"}]}' % (b"x" * 3000)
    asked = Request("POST", "/v1/chat/completions", (), body)
    async with (
        connected() as (client, _),
        raw_server(serving(0)) as one,
        raw_server(serving(1)) as other,
    ):
        both = cluster(one, other, balancing=Balancing(PolicyKind.PREFIX_AFFINITY))
        for _ in range(6):
            await client.call(both, asked)
    assert len(set(served)) == 1
