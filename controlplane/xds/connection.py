"""One open discovery stream (shell): requests are read in a task, updates are sent without one.

The rule: one write at a time, and an update's bytes are let go as soon as they are written. A
thousand streams that each keep a full update alive would need six times the memory
(reference/xds.md, section 4).

A task that writes would be woken twice in each push, a thousand of them: a tenth of what gRPC takes
for all of it. So a write is carried on by what ends its wait.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

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
        "_broken",
        "_clock",
        "_context",
        "_current",
        "_ended",
        "_fleet",
        "_metrics",
        "_outbox",
        "_sent_at",
        "_stale",
        "_stream",
        "_waiter",
        "_writing",
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
        self._writing: Coroutine[Any, Any, None] | None = None
        self._broken: Exception | None = None
        # An Event's list of waiters would be 0.6 kB a stream, and there is one.
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
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def ended(self) -> None:
        """Wait for the end. Raises what is wrong with us, if that was why."""
        if not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._broken is not None:
            raise self._broken

    def look(self) -> None:
        """There is another edition: send what that means for this node, unless something is on its
        way; then that is seen to afterwards.
        """
        self._stale = True
        self._go_on()

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
        """Take one request; send what it makes to be sent."""
        heard = self._stream.receive(request, self._clock.wall())
        if heard.kind is not None and heard.answer is not _UNANSWERED:
            self._answered(heard.kind, heard)
        self._decide()
        self._go_on()

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
        edition = self._current(self.member.group)
        if edition is None:
            return
        update = self._stream.next(edition)
        # Also when nothing is sent: that may be how a node became whole.
        self._fleet.changed()
        if update is not None:
            self._outbox.append(update)

    def _go_on(self, _written: object = None) -> None:
        """Send what there is to send, unless a write is under way that goes on by itself."""
        if self._writing is not None and _written is None:
            return
        try:
            self._send()
        except (grpc.aio.BaseError, asyncio.InvalidStateError, asyncio.CancelledError) as e:
            log.info("node %s: %s", self.member.id, e)
            self._writing = None
            self.end(self.reason)
        except Exception as e:
            self._writing, self._broken = None, e
            self.end(self.reason)

    def _send(self) -> None:
        """As far as that goes without waiting."""
        while True:
            if self._writing is None:
                update = self._due()
                if update is None:
                    return
                self._writing = self._write(update)
                del update
            try:
                waits = self._writing.send(None)
            except StopIteration:
                self._writing = None
            else:
                # asyncio's way to wait: what is awaited comes out here.
                waits.add_done_callback(self._go_on)
                return

    def _due(self) -> Update | None:
        if self._ended:
            return None
        if self._stale:
            self._stale = False
            self._decide()
        return self._outbox.pop(0) if self._outbox else None

    def _write(self, update: Update) -> Coroutine[Any, Any, None]:
        self._sent_at[update.kind] = self._clock.now()
        self._metrics.pushes.inc(update.kind.label)
        return self._context.write(update.wire())
