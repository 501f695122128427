"""One open discovery stream (shell): a reader that takes requests, a writer that sends updates.

The rule: only the writer writes, and it lets go of an update's bytes as soon as they are written.
A thousand streams that each keep a full update alive would need six times the memory
(reference/xds.md, section 4).
"""

import asyncio
import logging
from collections.abc import Callable

import grpc
import grpc.aio
from outriderpb.xds.v3 import ads_pb2

from controlplane.clock import Clock
from controlplane.metrics import Metrics
from controlplane.snapshot.resource import ResourceType
from controlplane.xds.edition import Edition, Library
from controlplane.xds.fleet import Fleet, Member
from controlplane.xds.stream import Answer, Heard, Stream, legible
from controlplane.xds.subscription import Update

log = logging.getLogger(__name__)

# Of an enumeration, a member takes ten times as long to look up as a name does.
_UNANSWERED, _REFUSED = Answer.NONE, Answer.NACK

Context = grpc.aio.ServicerContext[ads_pb2.DeltaDiscoveryRequest, bytes]


class Connection:
    """A node's stream while it is open."""

    __slots__ = (
        "_clock",
        "_context",
        "_current",
        "_ended",
        "_fleet",
        "_metrics",
        "_outbox",
        "_sent_at",
        "_stale",
        "_stirred",
        "_stream",
        "_waiter",
        "member",
        "reason",
    )

    def __init__(
        self,
        context: Context,
        node: ads_pb2.Node,
        current: Callable[[str], Edition | None],
        library: Library,
        clock: Clock,
        metrics: Metrics,
        fleet: Fleet,
    ) -> None:
        """`current` tells what a group is to have now."""
        self._context = context
        self._clock = clock
        self._metrics = metrics
        self._fleet = fleet
        self._current = current
        self._ended = False
        self._stale = False
        self._outbox: list[Update] = []
        # An Event's list of waiters would be 0.6 kB a stream, and there is one.
        self._stirred = False
        self._waiter: asyncio.Future[None] | None = None
        self._sent_at: dict[ResourceType, float] = {}
        name = legible(node.id)
        self._stream = Stream(name, library)
        self.reason = ""
        self.member = Member(
            name,
            legible(node.cluster),
            legible(context.peer()),
            legible(node.user_agent_name),
            clock.wall(),
            self._stream,
            self.end,
        )

    def end(self, reason: str) -> None:
        """Let the stream end; a reason makes it end as an error that says so."""
        self.reason = reason
        self._ended = True
        self._stir()

    def _stir(self) -> None:
        """Wake the writer, if it waits."""
        self._stirred = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def look(self) -> None:
        """There is another edition: let the writer see what that means for this node."""
        self._stale = True
        self._stir()

    async def read(self) -> None:
        """Take requests until the node closes its side or the stream ends."""
        try:
            while isinstance(request := await self._context.read(), ads_pb2.DeltaDiscoveryRequest):
                self.heard(request)
                del request
        except grpc.aio.BaseError as e:
            log.info("node %s: %s", self.member.id, e)
        except asyncio.InvalidStateError:
            # What grpc.aio says when a stream is read that has ended meanwhile.
            pass
        finally:
            self.end(self.reason)

    def heard(self, request: ads_pb2.DeltaDiscoveryRequest) -> None:
        """Take one request; wake the writer if that makes something to send."""
        heard = self._stream.receive(request, self._clock.wall())
        if heard.kind is not None and heard.answer is not _UNANSWERED:
            self._answered(heard.kind, heard)
        self._decide()

    def _answered(self, kind: ResourceType, heard: Heard) -> None:
        if (sent_at := self._sent_at.pop(kind, None)) is not None:
            self._metrics.push_to_ack.observe(self._clock.now() - sent_at)
        if heard.answer is not _REFUSED:
            self._metrics.acks.inc(kind.label)
            return
        self._metrics.nacks.inc(kind.label)
        what = f"{kind.label} of snapshot {heard.version}"
        log.warning("node %s refused %s: %s", self.member.id, what, heard.reason)

    def _decide(self) -> None:
        """Put the next update into the outbox, if there is one."""
        update = self._next()
        if update is not None:
            self._outbox.append(update)
            self._stir()

    def _next(self) -> Update | None:
        edition = self._current(self.member.group)
        if edition is None:
            return None
        update = self._stream.next(edition)
        # Also when nothing is sent: that may be how a node became whole.
        self._fleet.changed()
        return update

    async def write(self) -> None:
        """Send what there is to send, whenever there is, until the stream ends."""
        while True:
            if not self._stirred:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            self._stirred = False
            if self._ended:
                return
            if self._stale:
                self._stale = False
                update = self._next()
                if update is not None:
                    self._outbox.append(update)
            while self._outbox:
                await self._send(self._outbox.pop(0))

    async def _send(self, update: Update) -> None:
        self._sent_at[update.kind] = self._clock.now()
        self._metrics.pushes.inc(update.kind.label)
        wire = update.wire()
        del update
        await self._context.write(wire)
