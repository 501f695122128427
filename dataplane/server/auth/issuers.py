"""Keeps the key sets of issuers: fetched off the hot path, again now and then, and when somebody
shows a key that is not known.

The rule: no request waits for an issuer, and none is let in because one is away. Keys that were
good stay good; a token that cannot be checked yet is a 503.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import aiohttp

from dataplane.resilience.backoff import Backoff, Chance
from dataplane.runtime.auth import Jwks, Jwt
from dataplane.runtime.config import RuntimeConfig
from dataplane.tasks import Tasks

if TYPE_CHECKING:
    from dataplane.server.auth.key_set import Keys, KeySet
    from dataplane.server.auth.tokens import Tokens

log = logging.getLogger(__name__)

FETCH_S = 5.0
"""For an issuer to answer."""
FIRST_S = 1.0
"""How long a new configuration waits for keys, so that an issuer that is there costs no 503."""
LONGEST_BACK_OFF_S = 30.0
FILE_S = 5.0
"""How often a file is looked at."""


class Source(Protocol):
    """Where keys come from."""

    async def __call__(self) -> bytes:
        """The text of a set. Raises OSError, aiohttp.ClientError, TimeoutError, ValueError."""


class Issuer:
    """The keys of one place, and who keeps them."""

    def __init__(self, where: Jwks, keys: "KeySet", now: Callable[[], float]) -> None:
        self.keys = keys
        self.first = asyncio.Event()
        """Set when they were asked for once, with whatever outcome."""
        self.task: asyncio.Task[None] | None = None
        self._where = where
        self._now = now
        self._wanted = asyncio.Event()
        self._failed = False
        self._text = b""

    def want(self) -> None:
        """Ask soon."""
        self._wanted.set()

    async def keep(self, source: Source, backoff: Backoff) -> None:
        """Ask again and again."""
        while True:
            self._wanted.clear()
            good = await self._ask(source)
            self.first.set()
            if good:
                backoff.succeeded()
            wait_s = FILE_S if self._where.file else self._where.refresh_s
            try:
                async with asyncio.timeout(wait_s if good else backoff.next() + 0.1):
                    await self._wanted.wait()
            except TimeoutError:
                pass

    async def _ask(self, source: Source) -> bool:
        from dataplane.server.auth import key_set

        keys: Keys | None = None
        try:
            text = await source()
            # The same text is the same set: what was accepted by it need not be checked again.
            keys = self.keys.keys if text == self._text else key_set.read(text)
            self._text = text
        except (OSError, aiohttp.ClientError, TimeoutError, ValueError) as problem:
            self._told(str(problem) or type(problem).__name__)
        except key_set.UnusableKeysError as problem:
            self._told(str(problem))
        if keys is not None and self._failed:
            log.info("keys of %s are there again", _name(self._where))
            self._failed = False
        self.keys.fetched(keys, self._now())
        return keys is not None

    def _told(self, reason: str) -> None:
        """Once for each outage."""
        if not self._failed:
            known = "those known stay good" if self.keys.keys else "nothing of theirs is accepted"
            log.error("keys of %s cannot be had, %s: %s", _name(self._where), known, reason)
        self._failed = True


class Issuers:
    """Those that a configuration names. One per worker."""

    def __init__(self, now: Callable[[], float], chance: Chance) -> None:
        self._now = now
        self._chance = chance
        self._tasks = Tasks()
        self._issuers: dict[Jwks, Issuer] = {}
        self._session: aiohttp.ClientSession | None = None

    async def configure(self, config: RuntimeConfig) -> None:
        """Get the keys for a new configuration; those that are there stay."""
        wanted = set(_key_sets(config))
        for where in self._issuers.keys() - wanted:
            gone = self._issuers.pop(where)
            if gone.task is not None:
                gone.task.cancel()
        fresh = [self._issuer(where) for where in wanted if where not in self._issuers]
        if fresh:
            waiting = [asyncio.ensure_future(issuer.first.wait()) for issuer in fresh]
            await asyncio.wait(waiting, timeout=FIRST_S)
            for one in waiting:
                one.cancel()

    def tokens(self, rules: Jwt) -> "Tokens":
        """What checks the tokens of an issuer."""
        from dataplane.server.auth.tokens import Tokens

        issuer = self._issuer(rules.jwks)
        return Tokens(rules, issuer.keys, issuer.want)

    def keys(self, where: Jwks) -> tuple["KeySet", Callable[[], None]]:
        """The keys of an issuer, and whom to tell when they should be asked for."""
        issuer = self._issuer(where)
        return issuer.keys, issuer.want

    def states(self) -> Mapping[tuple[str, ...], float]:
        """Keys known of each issuer, for metrics."""
        return {
            (_name(where),): float(len(issuer.keys.keys or ()))
            for where, issuer in self._issuers.items()
        }

    async def close(self) -> None:
        """Ask nobody any more."""
        await self._tasks.close()
        if self._session is not None:
            await self._session.close()

    def _issuer(self, where: Jwks) -> Issuer:
        known = self._issuers.get(where)
        if known is not None:
            return known
        # 10 MB and 0.1 s of cryptography, for those who need it
        from dataplane.server.auth.key_set import KeySet

        made = self._issuers[where] = Issuer(where, KeySet(), self._now)
        backoff = Backoff(self._chance, longest_s=LONGEST_BACK_OFF_S)
        made.task = self._tasks.start(made.keep(self._source(where), backoff), "keys of an issuer")
        return made

    def _source(self, where: Jwks) -> Source:
        async def fetched() -> bytes:
            return await self._fetch(where.uri)

        async def read() -> bytes:
            return await asyncio.to_thread(Path(where.file).read_bytes)

        async def given() -> bytes:
            return where.text.encode()

        return fetched if where.uri else read if where.file else given

    async def _fetch(self, uri: str) -> bytes:
        from dataplane.server.auth.key_set import MAX_BYTES

        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=FETCH_S)
        async with self._session.get(uri, timeout=timeout, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            text = await answer.content.read(MAX_BYTES + 1)
            while len(text) <= MAX_BYTES and (more := await answer.content.read(MAX_BYTES)):
                text += more
            if len(text) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            return text


def _key_sets(config: RuntimeConfig) -> Iterable[Jwks]:
    for listener in config.listeners.values():
        if listener.auth is not None and listener.auth.jwt is not None:
            yield listener.auth.jwt.jwks
    for agent in config.agents.values():
        if agent.card_keys is not None:
            yield agent.card_keys


def _name(where: Jwks) -> str:
    return where.uri or where.file or "the config"
