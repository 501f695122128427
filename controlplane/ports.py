"""A gRPC server on an address, with the options that hold a fleet of long streams."""

import grpc
import grpc.aio

from controlplane.security import Security

_MIB = 1 << 20
# A reconnecting node reports the versions of all it holds: some 60 bytes a resource.
_MAX_REQUEST_BYTES = 64 * _MIB
_MAX_CONFIG_BYTES = 64 * _MIB
_OPTIONS: list[tuple[str, int]] = [
    # Two control planes on one port would share the nodes between them without a word.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", max(_MAX_REQUEST_BYTES, _MAX_CONFIG_BYTES)),
    ("grpc.max_send_message_length", -1),
    # Nodes ping every 5 s; by default a server hangs up on them after 20 s for that. (The option is
    # not named as gRPC's C macro is, MIN_RECV_PING_INTERVAL: under that name it has no effect.)
    ("grpc.http2.min_ping_interval_without_data_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Our own pings notice nodes whose machine is gone. Without the last line they do not (xds.md
    # 5).
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # A ping after what a node says, to find out how wide its line is: that cost a tenth of a push.
    # Nodes say little.
    ("grpc.http2.bdp_probe", 0),
]


class PortTakenError(Exception):
    """An address could not be bound."""


class GrpcPort:
    """One server on one address."""

    def __init__(self, address: str, security: Security) -> None:
        """Bind. Raises PortTakenError, or SecurityFileError for unusable certificates."""
        self.server = grpc.aio.server(interceptors=security.interceptors(), options=_OPTIONS)
        host = address.rpartition(":")[0]
        credentials = security.credentials()
        try:
            if credentials is None:
                port = self.server.add_insecure_port(address)
            else:
                port = self.server.add_secure_port(address, credentials)
        except RuntimeError as e:
            raise PortTakenError(f"cannot listen on {address}: is it taken?") from e
        self.address = f"{host}:{port}"

    async def start(self) -> None:
        """Accept calls from now on."""
        await self.server.start()

    async def stop(self, grace_s: float) -> None:
        """Accept nothing new, let what runs finish for so long, then cut it off."""
        await self.server.stop(grace_s)
