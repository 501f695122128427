"""Hands data planes the keys that tickets of runs are sealed with (shell).

Rule: a key is in its file, and on streams whose other end has shown who it is; in no resource,
snapshot, revision, dump or log. Data planes on several machines so take each other's tickets. When
a key is replaced the one before stays good, as runs that it has sealed are still open.

A control plane makes its own keys; several that share a secret make the same ones of it.
"""

import asyncio
import base64
import hashlib
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import grpc
import grpc.aio
from outriderpb.fleet.v1 import run_keys_pb2

from controlplane.xds.stream import legible

log = logging.getLogger(__name__)

SERVICE = "outrider.fleet.v1.RunKeyService"
METHOD = "StreamRunKeys"
FILE = "run-keys.json"
KEY_BYTES = 32
KEPT = 2
"""The newest one and the one before it."""
LIVES_S = 86_400.0
"""For which a key is the newest: so long, at least, the one before it opens what it has sealed, and
no listener gives a request more than a day."""
LOOK_S = 60.0
MIN_BYTES = 16
"""Of a shared secret: shorter ones can be guessed."""
MAX_SECRETS = 2
"""The one that seals and the one before it, or after it."""


class BadRunKeyError(Exception):
    """The operator's file is none; the text says why."""


class Keys(Protocol):
    """What data planes are told, as it changes."""

    def current(self) -> tuple[bytes, ...]:
        """The first one seals, all of them open."""

    async def changed(self, known: tuple[bytes, ...]) -> None:
        """Wait until they are others than these."""

    def replace_old(self) -> bool:
        """Whether there is another key now: the newest one had its time."""


@dataclass(frozen=True, slots=True)
class _Key:
    data: bytes
    made: float
    """In seconds of the wall clock."""


class RunKeys:
    """The keys of a control plane, newest first, kept in its state folder."""

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        self._path = path
        self._wall = wall
        self._keys: tuple[_Key, ...] = ()
        self._told = _Told()

    def load(self) -> None:
        """Those of before a restart; a file that cannot be read is none."""
        try:
            kept = json.loads(self._path.read_bytes())
            keys = tuple(_Key(base64.b64decode(one["key"]), float(one["made"])) for one in kept)
            if all(len(key.data) == KEY_BYTES for key in keys):
                self._keys = keys[:KEPT]
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError, KeyError) as e:
            log.warning("%s is ignored: %s", self._path, type(e).__name__)
        self.replace_old()

    def replace_old(self) -> bool:
        """Whether there is another key now: the newest one had its time."""
        now = self._wall()
        if self._keys and abs(now - self._keys[0].made) < LIVES_S:
            return False
        self._keys = (_Key(os.urandom(KEY_BYTES), now), *self._keys)[:KEPT]
        self._save()
        self._told.renew()
        return True

    def current(self) -> tuple[bytes, ...]:
        """See Keys."""
        return tuple(key.data for key in self._keys)

    async def changed(self, known: tuple[bytes, ...]) -> None:
        """See Keys."""
        while self.current() == known:
            await self._told.wait()

    def _save(self) -> None:
        kept = [
            {"key": base64.b64encode(key.data).decode(), "made": key.made} for key in self._keys
        ]
        beside = self._path.with_suffix(".tmp")
        try:
            beside.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                json.dump(kept, out)
            beside.replace(self._path)
        except OSError as e:
            log.warning("%s cannot be written: %s", self._path, e.strerror)


class SharedRunKeys:
    """The keys that several control planes make of a secret in a file: one for each day.

    Their clocks differ, so the key of the next day opens already.
    """

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        self._path = path
        self._wall = wall
        self._secrets: tuple[bytes, ...] = ()
        self._keys: tuple[bytes, ...] = ()
        self._told = _Told()

    def load(self) -> None:
        """Raises BadRunKeyError."""
        self._secrets = _secrets(self._path)
        self._keys = self._made()

    def replace_old(self) -> bool:
        """See Keys. The file is read anew; while it is none its last secrets stay."""
        try:
            self._secrets = _secrets(self._path)
        except BadRunKeyError as problem:
            log.warning("keys of runs stay as they were: %s", problem)
        before, self._keys = self._keys, self._made()
        if before != self._keys:
            self._told.renew()
        return before[0] != self._keys[0]

    def current(self) -> tuple[bytes, ...]:
        """See Keys."""
        return self._keys

    async def changed(self, known: tuple[bytes, ...]) -> None:
        """See Keys."""
        while self._keys == known:
            await self._told.wait()

    def _made(self) -> tuple[bytes, ...]:
        day = int(self._wall() // LIVES_S)
        days = (day, day - 1, day + 1)
        return tuple(_key_of(secret, one) for secret in self._secrets for one in days)


class _Told:
    """Wakes all who wait for a change, each time."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def renew(self) -> None:
        event, self._event = self._event, asyncio.Event()
        event.set()

    async def wait(self) -> None:
        await self._event.wait()


def _secrets(path: Path) -> tuple[bytes, ...]:
    try:
        lines = tuple(filter(None, map(bytes.strip, path.read_bytes().splitlines())))
    except OSError as problem:
        raise BadRunKeyError(f"cannot read {path}: {problem.strerror}") from problem
    if not 1 <= len(lines) <= MAX_SECRETS:
        raise BadRunKeyError(f"{path} has {len(lines)} lines with a key in place of 1 or 2")
    if min(map(len, lines)) < MIN_BYTES:
        raise BadRunKeyError(f"a key in {path} has less than {MIN_BYTES} bytes")
    return lines


def _key_of(secret: bytes, day: int) -> bytes:
    key = hashlib.blake2b(secret).digest()
    told = day.to_bytes(8, signed=True)
    return hashlib.blake2b(
        told, digest_size=KEY_BYTES, key=key, person=b"outrider-run-day"
    ).digest()


class RunKeyService:
    """Tells them to whoever asks: the port has looked at who that is."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._waiting: set[asyncio.Task[None]] = set()
        self._closed = False

    def handler(self) -> grpc.GenericRpcHandler:
        """To be added to a grpc.aio server."""
        method = grpc.unary_stream_rpc_method_handler(
            # The stubs know synchronous handlers only.
            cast(Any, self._serve),
            run_keys_pb2.RunKeysRequest.FromString,
            run_keys_pb2.RunKeys.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(SERVICE, {METHOD: method})

    async def tend(self) -> None:
        """Replace keys when their time has come, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._keys.replace_old():
                log.info("runs are sealed with a new key; the one before it still opens them")

    async def close(self) -> None:
        """Streams end."""
        self._closed = True
        for task in list(self._waiting):
            task.cancel()

    async def _serve(
        self, request: run_keys_pb2.RunKeysRequest, _: object
    ) -> AsyncIterator[run_keys_pb2.RunKeys]:
        log.debug("node %s gets the keys of runs", legible(request.node_id[:256]))
        while not self._closed:
            keys = self._keys.current()
            yield run_keys_pb2.RunKeys(keys=keys)
            # They may have changed while a slow node was told them.
            task = asyncio.ensure_future(self._keys.changed(keys))
            self._waiting.add(task)
            try:
                await asyncio.wait([task])
            finally:
                task.cancel()
                self._waiting.discard(task)
