"""Kept connections by endpoint, shared by every listener and kept across configurations.

An endpoint is its address and how it is spoken to, so that a new configuration that names the same
one goes on with the same connections. Endpoints that no cluster names any more are forgotten with
their last connection.
"""

import asyncio
import ssl
from collections.abc import Callable
from weakref import WeakValueDictionary

from dataplane.outbox import Outbox
from dataplane.runtime.config import Cluster, Endpoint
from dataplane.runtime.messages import ResponseDetail
from dataplane.tasks import Tasks
from dataplane.upstream.connection import IDLE_S, Reader, UpstreamConnection, last_open
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.wheel import Wheel

Address = tuple[str, int, bool, str, str, float]


class EndpointPool:
    """The connections to one endpoint."""

    def __init__(self, pool: "Pool", cluster: Cluster, endpoint: Endpoint) -> None:
        self.label = f"{endpoint.host}:{endpoint.port}"
        self.authority = authority_of(endpoint, cluster.tls).encode()
        """Its Host header."""
        self.outbox = pool.outbox
        self._pool = pool
        self._host = endpoint.host
        self._port = endpoint.port
        self._tls = cluster.tls
        self._server_name = cluster.sni or endpoint.name
        self._connect_timeout_s = cluster.connect_timeout_s
        self.connections = 0
        """Open ones."""
        self.dialling = 0
        """Connections that are being opened."""
        self.free: list[UpstreamConnection] = []
        """Connections that have nothing to do."""
        self.drains = False
        """Whether no cluster has it any more, so that connections are not kept."""

    def take(self) -> UpstreamConnection | None:
        """A kept connection that was open a moment ago, the most recently used one."""
        return last_open(self.free)

    def put(self, upstream: UpstreamConnection, now: float) -> None:
        """Keep a connection that has nothing to do from `now` on."""
        if self.drains:
            upstream.abort()
            return
        upstream.due = now + IDLE_S
        self.free.append(upstream)

    def dial(self, reader: Reader) -> None:
        """Open a connection for `reader`; it hears of it, or of the failure."""
        self.dialling += 1
        self._pool.tasks.start(self._dial(reader), name=f"dial {self.label}").add_done_callback(
            self._dialled
        )

    def _dialled(self, _: object) -> None:
        self.dialling -= 1

    def opened(self, upstream: UpstreamConnection) -> None:
        """A connection of ours is open."""
        self.connections += 1
        self._pool.open_connections += 1
        self._pool.wheel.add(upstream)

    def lost(self, upstream: UpstreamConnection) -> None:
        """A connection of ours is closed."""
        self.connections -= 1
        self._pool.open_connections -= 1
        self._pool.wheel.remove(upstream)
        if upstream in self.free:
            self.free.remove(upstream)

    def drain(self) -> None:
        """Close connections as soon as nobody uses them, unless a cluster has it again."""
        self.drains = True
        self.close()

    def close(self) -> None:
        """Close the connections that nobody uses."""
        for upstream in list(self.free):
            upstream.abort()

    async def _dial(self, reader: Reader) -> None:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                _, upstream = await asyncio.get_running_loop().create_connection(
                    lambda: UpstreamConnection(self),
                    self._host,
                    self._port,
                    ssl=self._pool.ssl_context() if self._tls else None,
                    server_hostname=self._server_name if self._tls else None,
                )
        except TimeoutError:
            reader.on_failed(
                _unconnected(
                    ResponseDetail.UPSTREAM_CONNECT_TIMEOUT,
                    f" within {self._connect_timeout_s:g} s",
                )
            )
        except (OSError, UnicodeError) as problem:
            reader.on_failed(
                _unconnected(ResponseDetail.UPSTREAM_CONNECT_FAILED, f": {_reason(problem)}")
            )
        else:
            if upstream.closed:
                reader.on_failed(
                    UpstreamFailure(
                        Phase.CONNECT,
                        ResponseDetail.UPSTREAM_CONNECT_FAILED,
                        "The upstream closed the connection at once.",
                        why="it closed the connection at once",
                    )
                )
            elif not reader.on_connected(upstream):
                self.put(upstream, self._pool.now())


class Pool:
    """All endpoints of this worker."""

    def __init__(
        self,
        wheel: Wheel,
        now: Callable[[], float],
        tasks: Tasks,
        make_ssl_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self.wheel = wheel
        self.now = now
        self.tasks = tasks
        self.outbox = Outbox()
        """Of this loop, for both sides of every exchange."""
        self.open_connections = 0
        self._make_ssl_context = make_ssl_context
        self._ssl_context: ssl.SSLContext | None = None
        self._endpoints: WeakValueDictionary[Address, EndpointPool] = WeakValueDictionary()

    def endpoints(self, cluster: Cluster) -> tuple[EndpointPool, ...]:
        """The pools of a cluster's endpoints; hold them as long as the cluster may be used."""
        return tuple(self._endpoint(cluster, endpoint) for endpoint in cluster.endpoints)

    def ssl_context(self) -> ssl.SSLContext:
        """The system's trust store, read once (it takes 20 ms)."""
        if self._ssl_context is None:
            self._ssl_context = self._make_ssl_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context

    async def close(self) -> None:
        """Close every connection that nobody uses, and stop dialling."""
        await self.tasks.close()
        for endpoint in list(self._endpoints.values()):
            endpoint.close()

    def _endpoint(self, cluster: Cluster, endpoint: Endpoint) -> EndpointPool:
        address: Address = (
            endpoint.host,
            endpoint.port,
            cluster.tls,
            endpoint.name,
            cluster.sni,
            cluster.connect_timeout_s,
        )
        found = self._endpoints.get(address)
        if found is None:
            found = self._endpoints[address] = EndpointPool(self, cluster, endpoint)
        found.drains = False
        return found


def authority_of(endpoint: Endpoint, tls: bool) -> str:
    """The Host header of an endpoint whose cluster has none."""
    host = f"[{endpoint.name}]" if ":" in endpoint.name else endpoint.name
    return host if endpoint.port == (443 if tls else 80) else f"{host}:{endpoint.port}"


def _unconnected(detail: ResponseDetail, how: str) -> UpstreamFailure:
    return UpstreamFailure(
        Phase.CONNECT, detail, f"No connection to the upstream{how}.", why=f"no connection{how}"
    )


def _reason(problem: Exception) -> str:
    if isinstance(problem, ssl.SSLCertVerificationError):
        return f"its certificate was not accepted ({problem.verify_message})"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    return str(problem) or type(problem).__name__
