"""The stream on which a worker gets its part of shared limits (shell around resilience/quota_book).

The rule: a stream is a lease. What was given on it may be used until the other side has not been
heard of for the lease's time, counted from when we sent what it last answered: earlier than the
other side gives us up. Nothing here is on a request's way but the wake-up of who waits.
"""

import asyncio
import logging
from collections import deque

import grpc
import grpc.aio
from google.protobuf.message import Message
from outriderpb.limits.v1 import lease_pb2

from dataplane.clock import Clock
from dataplane.resilience.backoff import Backoff
from dataplane.resilience.quota_book import Book, said
from dataplane.resilience.quota_holding import BucketId, Line
from dataplane.tasks import Tasks
from dataplane.xds.channel import ControlPlane

log = logging.getLogger(__name__)

METHOD = "/outrider.limits.v1.LeaseService/Lease"
TICK_S = 0.1
BEAT_S = 1.0
"""A word at least so often; a lease holds ten times as long."""
DENIED_S = 0.1
"""After a refusal nobody is asked again for so long: others may have given something back."""
FIRST_ANSWER_S = 2.0
LEAVING_S = 0.5
LASTS_S = 5.0

Stream = grpc.aio.StreamStreamCall[Message, lease_pb2.LeaseResponse]


class LeaseClient:
    """Keeps a book on what its control plane gives."""

    def __init__(
        self,
        *,
        control_plane: ControlPlane,
        node_id: str,
        incarnation: str,
        book: Book,
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        self._control_plane = control_plane
        self._node_id = node_id
        self._incarnation = incarnation
        self._book = book
        self._clock = clock
        self._backoff = backoff
        self._woken = asyncio.Event()
        self._expires_at = float("-inf")
        self._ttl_s = 0.0
        self._sequence = 0
        self._sent: deque[tuple[int, float, dict[BucketId, int]]] = deque()
        self._leaving = False
        self._left = asyncio.Event()
        self._trouble = ""
        self._tasks = Tasks()
        self.failures = 0

    def start(self) -> None:
        """Ask for leases from now on."""
        self._book.wake = self._woken.set
        self._book.hopeful = True
        self._tasks.start(self._run(), "leases")
        self._tasks.start(self._tick(), "leases: ticks")

    async def close(self) -> None:
        """Give back what is not used, and end."""
        if self._book.connected:
            self._leaving = True
            self._woken.set()
            try:
                async with asyncio.timeout(LEAVING_S):
                    await self._left.wait()
            except TimeoutError:
                pass
        await self._tasks.close()
        self._book.lost()
        self._book.expired()
        self._book.wake = _nobody

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock.now()
            self._book.tick(now)
            if now >= self._expires_at:
                self._book.expired()

    async def _run(self) -> None:
        while not self._leaving:
            began = self._clock.now()
            try:
                await self._connection()
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError, OSError, TimeoutError) as e:
                self._tell(e.details() or "" if isinstance(e, grpc.aio.AioRpcError) else str(e))
            except Exception:
                log.exception("stream of leases broke")
            finally:
                self._book.lost()
            if self._clock.now() - began >= LASTS_S:
                self._backoff.succeeded()
            await asyncio.sleep(self._backoff.next())

    def _tell(self, trouble: str) -> None:
        """Log what keeps us from leases, once and not at each attempt."""
        self.failures += 1
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning(
                "limits: no leases from %s, each worker goes on with its share: %s",
                self._control_plane.address,
                trouble,
            )

    async def _connection(self) -> None:
        metadata = self._control_plane.metadata()
        async with self._control_plane.connect() as channel:
            stream: Stream = channel.stream_stream(
                METHOD,
                request_serializer=lease_pb2.LeaseRequest.SerializeToString,
                response_deserializer=lease_pb2.LeaseResponse.FromString,
            )(metadata=metadata)
            self._sequence = 0
            self._sent.clear()
            hello = lease_pb2.LeaseRequest(node_id=self._node_id, incarnation=self._incarnation)
            await self._send(stream, hello, {})
            async with asyncio.timeout(FIRST_ANSWER_S):
                first = await stream.read()
            if not isinstance(first, lease_pb2.LeaseResponse):
                raise OSError("it ended the stream")
            self._ttl_s = first.ttl_ms / 1000
            self._trouble = ""
            self._book.opened()
            self._hear(first)
            self._woken.set()
            writing = self._tasks.start(self._write(stream), "leases: lines")
            try:
                while True:
                    left_s = max(self._expires_at - self._clock.now(), 0.0)
                    async with asyncio.timeout(left_s):
                        response = await stream.read()
                    if not isinstance(response, lease_pb2.LeaseResponse):
                        raise OSError("it ended the stream")
                    self._hear(response)
            finally:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, stream: Stream) -> None:
        beat_at = self._clock.now()
        try:
            while True:
                try:
                    async with asyncio.timeout(TICK_S):
                        await self._woken.wait()
                except TimeoutError:
                    pass
                self._woken.clear()
                if self._leaving:
                    self._book.return_all()
                lines = self._book.lines()
                now = self._clock.now()
                if lines or self._leaving or now - beat_at >= BEAT_S:
                    beat_at = now
                    request = lease_pb2.LeaseRequest(lines=[_line(line) for line in lines])
                    request.leaving = self._leaving
                    await self._send(stream, request, said(lines))
                if self._leaving:
                    await stream.done_writing()
                    self._left.set()
                    return
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # who reads is told why

    async def _send(
        self, stream: Stream, request: lease_pb2.LeaseRequest, told: dict[BucketId, int]
    ) -> None:
        self._sequence += 1
        request.sequence = self._sequence
        self._sent.append((self._sequence, self._clock.now(), told))
        await stream.write(request)

    def _hear(self, response: lease_pb2.LeaseResponse) -> None:
        book, now = self._book, self._clock.now()
        sent = self._sent
        while sent and sent[0][0] <= response.sequence:
            _, sent_at, told = sent.popleft()
            self._expires_at = sent_at + self._ttl_s
            book.acknowledged(told)
        if response.holders:
            book.holders = response.holders
        for grant in response.grants:
            book.granted(_id(grant.bucket), grant.total, grant.level, now)
        for denial in response.denials:
            book.denied(_id(denial.bucket), denial.level, now + DENIED_S, now)
        for bucket in response.recalls:
            book.recall(_id(bucket))


def _id(bucket: lease_pb2.Bucket) -> BucketId:
    return bucket.limit, bucket.measure, tuple(bucket.values)


def _line(line: Line) -> lease_pb2.Line:
    limit, measure, values = line.id
    return lease_pb2.Line(
        bucket=lease_pb2.Bucket(limit=limit, measure=measure, values=values),
        granted=max(line.granted, 0),
        spent=line.spent,
        returned=line.returned,
        self_granted=line.self_granted,
        need=line.need,
        ahead=max(line.ahead, 0),
        recalled=line.recalled,
        closed=line.closed,
    )


def _nobody() -> None:
    """Who wakes nobody."""
