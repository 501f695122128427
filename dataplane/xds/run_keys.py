"""The keys that tickets of runs are sealed with, as the control plane hands them out (shell).

Rule: what was handed stays in use until there is something better; a control plane that hands out
nothing (it does not know who we are, or could be overheard) leaves us with a key of our own.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import grpc
import grpc.aio
from outriderpb.fleet.v1 import run_keys_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message

log = logging.getLogger(__name__)

METHOD = "/outrider.fleet.v1.RunKeyService/StreamRunKeys"
AGAIN_S = 5.0
"""As for reports: the stream of configuration is there, so something else is wrong."""
KEY_BYTES = 32
MAX_KEYS = 8
"""Of two secrets: a day's, that before it and the next one."""

Metadata = tuple[tuple[str, str], ...]


class HandedKeys:
    """Follows them over a channel that somebody else opens and closes."""

    def __init__(
        self,
        node_id: str,
        group: str,
        use: Callable[[tuple[bytes, ...]], None],
        again_s: float = AGAIN_S,
    ) -> None:
        """:param use: told the keys, of which the first one seals. :param again_s: how long to wait
        when a stream has broken.
        """
        self._request = run_keys_pb2.RunKeysRequest(node_id=node_id, group=group)
        self._use = use
        self._again_s = again_s
        self._used: tuple[bytes, ...] = ()

    async def run(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        """Until cancelled; comes back when the control plane hands out none."""
        task = asyncio.current_task()
        assert task is not None
        while not task.cancelling():  # a call that breaks just then ends with its own status
            if await self._stream(channel, metadata) is grpc.StatusCode.UNIMPLEMENTED:
                log.debug("the control plane hands out no keys of runs")
                return
            await asyncio.sleep(self._again_s)

    async def _stream(self, channel: grpc.aio.Channel, metadata: Metadata) -> grpc.StatusCode:
        stream: grpc.aio.UnaryStreamCall[Message, run_keys_pb2.RunKeys] = channel.unary_stream(
            METHOD,
            request_serializer=run_keys_pb2.RunKeysRequest.SerializeToString,
            response_deserializer=run_keys_pb2.RunKeys.FromString,
        )(self._request, metadata=metadata)
        try:
            while isinstance(told := await stream.read(), run_keys_pb2.RunKeys):
                self._take(tuple(told.keys))
            return await stream.code()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return await stream.code()
        finally:
            stream.cancel()

    def _take(self, keys: tuple[bytes, ...]) -> None:
        if not 1 <= len(keys) <= MAX_KEYS or any(len(key) != KEY_BYTES for key in keys):
            log.warning("the control plane has handed out keys of runs that are none")
        elif keys != self._used:
            log.info("runs are sealed with a key of the control plane")
            self._used = keys
            self._use(keys)
