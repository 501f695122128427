"""A kept connection's answer belongs to the request that is on it, or to nobody."""

import asyncio
from typing import Any

from dataplane.clock import MonotonicClock
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.runtime.messages import ResponseDetail
from dataplane.tasks import Tasks
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import UpstreamFailure
from dataplane.upstream.pool import EndpointPool, Pool
from dataplane.wheel import Wheel

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


class Wire:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.aborted = False
        self.unsent = 0

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return self.unsent


class Waiting:
    """A Reader that remembers."""

    def __init__(self) -> None:
        self.bodies: list[tuple[bytes, bool]] = []
        self.failure: UpstreamFailure | None = None

    def on_answer(self, upstream: UpstreamConnection, body: bytes, done: bool) -> None:
        self.bodies.append((body, done))
        if done:
            upstream.release(0.0)

    def on_failed(self, failure: UpstreamFailure) -> None:
        self.failure = failure

    def on_connected(self, upstream: UpstreamConnection) -> bool:
        return True


def connection() -> tuple[UpstreamConnection, Wire, EndpointPool]:
    now = MonotonicClock().now
    pool = Pool(Wheel(now), now, Tasks())
    (endpoint,) = pool.endpoints(Cluster("c", (Endpoint("h", 1),)))
    upstream, wire = UpstreamConnection(endpoint), Wire()
    made: Any = wire
    upstream.connection_made(made)
    return upstream, wire, endpoint


async def test_answer_is_read_and_the_connection_kept() -> None:
    upstream, wire, endpoint = connection()
    for _ in range(3):
        reader = Waiting()
        upstream.send(reader, b"ask")
        await asyncio.sleep(0)
        upstream.data_received(ANSWER[:20])
        upstream.data_received(ANSWER[20:])
        assert reader.bodies == [(b"hi", True)]
        assert endpoint.take() is upstream
    assert wire.sent == [b"ask"] * 3


async def test_answer_to_a_request_that_is_not_sent_yet_is_a_fault() -> None:
    upstream, wire, endpoint = connection()
    reader = Waiting()
    upstream.send(reader, b"ask")
    assert wire.sent == []
    upstream.data_received(ANSWER)
    assert reader.failure is not None
    assert reader.failure.detail is ResponseDetail.UPSTREAM_PROTOCOL_ERROR
    assert wire.aborted
    assert endpoint.take() is None


async def test_answer_that_nobody_asked_for_ends_the_connection() -> None:
    upstream, wire, _ = connection()
    upstream.data_received(ANSWER)
    assert wire.aborted


async def test_connection_with_a_request_half_sent_is_not_kept() -> None:
    upstream, wire, endpoint = connection()
    reader = Waiting()
    upstream.send(reader, b"ask")
    await asyncio.sleep(0)
    wire.unsent = 1
    upstream.data_received(ANSWER)
    assert reader.bodies == [(b"hi", True)]
    assert wire.aborted
    assert endpoint.take() is None


async def test_connection_that_says_close_is_not_kept() -> None:
    upstream, wire, endpoint = connection()
    reader = Waiting()
    upstream.send(reader, b"ask")
    await asyncio.sleep(0)
    upstream.data_received(ANSWER.replace(b"content", b"connection: close\r\ncontent"))
    assert reader.bodies == [(b"hi", True)]
    assert wire.aborted
    assert endpoint.take() is None


async def test_endless_trailers_are_a_fault() -> None:
    upstream, wire, _ = connection()
    reader = Waiting()
    upstream.send(reader, b"ask")
    await asyncio.sleep(0)
    upstream.data_received(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n")
    for _ in range(300):
        upstream.data_received(b"x: y\r\n")
    assert reader.failure is not None
    assert wire.aborted
