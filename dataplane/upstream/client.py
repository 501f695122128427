"""Calls that are control flow, to agents and filters, over the same connections as the relay's.

Rule: a request is sent again only when nothing can have been done with it: no connection, or a kept
one that was closed before any byte of an answer, once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dataplane.runtime.config import Cluster
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.messages import Headers, HttpReply, Request, ResponseDetail
from dataplane.upstream.asked import Asked
from dataplane.upstream.attempt import Attempt
from dataplane.upstream.clusters import Clusters
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure
from dataplane.upstream.hash_key import hash_key
from dataplane.upstream.message import message_of

if TYPE_CHECKING:
    from dataplane.llm.prefix_key import Key
    from dataplane.upstream.endpoint import UpstreamEndpoint

MAX_CONNECT_ATTEMPTS = 3

NO_ENDPOINT = UpstreamFailure(
    Phase.CONNECT, ResponseDetail.NO_USABLE_ENDPOINT, "it has no endpoint that can be used now"
)
FULL = UpstreamFailure(
    Phase.CONNECT,
    ResponseDetail.UPSTREAM_OVERFLOW,
    "it has as many requests as its circuit breakers allow",
)


class Answer:
    """An answer whose head has come; its body is read once, piece by piece."""

    __slots__ = ("_asked", "_attempt", "attempts", "endpoint", "headers", "status")

    def __init__(self, attempt: Attempt, asked: Asked) -> None:
        self._attempt = attempt
        self._asked = asked
        self.status = attempt.status
        """Its own status."""
        self.headers: Headers = attempt.headers
        """As they came."""
        self.endpoint = asked.endpoint.label if asked.endpoint is not None else ""
        """host:port that answered."""
        self.attempts = asked.attempts

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError when it ends too early."""
        asked, attempt = self._asked, self._attempt
        size = 0
        try:
            while piece := await attempt.piece():
                if not size:
                    asked.began()
                size += len(piece)
                yield piece
        except UpstreamError:
            asked.failed()
            raise
        if 200 <= self.status < 300:
            asked.ended(size, streamed=self._is_stream)

    @property
    def _is_stream(self) -> bool:
        kinds = (value for name, value in self.headers if name.lower() == "content-type")
        return next(kinds, "").lower().startswith("text/event-stream")


class UpstreamClient:
    """One per worker."""

    def __init__(self, clusters: Clusters) -> None:
        self._clusters = clusters

    async def call(
        self, cluster: Cluster, request: Request, timeout_s: float | None = None
    ) -> HttpReply | CallFailed:
        """Send a request and read the whole answer."""
        asked = Asked()
        try:
            async with asyncio.timeout(timeout_s):
                attempt = await self._attempt(cluster, request, asked, whole=True)
        except UpstreamError as problem:
            failure = problem.failure
            return CallFailed(failure.detail, failure.reason, timed_out=failure.status == 504)
        except TimeoutError:
            asked.failed()
            message = f"no answer within {timeout_s:g} s"
            return CallFailed(ResponseDetail.DEADLINE_EXCEEDED, message, timed_out=True)
        reply = HttpReply(attempt.status, attempt.headers, attempt.taken())
        if 200 <= reply.status < 300:
            asked.began()
            asked.ended(len(reply.body), streamed=False)
        asked.answered(reply.status)
        endpoint = asked.endpoint
        assert endpoint is not None
        asked.part_with(endpoint)
        return reply

    @asynccontextmanager
    async def open(
        self, cluster: Cluster, request: Request, asked: Asked | None = None, at: str = ""
    ) -> AsyncGenerator[Answer, None]:
        """Send a request; the answer may be read inside. Leaving early cuts the connection.

        Raises UpstreamError when no head of an answer comes.

        :param at: the only endpoint that can answer it, as `Answer.endpoint` calls it; empty: any.
        """
        asked = asked or Asked()
        attempt = await self._attempt(cluster, request, asked, at)
        endpoint = asked.endpoint
        assert endpoint is not None
        try:
            yield Answer(attempt, asked)
            asked.answered(attempt.status)
        finally:
            asked.part_with(endpoint)
            attempt.close()

    async def _attempt(
        self, cluster: Cluster, request: Request, asked: Asked, at: str = "", *, whole: bool = False
    ) -> Attempt:
        """The answer of the first endpoint that gives one; `asked` says which, and counts it as
        active.
        """
        state = self._clusters.of(cluster)
        key: Key = ()
        if state.hashes:
            header = partial(_header, request)
            key = hash_key(state.cluster.balancing, header, request.body, "")
        sent = _carrying(request, cluster) if cluster.headers else request
        tried: list[UpstreamEndpoint] = []
        fresh = False
        failure = NO_ENDPOINT
        while len(tried) < MAX_CONNECT_ATTEMPTS and (
            endpoint := state.named(at, tried) if at else state.pick(key, tried)
        ):
            if not asked.take(state, endpoint, key):
                failure = FULL
                break
            authority = cluster.authority or endpoint.authority.decode()
            attempt = Attempt(message_of(sent, authority), state.now, whole=whole)
            attempt.begin(endpoint.pool, fresh=fresh)
            try:
                await attempt.begun()
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
                attempt.close()
                asked.part_with(endpoint)
                raise
            else:
                return attempt
        raise UpstreamError(failure)


def _carrying(request: Request, cluster: Cluster) -> Request:
    """With what the operator says that requests to a cluster carry."""
    names = {name.lower() for name, _ in cluster.headers}
    kept = (pair for pair in request.headers if pair[0].lower() not in names)
    own = ((name, value.reveal()) for name, value in cluster.headers)
    return replace(request, headers=(*kept, *own))


def _header(request: Request, name: str) -> bytes:
    return (request.header(name) or "").encode("utf-8", "surrogateescape")
