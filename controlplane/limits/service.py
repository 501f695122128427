"""The lease service on a grpc.aio server (shell): reads lines, writes what the ledger decides.

The rule: what is given is in the journal before it is on its way. Nothing is given before there is
a config to say how much, and nothing after the end: the journal's last word is what is left.
"""

import asyncio
import logging
from typing import Any, cast

import grpc
import grpc.aio
from outriderpb.limits.v1 import lease_pb2
from outriderpb.v1 import limit_pb2

from controlplane.clock import Clock
from controlplane.limits.account import BucketId, Line, Spec
from controlplane.limits.journal import Journal
from controlplane.limits.ledger import Denial, Grant, Ledger, Send
from controlplane.limits.session import Session
from controlplane.snapshot.cache import SnapshotCache
from controlplane.snapshot.resource import ResourceType
from controlplane.snapshot.snapshot import Snapshot

log = logging.getLogger(__name__)

SERVICE = "outrider.limits.v1.LeaseService"
METHOD = "Lease"
TEND_S = 0.25
"""How often leases that have expired are looked for."""
_MAX_ID = 256
_MEASURES = {
    limit_pb2.MEASURE_REQUESTS: "requests",
    limit_pb2.MEASURE_TOKENS: "tokens",
    limit_pb2.MEASURE_INPUT_TOKENS: "input_tokens",
    limit_pb2.MEASURE_OUTPUT_TOKENS: "output_tokens",
    limit_pb2.MEASURE_COST: "cost",
    limit_pb2.MEASURE_CONCURRENT: "concurrent",
}

Context = grpc.aio.ServicerContext[lease_pb2.LeaseRequest, lease_pb2.LeaseResponse]


class _Stream:
    """One worker's stream: what is to be said on it."""

    def __init__(self) -> None:
        self.response = lease_pb2.LeaseResponse()
        self.woken = asyncio.Event()
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.woken.set()

    def take(self) -> lease_pb2.LeaseResponse:
        """What has come together since."""
        response, self.response = self.response, lease_pb2.LeaseResponse()
        self.woken.clear()
        return response


class LeaseService:
    """All workers that share the limits of this control plane."""

    def __init__(self, ledger: Ledger, journal: Journal, clock: Clock) -> None:
        self._ledger = ledger
        self._journal = journal
        self._clock = clock
        self._streams: dict[Session, _Stream] = {}
        self._configured = asyncio.Event()
        self._closed = False

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a grpc.aio server."""
        method = grpc.stream_stream_rpc_method_handler(
            # The stubs know synchronous handlers only.
            cast(Any, self._serve),
            lease_pb2.LeaseRequest.FromString,
            lease_pb2.LeaseResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})

    def restore(self) -> None:
        """Go on where an earlier control plane has ended."""
        levels, away_s = self._journal.load()
        self._ledger.restore(levels, self._clock.now() - away_s)

    async def follow(self, cache: SnapshotCache, group: str) -> None:
        """Hold to the limits of a group's snapshot, now and at each change, until cancelled."""
        with cache.watch(group) as watcher:
            while True:
                self._ledger.configure(specs_of(await watcher.next()), self._clock.now())
                self._configured.set()

    async def tend(self) -> None:
        """End leases that have expired, forget what is full again, write down, until the end."""
        while True:
            await asyncio.sleep(TEND_S)
            if self._closed:
                return
            now = self._clock.now()
            self._route(self._ledger.expire(now))
            self._ledger.sweep(now)
            if self._ledger.is_used:
                self._journal.write(self._ledger.risen(now))
            if self._journal.large:
                self._journal.rewrite(self._ledger.floors(now))

    async def close(self) -> None:
        """End every stream; workers go on with their shares and look for us again, and those who
        do so while the port is still open are turned away.
        """
        self._closed = True
        for stream in self._streams.values():
            stream.end()
        if self._ledger.is_used:
            self._journal.rewrite(self._ledger.floors(self._clock.now(), exact=True))
        self._journal.close()

    async def _serve(self, _requests: object, context: Context) -> None:
        first = await context.read()
        if not isinstance(first, lease_pb2.LeaseRequest):
            return
        if not first.node_id or len(first.node_id) > _MAX_ID or len(first.incarnation) > _MAX_ID:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "the first message must say who this is"
            )
        await self._configured.wait()
        if self._closed:
            return
        session, sends = self._ledger.open(first.node_id, first.incarnation, self._clock.now())
        stream = self._streams[session] = _Stream()
        stream.response.ttl_ms = int(self._ledger.ttl_s * 1000)
        self._route(sends)
        self._hear(session, stream, first)
        reading = asyncio.ensure_future(self._read(session, stream, context))
        try:
            while not (stream.ended or self._closed):
                await stream.woken.wait()
                if stream.ended or self._closed:
                    break
                await context.write(stream.take())
        except (grpc.aio.BaseError, asyncio.InvalidStateError):
            pass  # the worker is gone
        finally:
            reading.cancel()
            self._streams.pop(session, None)
            if session in self._ledger.sessions and not self._closed:
                self._route(self._ledger.lose(session, self._clock.now()))

    async def _read(self, session: Session, stream: _Stream, context: Context) -> None:
        try:
            while isinstance(request := await context.read(), lease_pb2.LeaseRequest):
                if session not in self._ledger.sessions or self._closed:
                    break
                self._hear(session, stream, request)
                if request.leaving:
                    self._route(self._ledger.end(session, self._clock.now()))
                    break
        except (grpc.aio.BaseError, asyncio.InvalidStateError):
            pass
        except Exception:
            log.exception("lines of %s", session.holder)
        finally:
            stream.end()

    def _hear(self, session: Session, stream: _Stream, request: lease_pb2.LeaseRequest) -> None:
        lines = [_line(line) for line in request.lines]
        sends = self._ledger.report(session, lines, self._clock.now())
        stream.response.sequence = request.sequence
        stream.response.holders = self._ledger.holders
        stream.woken.set()
        self._route(sends)

    def _route(self, sends: list[Send]) -> None:
        """Write down what must be, then say what is to be said."""
        sunk = self._ledger.sunk(self._clock.now())
        if sunk:
            self._journal.write(sunk)
        for send in sends:
            stream = self._streams.get(send.session)
            if stream is None:
                continue
            response = stream.response
            match send:
                case Grant():
                    response.grants.add(bucket=_bucket(send.id), total=send.total, level=send.level)
                case Denial():
                    response.denials.add(bucket=_bucket(send.id), level=send.level)
                case _:
                    response.recalls.append(_bucket(send.id))
            stream.woken.set()


def specs_of(snapshot: Snapshot) -> dict[tuple[str, str], Spec]:
    """What the limits of a snapshot allow; none where they are kept in another store."""
    specs: dict[tuple[str, str], Spec] = {}
    for name, resource in snapshot.of_type(ResourceType.LIMIT).items():
        message = cast(limit_pb2.Limit, resource.message)
        for amount in message.amounts:
            measure = _MEASURES[amount.measure]
            returns = amount.measure == limit_pb2.MEASURE_CONCURRENT
            rate = 0.0 if returns else amount.limit / (amount.window_ms / 1000)
            specs[name, measure] = Spec(
                amount.burst or amount.limit, rate, returns, message.forget_ms / 1000
            )
    return specs


def _bucket(id_: BucketId) -> lease_pb2.Bucket:
    limit, measure, values = id_
    return lease_pb2.Bucket(limit=limit, measure=measure, values=values)


def _line(line: lease_pb2.Line) -> Line:
    bucket = line.bucket
    return Line(
        (bucket.limit, bucket.measure, tuple(bucket.values)),
        line.granted,
        line.spent,
        line.returned,
        line.self_granted,
        line.need,
        line.ahead,
        line.recalled,
        line.closed,
    )
