"""A store in Redis, shared by every data plane that names it."""

import redis.asyncio
from redis.exceptions import RedisError

from dataplane.sessions.store import StoreError

PREFIX = "outrider:"
CONNECT_S = 2.0
ANSWER_S = 2.0
"""A request waits for its session no longer than this."""


class RedisStore:
    """Implements Store. Connects when first asked, and again after a failure."""

    def __init__(self, url: str) -> None:
        """:param url: redis://, rediss:// or unix://. Raises ValueError when it is none."""
        self._client = redis.asyncio.from_url(
            url, socket_connect_timeout=CONNECT_S, socket_timeout=ANSWER_S
        )

    async def get(self, key: str) -> bytes | None:
        """See Store."""
        try:
            value = await self._client.get(PREFIX + key)
        except (RedisError, OSError) as problem:
            raise _failed(problem) from problem
        assert not isinstance(value, str), "responses are not decoded"
        return value

    async def put(self, key: str, value: bytes, ttl_s: float) -> None:
        """See Store."""
        try:
            await self._client.set(PREFIX + key, value, px=max(1, int(ttl_s * 1000)))
        except (RedisError, OSError) as problem:
            raise _failed(problem) from problem

    async def delete(self, key: str) -> bool:
        """See Store."""
        try:
            return bool(await self._client.delete(PREFIX + key))
        except (RedisError, OSError) as problem:
            raise _failed(problem) from problem

    async def close(self) -> None:
        """See Store."""
        await self._client.aclose()


def _failed(problem: Exception) -> StoreError:
    # Redis's own words may repeat the URL and its password.
    return StoreError(f"Redis failed: {type(problem).__name__}")
