"""One attempt at an answer, for a coroutine: over a connection of the pool's, as the relay's are.

The rule: what comes is kept until somebody takes it, and what is kept is bounded: then the upstream
is not read. A question whose answer is wanted whole wakes its coroutine once.
"""

import asyncio
from collections.abc import Callable

from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.upstream.connection import UpstreamConnection
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure
from dataplane.upstream.pool import EndpointPool

MAX_KEPT_BYTES = 256 * 1024
"""Of a body that is read piece by piece."""
MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Of an answer that is read whole: what a request may have at most by default."""
_CODING = b"transfer-encoding"
_BAD_TRANSFER = UpstreamFailure(
    Phase.ANSWER,
    ResponseDetail.UPSTREAM_PROTOCOL_ERROR,
    "its Transfer-Encoding is not `chunked`",
)
_TOO_LARGE = UpstreamFailure(
    Phase.ANSWER,
    ResponseDetail.UPSTREAM_PROTOCOL_ERROR,
    f"the answer is larger than {MAX_ANSWER_BYTES} bytes",
)


class Attempt:
    """Implements Reader (connection.py)."""

    __slots__ = (
        "_failure",
        "_is_done",
        "_is_over",
        "_kept",
        "_message",
        "_now",
        "_pieces",
        "_upstream",
        "_waiter",
        "_whole",
        "headers",
        "status",
    )

    def __init__(
        self,
        message: "bytes | list[bytes | memoryview]",
        now: Callable[[], float],
        *,
        whole: bool,
    ) -> None:
        """:param whole: all of the answer is wanted, and nothing before that."""
        self._message = message
        self._now = now
        self._whole = whole
        self.status = 0
        """0: no head has come."""
        self.headers: Headers = ()
        self._pieces: list[bytes] = []
        self._kept = 0
        """Bytes of the pieces."""
        self._is_done = False
        self._is_over = False
        self._failure: UpstreamFailure | None = None
        self._upstream: UpstreamConnection | None = None
        self._waiter: asyncio.Future[None] | None = None

    # -- for who asks

    def begin(self, pool: EndpointPool, *, fresh: bool) -> None:
        """Send it, over a kept connection unless it has to be a `fresh` one."""
        upstream = None if fresh else pool.take()
        if upstream is None:
            pool.dial(self)
        else:
            self._upstream = upstream
            upstream.send(self, self._message)

    async def begun(self) -> None:
        """Wait for the head, or for all of an answer that is wanted `whole`. Raises UpstreamError
        when there is none.
        """
        while not (self._is_done if self._whole else self.status):
            if self._failure is not None:
                raise UpstreamError(self._failure)
            await self._more()

    async def piece(self) -> bytes:
        """More of the body; empty: it is whole. Raises UpstreamError when it ends too early."""
        while not self._pieces:
            if self._is_done:
                return b""
            if self._failure is not None:
                raise UpstreamError(self._failure)
            await self._more()
        upstream = self._upstream
        if upstream is not None and upstream.paused:
            upstream.resume()
        return self.taken()

    def taken(self) -> bytes:
        """What is here of the body."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._kept = 0
        return data

    def close(self) -> None:
        """Nothing more is wanted: what is not whole is cut."""
        self._is_over = True
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abort()

    async def _more(self) -> None:
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        try:
            await waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # -- Reader

    def on_connected(self, upstream: UpstreamConnection) -> bool:
        """See Reader."""
        if self._is_over:
            return False
        self._upstream = upstream
        upstream.send(self, self._message)
        return True

    def on_failed(self, failure: UpstreamFailure) -> None:
        """See Reader."""
        self._upstream = None
        self._failure = failure
        self._wake()

    def on_answer(self, upstream: UpstreamConnection, body: bytes, done: bool) -> None:
        """See Reader."""
        if not self.status:
            headers = _headers(upstream)
            if headers is None:
                upstream.abort()
                self.on_failed(_BAD_TRANSFER)
                return
            self.status = upstream.status
            self.headers = headers
        if body:
            self._pieces.append(body)
            self._kept += len(body)
            if self._kept > MAX_ANSWER_BYTES and self._whole:
                upstream.abort()
                self.on_failed(_TOO_LARGE)
                return
        if done:
            self._is_done = True
            self._upstream = None
            upstream.release(self._now())
        elif self._whole:
            return
        elif self._kept > MAX_KEPT_BYTES and not upstream.paused:
            upstream.pause()
        self._wake()


def _headers(upstream: UpstreamConnection) -> Headers | None:
    """As text; None: the body is coded in a way that nobody decodes."""
    found = []
    for name, value in upstream.headers:
        coded = len(name) == len(_CODING) and name.lower() == _CODING
        if coded and value.strip().lower() != b"chunked":
            return None
        text = value.decode("utf-8", "surrogateescape").strip(" \t")
        found.append((name.decode("latin-1"), text))
    return tuple(found)
