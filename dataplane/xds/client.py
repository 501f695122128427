"""The stream to the control plane (shell): what arrives is decoded, judged and answered.

Nothing that happens here stops traffic: while the control plane is away, wrong or frozen, the
accepted config stays, and the client keeps coming back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass

import grpc
import grpc.aio
from google.protobuf.message import Message
from outriderpb.xds.v3 import ads_pb2

from dataplane.clock import Clock
from dataplane.resilience.backoff import Backoff
from dataplane.runtime.config import RuntimeConfig
from dataplane.tasks import Tasks
from dataplane.xds.channel import ControlPlane
from dataplane.xds.decode import UndecodableError, decode
from dataplane.xds.resource import KIND_BY_URL, Decoded, Named, ResourceKind, Resources
from dataplane.xds.secrets import SecretReader
from dataplane.xds.state import Update, XdsState
from dataplane.xds.status import XdsStatus

log = logging.getLogger(__name__)

METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
WILDCARD = "*"
ENDS_WITHIN_S = 1.0
USER_AGENT = "outrider"
INVALID_ARGUMENT = 3
MAX_REASON = 1000
LASTS_S = 5.0
"""A stream that held this long was a good one; a shorter one counts as a failed attempt."""
SLICE_S = 0.001
"""Longest stretch of decoding before requests get their turn."""

Stream = grpc.aio.StreamStreamCall[Message, ads_pb2.DeltaDiscoveryResponse]
Companion = Callable[[grpc.aio.Channel, tuple[tuple[str, str], ...]], Coroutine[None, None, None]]
"""Runs over a connection to the control plane, given its channel and the headers of each call."""


class ConfigRejectedError(Exception):
    """What hangs on a config (a port) does not work: it is refused, the one before stays."""


class _StreamEndedError(Exception):
    """The stream is over; the text says why."""


@dataclass(frozen=True, slots=True)
class Node:
    """Who we are to the control plane."""

    id: str
    group: str


class XdsClient:
    """Keeps one worker on the config that its control plane serves."""

    def __init__(
        self,
        *,
        control_plane: ControlPlane,
        node: Node,
        secrets: SecretReader,
        state: XdsState,
        on_config: Callable[[RuntimeConfig], Awaitable[None]],
        on_accepted: Callable[[Resources], None],
        clock: Clock,
        backoff: Backoff,
        first_answer_s: float = 1.0,
        companions: Sequence[Companion] = (),
    ) -> None:
        """
        :param state: what is accepted already (from disk). :param on_config: makes a config take
            effect; raises ConfigRejectedError to refuse it. :param on_accepted: told of each
            accepted set, to keep it. :param first_answer_s: how long to wait for a control plane
            that lets us in and says nothing. :param companions: what else is done over each
            connection, from when the stream is open to its end; no failure of theirs ends it.
        """
        self._control_plane = control_plane
        self._node = node
        self._secrets = secrets
        self._state = state
        self._ahead: XdsState | None = None
        """What is accepted and takes effect with more that is to come on this stream."""
        self._on_config = on_config
        self._on_accepted = on_accepted
        self._clock = clock
        self._backoff = backoff
        self._first_answer_s = first_answer_s
        self._companions = companions
        self._trouble = ""
        self.status = XdsStatus(synced=bool(state.config.listeners))

    @property
    def state(self) -> XdsState:
        """What is accepted now."""
        return self._state

    async def run(self) -> None:
        """Connect, follow, reconnect; until cancelled."""
        while True:
            try:
                await self._connection()
            except (_StreamEndedError, OSError) as e:
                self._tell(str(e))
            except Exception:
                log.exception("stream to the control plane broke")
            finally:
                self.status.disconnect()
            await asyncio.sleep(self._backoff.next())

    def _tell(self, trouble: str) -> None:
        """Log what keeps us from the control plane, once and not at each attempt."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("control plane %s: %s", self._control_plane.address, trouble)

    async def _connection(self) -> None:
        """One connection with one stream, until it ends."""
        beside = Tasks()
        try:
            await self._stream(beside)
        finally:
            # By now their channel is closed: a call that has lost its cancellation ends, too.
            await beside.close()

    async def _stream(self, beside: Tasks) -> None:
        metadata = self._control_plane.metadata()
        async with self._control_plane.connect() as channel:
            stream: Stream = channel.stream_stream(
                METHOD,
                request_serializer=ads_pb2.DeltaDiscoveryRequest.SerializeToString,
                response_deserializer=ads_pb2.DeltaDiscoveryResponse.FromString,
            )(metadata=metadata)

            def on_open() -> None:
                for companion in self._companions:
                    beside.start(companion(channel, metadata), "beside the stream")

            try:
                await self._use(stream, on_open)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as e:
                raise _StreamEndedError(await _why(stream)) from e
            finally:
                beside.cancel()

    async def _use(self, stream: Stream, on_open: Callable[[], None]) -> None:
        """Subscribe, then answer each update, one after the other, until the stream ends."""
        self._ahead = None
        first, *others = self._subscriptions()
        began = self._clock.now()
        await stream.write(first)
        # A refusal of the stream must be read before we write on: a write that fails hides it.
        reading = asyncio.ensure_future(stream.read())
        try:
            await asyncio.wait({reading}, timeout=self._first_answer_s)
            if not reading.done() or reading.exception() is None:
                for request in others:
                    await stream.write(request)
                self.status.connect()
                self._trouble = ""
                log.info("following the control plane at %s", self._control_plane.address)
                on_open()
            await self._follow(stream, await reading)
        finally:
            reading.cancel()
            # Answers alone prove little: two nodes of one id are answered, and end each other's.
            if self._clock.now() - began >= LASTS_S:
                self._backoff.succeeded()

    async def _follow(self, stream: Stream, response: object) -> None:
        while isinstance(response, ads_pb2.DeltaDiscoveryResponse):
            await stream.write(await self._answer(response))
            response = await stream.read()
        self._tell("ended the stream")

    def _subscriptions(self) -> list[ads_pb2.DeltaDiscoveryRequest]:
        """Ask for everything of every kind, saying what we have so that only differences come."""
        requests = [
            ads_pb2.DeltaDiscoveryRequest(
                type_url=kind.url,
                resource_names_subscribe=[WILDCARD],
                initial_resource_versions=self._state.resources.versions(kind),
            )
            for kind in ResourceKind
        ]
        requests[0].node.id = self._node.id
        requests[0].node.cluster = self._node.group
        requests[0].node.user_agent_name = USER_AGENT
        return requests

    async def _answer(
        self, response: ads_pb2.DeltaDiscoveryResponse
    ) -> ads_pb2.DeltaDiscoveryRequest:
        """Take an update or refuse it, whole."""
        request = ads_pb2.DeltaDiscoveryRequest(
            type_url=response.type_url, response_nonce=response.nonce
        )
        self.status.resources += len(response.resources)
        reason = await self._take(response)
        if reason:
            reason = reason[:MAX_REASON]
            log.error("refused an update of %s: %s", response.type_url, reason)
            self.status.refuse(response.type_url, reason)
            request.error_detail.code = INVALID_ARGUMENT
            request.error_detail.message = reason
        else:
            self.status.accept(response.type_url)
        return request

    async def _take(self, response: ads_pb2.DeltaDiscoveryResponse) -> str:
        """Why an update is refused; empty when it is in effect."""
        kind = KIND_BY_URL.get(response.type_url)
        if kind is None:
            return f"this data plane does not know the type {response.type_url!r}"
        try:
            before = self._ahead or self._state
            changed = await self._decode(before.resources.of(kind), kind, response)
            update = Update(kind, tuple(changed), tuple(response.removed_resources))
            answer = before.receive(update)
            if answer.error:
                return answer.error
            if response.more:
                self._ahead = answer.state
                return ""
            if answer.state is not self._state:
                await asyncio.sleep(0)
                await self._on_config(answer.state.config)
        except (UndecodableError, ConfigRejectedError) as e:
            return str(e)
        except Exception as e:
            log.exception("an update of %s failed", response.type_url)
            return f"internal: {type(e).__name__}"
        self._ahead = None
        if answer.state is not self._state:
            self._state = answer.state
            self._on_accepted(answer.state.resources)
        return ""

    async def _decode(
        self, known: Named, kind: ResourceKind, response: ads_pb2.DeltaDiscoveryResponse
    ) -> list[Decoded]:
        """Decode in slices, so that a thousand routes do not hold up a request."""
        decoded: list[Decoded] = []
        since = self._clock.now()
        for wire in response.resources:
            decoded.append(decode(kind, wire, known, self._secrets))
            if self._clock.now() - since > SLICE_S:
                await asyncio.sleep(0)
                since = self._clock.now()
        await asyncio.sleep(0)
        return decoded


async def _why(stream: Stream) -> str:
    """How a stream ended. A write that fails does not know it ("internal error"); this does."""
    try:
        async with asyncio.timeout(ENDS_WITHIN_S):
            code, details = await stream.code(), await stream.details()
    except TimeoutError:
        return "the stream broke"
    return f"{code.name.lower()}: {details or 'no reason given'}"
