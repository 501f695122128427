"""Calls that are control flow, to agents and filters, over aiohttp (the relay has its own pool).

Rule: a request is sent again only when nothing can have been done with it: no connection, or a kept
one that was closed before any byte of an answer, once.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from dataplane.runtime.config import Cluster, Endpoint
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import Headers, HttpReply, Request, ResponseDetail
from dataplane.upstream.asked import Asked
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.errors import Phase, UpstreamFailure
from dataplane.upstream.hash_key import hash_key
from dataplane.upstream.pool import authority_of

if TYPE_CHECKING:
    from dataplane.llm.prefix_key import Key
    from dataplane.upstream.endpoint import UpstreamEndpoint

MAX_CONNECT_ATTEMPTS = 3
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Of an answer that is read whole: what a request may have at most by default."""
KEEPALIVE_S = 4.0
"""Shorter than uvicorn's and Node's 5 s: we close first, so no request meets a closing one."""
DNS_TTL_S = 10


class UpstreamError(Exception):
    """An attempt failed; `failure` says how and how far it had come."""

    def __init__(self, failure: UpstreamFailure) -> None:
        super().__init__(failure.message)
        self.failure = failure


NO_ENDPOINT = UpstreamFailure(
    Phase.CONNECT, ResponseDetail.NO_USABLE_ENDPOINT, "it has no endpoint that can be used now"
)
FULL = UpstreamFailure(
    Phase.CONNECT,
    ResponseDetail.UPSTREAM_OVERFLOW,
    "it has as many requests as its circuit breakers allow",
)


@dataclass(slots=True)
class _Attempt:
    """What became of one attempt's connection, told by aiohttp on the way."""

    reused: bool = False


class Answer:
    """An answer whose head has come; its body is read once, piece by piece."""

    __slots__ = ("_asked", "_connection", "_response", "attempts", "endpoint")

    def __init__(self, response: aiohttp.ClientResponse, asked: Asked) -> None:
        self._response = response
        self._asked = asked
        self._connection = response.connection.protocol if response.connection else None
        self.endpoint = asked.endpoint.label if asked.endpoint is not None else ""
        """host:port that answered."""
        self.attempts = asked.attempts

    @property
    def status(self) -> int:
        """Its own status."""
        return self._response.status

    @property
    def headers(self) -> Headers:
        """As they came."""
        return tuple(self._response.headers.items())

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError when it ends too early."""
        content = self._response.content
        asked = self._asked
        size = 0
        try:
            while piece := await content.readany():
                if not size:
                    asked.began()
                size += len(piece)
                yield piece
            self._check_end()
        except (aiohttp.ClientError, OSError) as problem:
            asked.failed()
            raise UpstreamError(_broken(problem, ResponseDetail.UPSTREAM_TRUNCATED)) from problem
        if 200 <= self.status < 300:
            asked.ended(size, streamed=self._response.content_type == "text/event-stream")

    def _check_end(self) -> None:
        """A body that ends with its connection is whole only if that was closed in good order.

        aiohttp ends it cleanly after a reset, too, but its protocol remembers.
        """
        headers = self._response.headers
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            return
        problem = self._connection.exception() if self._connection is not None else None
        if isinstance(problem, OSError):
            raise problem


class UpstreamClient:
    """One per worker; make and close it within the running loop."""

    def __init__(
        self,
        clusters: Clusters,
        make_ssl_context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._clusters = clusters
        self._make_ssl_context = make_ssl_context
        self._ssl_context: ssl.SSLContext | None = None
        self._session: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None

    async def call(
        self, cluster: Cluster, request: Request, timeout_s: float | None = None
    ) -> HttpReply | CallFailed:
        """Send a request and read the whole answer."""
        asked = Asked()
        try:
            async with asyncio.timeout(timeout_s), self.open(cluster, request, asked) as answer:
                body = bytearray()
                async for piece in answer.pieces():
                    body += piece
                    if len(body) > MAX_ANSWER_BYTES:
                        message = f"the answer is larger than {MAX_ANSWER_BYTES} bytes"
                        return CallFailed(ResponseDetail.UPSTREAM_PROTOCOL_ERROR, message)
                return HttpReply(answer.status, answer.headers, bytes(body))
        except UpstreamError as problem:
            failure = problem.failure
            return CallFailed(failure.detail, failure.message, timed_out=failure.status == 504)
        except TimeoutError:
            asked.failed()
            message = f"no answer within {timeout_s:g} s"
            return CallFailed(ResponseDetail.DEADLINE_EXCEEDED, message, timed_out=True)

    @asynccontextmanager
    async def open(
        self, cluster: Cluster, request: Request, asked: Asked | None = None, at: str = ""
    ) -> AsyncGenerator[Answer, None]:
        """Send a request; the answer may be read inside. Leaving early cuts the connection.

        Raises UpstreamError when no head of an answer comes.

        :param at: the only endpoint that can answer it, as `Answer.endpoint` calls it; empty: any.
        """
        asked = asked or Asked()
        response = await self._attempt(cluster, request, asked, at)
        endpoint = asked.endpoint
        assert endpoint is not None
        try:
            yield Answer(response, asked)
            asked.answered(response.status)
        finally:
            asked.part_with(endpoint)
            response.close()

    async def close(self) -> None:
        """Close every connection."""
        for session in (self._session, self._fresh):
            if session is not None:
                await session.close()

    async def _attempt(
        self, cluster: Cluster, request: Request, asked: Asked, at: str
    ) -> aiohttp.ClientResponse:
        """The answer of the first endpoint that gives one; `asked` says which, and counts it as
        active.
        """
        state = self._clusters.of(cluster)
        key: Key = ()
        if state.hashes:
            header = partial(_header, request)
            key = hash_key(state.cluster.balancing, header, request.body, "")
        tried: list[UpstreamEndpoint] = []
        fresh = False
        failure = NO_ENDPOINT
        while len(tried) < MAX_CONNECT_ATTEMPTS and (
            endpoint := state.named(at, tried) if at else state.pick(key, tried)
        ):
            if not asked.take(state, endpoint, key):
                failure = FULL
                break
            try:
                return await self._send(cluster, endpoint.endpoint, request, fresh)
            except UpstreamError as problem:
                failure = problem.failure
                if failure.phase is Phase.STALE and not fresh:
                    fresh = True
                    asked.part_with(endpoint)
                    continue
                asked.failed()
                asked.part_with(endpoint)
                if failure.phase is not Phase.CONNECT:
                    break
                tried.append(endpoint)
            except BaseException:
                asked.part_with(endpoint)
                raise
        raise UpstreamError(failure)

    async def _send(
        self, cluster: Cluster, endpoint: Endpoint, request: Request, fresh: bool
    ) -> aiohttp.ClientResponse:
        attempt = _Attempt()
        url = URL.build(
            scheme="https" if cluster.tls else "http",
            host=endpoint.host,
            port=endpoint.port,
            path=request.path,
            query_string=request.query,
            encoded=True,
        )
        headers = list(request.headers)
        if cluster.authority:
            headers.append(("Host", cluster.authority))
        elif endpoint.hostname:
            headers.append(("Host", authority_of(endpoint, cluster.tls)))
        try:
            return await self._open_session(fresh).request(
                request.method,
                url,
                headers=headers,
                data=request.body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=cluster.connect_timeout_s),
                ssl=self._trust() if cluster.tls else True,
                server_hostname=cluster.sni or endpoint.hostname or None if cluster.tls else None,
                trace_request_ctx=attempt,
            )
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise UpstreamError(_failure(problem, attempt, cluster)) from problem

    def _trust(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = self._make_ssl_context()
        return self._ssl_context

    def _open_session(self, fresh: bool) -> aiohttp.ClientSession:
        if fresh:
            if self._fresh is None:
                self._fresh = _session(aiohttp.TCPConnector(limit=0, force_close=True))
            return self._fresh
        if self._session is None:
            self._session = _session(
                aiohttp.TCPConnector(
                    limit=0, keepalive_timeout=KEEPALIVE_S, ttl_dns_cache=DNS_TTL_S
                )
            )
        return self._session


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(_reused)
    return aiohttp.ClientSession(
        connector=connector,
        # What is not in a request's headers is not sent, what comes back is not changed.
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        trace_configs=[trace],
    )


async def _reused(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    context.trace_request_ctx.reused = True


def _failure(problem: Exception, attempt: _Attempt, cluster: Cluster) -> UpstreamFailure:
    match problem:
        case aiohttp.ConnectionTimeoutError():
            message = f"no connection within {cluster.connect_timeout_s:g} s"
            return UpstreamFailure(Phase.CONNECT, ResponseDetail.UPSTREAM_CONNECT_TIMEOUT, message)
        case (
            aiohttp.ClientConnectorError()
            | aiohttp.InvalidURL()
            | aiohttp.ServerFingerprintMismatch()
        ):
            message = f"no connection: {_reason(problem)}"
            return UpstreamFailure(Phase.CONNECT, ResponseDetail.UPSTREAM_CONNECT_FAILED, message)
        case aiohttp.ServerDisconnectedError(message=str()) | aiohttp.ClientOSError() if (
            attempt.reused
        ):
            message = "a kept connection was closed"
            return UpstreamFailure(Phase.STALE, ResponseDetail.UPSTREAM_RESET, message)
        case aiohttp.ClientResponseError():
            message = f"its answer is not HTTP: {problem.message}"
            return UpstreamFailure(Phase.ANSWER, ResponseDetail.UPSTREAM_PROTOCOL_ERROR, message)
        case _:
            return _broken(problem, ResponseDetail.UPSTREAM_RESET)


def _broken(problem: Exception, detail: ResponseDetail) -> UpstreamFailure:
    return UpstreamFailure(Phase.ANSWER, detail, "it closed the connection before it had answered")


def _reason(problem: Exception) -> str:
    if isinstance(problem, aiohttp.ClientConnectorCertificateError):
        return f"its certificate was not accepted ({problem.certificate_error})"
    if isinstance(problem, aiohttp.ClientConnectorError):
        return problem.os_error.strerror or str(problem.os_error)
    return str(problem)


def _header(request: Request, name: str) -> bytes:
    return (request.header(name) or "").encode("utf-8", "surrogateescape")
