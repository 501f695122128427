"""A store in Redis, shared by every data plane that names it."""

from typing import Any

import redis.asyncio
from redis.exceptions import RedisError

from dataplane.sessions.store import MAX_LINES, StoreError

PREFIX = "outrider:"
CONNECT_S = 2.0
ANSWER_S = 2.0
"""A request waits for its session no longer than this."""

_NOTE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local function drop(names)
  for _, name in ipairs(names) do
    redis.call('ZREM', KEYS[1], name)
    redis.call('HDEL', KEYS[2], name)
  end
end
drop(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now))
drop(redis.call('ZRANGE', KEYS[1], 0, -1 - ARGV[4]))
local left = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
for _, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, left[2]) end
"""
_LINES = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local names = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
if #names == 0 then return {} end
return redis.call('HMGET', KEYS[2], unpack(names))
"""


class RedisStore:
    """Implements Books. Connects when first asked, and again after a failure."""

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

    async def note(self, book: str, name: str, line: bytes, ttl_s: float) -> None:
        """See Books."""
        await self._script(_NOTE, book, name, line, max(1, int(ttl_s * 1000)), MAX_LINES)

    async def lines(self, book: str) -> list[bytes]:
        """See Books."""
        found: list[bytes] = await self._script(_LINES, book)
        return found

    async def _script(self, script: str, book: str, *arguments: str | bytes | int) -> Any:
        # What is in braces decides on which node of a cluster keys are: here it is the same.
        keys = tuple(f"{PREFIX}{{{book}}}:{part}" for part in ("expiry", "lines"))
        try:
            return await self._client.eval(script, len(keys), *keys, *arguments)
        except (RedisError, OSError) as problem:
            raise _failed(problem) from problem

    async def append(self, key: str, entry: bytes, most: int, ttl_s: float) -> None:
        """Add to a log, of which about the newest `most` entries are kept. Raises StoreError."""
        try:
            async with self._client.pipeline(transaction=False) as several:
                several.xadd(PREFIX + key, {b"": entry}, maxlen=most)
                several.pexpire(PREFIX + key, max(1, int(ttl_s * 1000)))
                await several.execute()
        except (RedisError, OSError) as problem:
            raise _failed(problem) from problem

    async def since(self, key: str, last: bytes | None) -> list[tuple[bytes, bytes]]:
        """What was added to a log after an entry, oldest first, each with its id; None: all that
        is there. Raises StoreError."""
        begin = b"-" if last is None else b"(" + last
        try:
            found: Any = await self._client.xrange(PREFIX + key, min=begin)
        except (RedisError, OSError) as problem:
            raise _failed(problem) from problem
        return [(at, entry) for at, fields in found for entry in fields.values()]

    async def close(self) -> None:
        """See Store."""
        await self._client.aclose()


def _failed(problem: Exception) -> StoreError:
    # Redis's own words may repeat the URL and its password.
    return StoreError(f"Redis failed: {type(problem).__name__}")
