"""Limits that are kept in Redis (shell around resilience/quota_book): one script for each bucket.

The rule: a worker holds nothing ahead. What a request needs is taken by one atomic script, and what
it does not use is given back at once; so any number of data planes, of any control planes, share a
limit exactly. What a worker that dies has taken stays spent; its requests at the same time are free
again when it has not been heard of for HOLDER_TTL_S.
"""

import asyncio
import logging
from collections.abc import Sequence

import redis.asyncio
from redis.exceptions import RedisError

from dataplane.clock import Clock
from dataplane.resilience.quota_book import Book
from dataplane.resilience.quota_holding import BucketId, Line
from dataplane.runtime.limits import StoreFailure
from dataplane.tasks import Tasks

log = logging.getLogger(__name__)

PREFIX = "outrider:limit:"
HOLDERS = "outrider:limit-holders"
CONNECT_S = 1.0
ANSWER_S = 1.0
AGAIN_S = 0.5
"""After a failure."""
TICK_S = 0.1
HEARTBEAT_S = 1.0
HOLDER_TTL_S = 10.0
DENIED_S = 0.05
KEPT_S = 60.0
"""How long a bucket stays in Redis after it is full again."""

BUCKET = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1e6
local capacity, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local back, owed, need = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = capacity
if kept[1] then
  level = math.min(capacity, tonumber(kept[1]) + rate * math.max(now - tonumber(kept[2]), 0))
end
level = math.min(capacity, level + back) - owed
local given = 0
if need > 0 and level >= need then
  level = level - need
  given = need
end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.6f', now))
local kept_s, forget_s = (capacity - level) / rate + tonumber(ARGV[6]), tonumber(ARGV[7])
if forget_s > 0 then kept_s = math.min(kept_s, forget_s) end
redis.call('PEXPIRE', KEYS[1], math.ceil(kept_s * 1000))
return {given, string.format('%.6f', level)}
"""
CONCURRENT = """
local t = redis.call('TIME')
local now = t[1] + t[2] / 1e6
local capacity, holder = tonumber(ARGV[1]), ARGV[2]
local out, need, ttl = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
end
local total = 0
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if all[i] ~= holder then total = total + tonumber(all[i + 1]) end
end
local given = 0
if need > 0 and total + out + need <= capacity then given = need end
if out + given > 0 then
  redis.call('HSET', KEYS[2], holder, out + given)
  redis.call('ZADD', KEYS[1], now + ttl, holder)
else
  redis.call('HDEL', KEYS[2], holder)
  redis.call('ZREM', KEYS[1], holder)
end
redis.call('PEXPIRE', KEYS[1], math.ceil(ttl * 2000))
redis.call('PEXPIRE', KEYS[2], math.ceil(ttl * 2000))
return {given, tostring(capacity - total - out - given)}
"""


class RedisLeases:
    """Keeps a book with a Redis."""

    def __init__(
        self, url: str, on_failure: StoreFailure, holder: str, book: Book, clock: Clock
    ) -> None:
        """`holder` is this process and no other. Raises ValueError when `url` is none."""
        self._client = redis.asyncio.from_url(
            url, socket_connect_timeout=CONNECT_S, socket_timeout=ANSWER_S
        )
        self._bucket = self._client.register_script(BUCKET)
        self._concurrent = self._client.register_script(CONCURRENT)
        self._on_failure = on_failure
        self._holder = holder
        self._book = book
        self._clock = clock
        self._woken = asyncio.Event()
        self._tasks = Tasks()
        self._told: dict[BucketId, tuple[int, int]] = {}
        """What was said of each bucket: returned, self-granted."""
        self._heart_at = float("-inf")
        self._working: asyncio.Task[None] | None = None
        self.failures = 0

    def start(self) -> None:
        """See Leases."""
        book = self._book
        book.wake = self._woken.set
        book.keeps = False
        book.hopeful = True
        book.open = self._on_failure is StoreFailure.OPEN
        book.closed = self._on_failure is StoreFailure.CLOSED
        self._tasks.start(self._run(), "limits in redis")

    async def close(self) -> None:
        """See Leases."""
        await self._tasks.close()
        book = self._book
        if book.connected:
            book.return_all()
            try:
                await self._say(book.lines())
                await self._client.zrem(HOLDERS, self._holder)
            except (RedisError, OSError) as e:
                log.warning("limits were not given back to Redis: %s", type(e).__name__)
        book.lost()
        book.expired()
        book.wake = _nobody
        book.keeps, book.open, book.closed = True, False, False
        await self._client.aclose()

    async def _run(self) -> None:
        while True:
            try:
                await self._heartbeat()
                self._told = {}
                if self._on_failure is StoreFailure.OPEN:
                    self._book.forgive()
                self._book.opened()
                await self._follow()
            except (RedisError, OSError) as e:
                # Redis's own words may repeat the URL and its password.
                if self._book.connected or not self.failures:
                    held = self._on_failure.value
                    log.error("limits: Redis failed (%s): %s", type(e).__name__, held)
                self.failures += 1
            finally:
                self._book.lost()
                self._book.expired()
            await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(TICK_S):
                    await self._woken.wait()
            except TimeoutError:
                self._book.tick(self._clock.now())
            self._woken.clear()
            now = self._clock.now()
            if now - self._heart_at >= HEARTBEAT_S:
                await self._heartbeat()
                self._book.touch()
            lines = self._book.lines()
            if lines:
                await self._say(lines)

    async def _heartbeat(self) -> None:
        """Say that we live, and hear how many do."""
        self._heart_at = self._clock.now()
        wall = self._clock.wall()
        pipe = self._client.pipeline(transaction=False)
        pipe.zadd(HOLDERS, {self._holder: wall + HOLDER_TTL_S})
        pipe.zremrangebyscore(HOLDERS, "-inf", wall)
        pipe.zcard(HOLDERS)
        found = await pipe.execute()
        self._book.holders = max(int(found[-1]), 1)

    async def _say(self, lines: Sequence[Line]) -> None:
        pipe = self._client.pipeline(transaction=False)
        asked = [line for line in lines if await self._queue(pipe, line)]
        if not asked:
            return
        answers = await pipe.execute()
        now = self._clock.now()
        for line, (given, level) in zip(asked, answers, strict=True):
            holding = self._book.holdings.get(line.id)
            self._book.acknowledged({line.id: line.self_granted})
            if holding is None:
                continue
            left = float(level)
            if given:
                self._book.granted(line.id, holding.granted + int(given), left, now)
            elif line.need:
                self._book.denied(line.id, left, now + DENIED_S, now)
            else:
                holding.level, holding.told_at = left, now

    async def _queue(self, pipe: redis.asyncio.client.Pipeline, line: Line) -> bool:
        """Put what a line means into a pipeline; whether it means anything."""
        holding = self._book.holdings.get(line.id)
        returned, owed = self._told.get(line.id, (0, 0))
        back, more = line.returned - returned, max(line.self_granted - owed, 0)
        self._told[line.id] = (line.returned, line.self_granted)
        if line.closed:
            self._told.pop(line.id, None)
        if holding is None and not (back or more):
            return False
        key = PREFIX + "{" + "\n".join((*line.id[:2], *line.id[2])) + "}"
        if holding is not None and holding.returns:
            out = holding.held + holding.reserved
            keys = [key + ":at", key]
            args: list[str | float] = [holding.capacity, self._holder, out, line.need, HOLDER_TTL_S]
            await self._concurrent(keys=keys, args=args, client=pipe)
            return True
        if holding is None or not (back or more or line.need):
            return False
        rate = holding.amount.rate
        args = [holding.capacity, repr(rate), back, more, line.need, KEPT_S, holding.limit.forget_s]
        await self._bucket(keys=[key], args=args, client=pipe)
        return True


def _nobody() -> None:
    """Who wakes nobody."""
