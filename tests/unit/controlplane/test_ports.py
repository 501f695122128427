"""A port of gRPC: nodes that ping, as they do all the time, are not hung up on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest

from controlplane.ports import GrpcPort
from controlplane.security import Security

PINGS_S = 8.0
"""By then gRPC's own limit would have ended the connection of one who pings so often."""
EVERY_MS = 1100


async def echo(
    requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]
) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


@pytest.mark.slow
async def test_node_that_pings_keeps_its_stream() -> None:
    port = GrpcPort("127.0.0.1:0", Security())
    methods: dict[str, Any] = {"Echo": grpc.stream_stream_rpc_method_handler(echo)}
    port.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Test", methods),))
    await port.start()
    pings = [
        ("grpc.keepalive_time_ms", EVERY_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    try:
        async with grpc.aio.insecure_channel(port.address, options=pings) as channel:
            call: Any = channel.stream_stream("/Test/Echo")()
            await call.write(b"a")
            assert await call.read() == b"a"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call.read(), PINGS_S)
    finally:
        await port.stop(0.0)
