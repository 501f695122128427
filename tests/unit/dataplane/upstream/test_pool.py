"""Dialling: TLS is checked, failures have their phase, late connections are kept."""

import asyncio
import ssl

import pytest
import trustme

from dataplane.clock import MonotonicClock
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.runtime.messages import ResponseDetail
from dataplane.tasks import Tasks
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.upstream.pool import Pool
from dataplane.wheel import Wheel
from tests.support.wait import until


class Dialling:
    """A Reader that waits for a connection."""

    def __init__(self, wants: bool = True) -> None:
        self.connection: UpstreamConnection | None = None
        self.failure: UpstreamFailure | None = None
        self.body = b""
        self._wants = wants

    def on_answer(self, upstream: UpstreamConnection, body: bytes, done: bool) -> None:
        self.body += body
        if done:
            upstream.release(0.0)

    def on_failed(self, failure: UpstreamFailure) -> None:
        self.failure = failure

    def on_connected(self, upstream: UpstreamConnection) -> bool:
        self.connection = upstream
        return self._wants


def pool(trust: trustme.CA | None = None) -> Pool:
    now = MonotonicClock().now

    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        if trust is not None:
            trust.configure_trust(made)
        return made

    return Pool(Wheel(now), now, Tasks(), context)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        await reader.read()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("trusted", "sni", "works"),
    [(True, "up.test", True), (True, "other.test", False), (False, "up.test", False)],
    ids=["good", "wrong name", "unknown authority"],
)
async def test_upstream_must_show_a_certificate_for_its_name(
    trusted: bool, sni: str, works: bool
) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("up.test").configure_cert(context)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    connections = pool(authority if trusted else None)
    endpoint = Endpoint(*server.sockets[0].getsockname())
    (place,) = connections.endpoints(Cluster("c", (endpoint,), tls=True, sni=sni))
    reader = Dialling()
    place.dial(reader)
    await until(lambda: bool(reader.connection or reader.failure))
    if works:
        assert reader.connection is not None
        reader.connection.send(reader, b"GET / HTTP/1.1\r\n\r\n")
        await until(lambda: reader.body == b"hi")
        assert place.take() is reader.connection
        reader.connection.abort()
    else:
        assert reader.failure is not None
        assert reader.failure.phase is Phase.CONNECT
        assert "certificate was not accepted" in reader.failure.message
    await until(lambda: connections.open_connections == 0)
    server.close()
    await server.wait_closed()


async def test_connection_that_comes_too_late_is_kept_for_the_next() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connections = pool()
    endpoint = Endpoint(*server.sockets[0].getsockname())
    (place,) = connections.endpoints(Cluster("c", (endpoint,)))
    reader = Dialling(wants=False)
    place.dial(reader)
    await until(lambda: reader.connection is not None)
    await asyncio.sleep(0)
    kept = place.take()
    assert kept is not None
    assert kept is reader.connection
    place.put(kept, 0.0)
    await connections.close()
    await until(lambda: connections.open_connections == 0)
    server.close()
    await server.wait_closed()


async def test_no_connection_in_time_is_a_504() -> None:
    connections = pool()
    # TEST-NET-1: nobody answers there
    cluster = Cluster("c", (Endpoint("192.0.2.1", 9),), connect_timeout_s=0.05)
    (place,) = connections.endpoints(cluster)
    reader = Dialling()
    place.dial(reader)
    await until(lambda: reader.failure is not None)
    assert reader.failure is not None
    if reader.failure.detail is not ResponseDetail.UPSTREAM_CONNECT_FAILED:  # no route at all
        assert reader.failure.detail is ResponseDetail.UPSTREAM_CONNECT_TIMEOUT
        assert reader.failure.status == 504


async def test_same_address_is_the_same_place_and_forgotten_when_nobody_names_it() -> None:
    connections = pool()
    cluster = Cluster("c", (Endpoint("h", 1), Endpoint("h", 2, weight=3)))
    first = connections.endpoints(cluster)
    assert connections.endpoints(Cluster("d", cluster.endpoints)) == first
    assert connections.endpoints(Cluster("c", cluster.endpoints, tls=True)) != first
    del first
    assert len(connections._endpoints) == 0


@pytest.mark.parametrize(
    ("endpoint", "tls", "host"),
    [
        (Endpoint("h", 80), False, b"h"),
        (Endpoint("h", 443), True, b"h"),
        (Endpoint("h", 443), False, b"h:443"),
        (Endpoint("::1", 8080), False, b"[::1]:8080"),
        (Endpoint("10.0.0.1", 8080, hostname="h"), False, b"h:8080"),
    ],
)
async def test_host_header_of_an_endpoint(endpoint: Endpoint, tls: bool, host: bytes) -> None:
    (place,) = pool().endpoints(Cluster("c", (endpoint,), tls=tls))
    assert place.authority == host
