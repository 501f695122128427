"""The last accepted resources on disk, so that a start needs no control plane.

The file holds resources as they came: secrets are still names of variables and files. A file that
is not exactly what we wrote (checksum, format, group) is ignored; a stale or half config must never
be served.
"""

import asyncio
import hashlib
import logging
import os
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError as WireError
from outriderpb.xds.v3 import ads_pb2

from dataplane.xds.decode import UndecodableError, decode
from dataplane.xds.resource import KIND_BY_URL, NOTHING, ResourceKind, Resources
from dataplane.xds.secrets import SecretReader

log = logging.getLogger(__name__)

FORMAT = "outrider-last-good-1"
FILE_NAME = "last-good.bin"
LENGTH = struct.Struct(">I")
SAVE_DELAY_S = 0.1
"""One change arrives as up to one update per kind, milliseconds apart: they become one write."""


class _UnusableError(Exception):
    """Why a file is not loaded."""


class LastGood:
    """The file of one state directory. Workers share it: whole files replace one another."""

    def __init__(self, directory: Path, group: str) -> None:
        self._path = directory / FILE_NAME
        self._group = group
        self._written = ""

    def load(self, secrets: SecretReader) -> Resources | None:
        """What was saved last, or None with a line in the log. Blocks: call it before serving."""
        try:
            return self._decode(self._path.read_bytes(), secrets)
        except FileNotFoundError:
            return None
        except OSError as e:
            log.warning("last good config %s cannot be read: %s", self._path, e.strerror)
        except (_UnusableError, UndecodableError) as e:
            log.warning("last good config %s is ignored: %s", self._path, e)
        return None

    def _decode(self, data: bytes, secrets: SecretReader) -> Resources:
        head, _, body = data.partition(b"\n")
        if not head.startswith(FORMAT.encode() + b" "):
            raise _UnusableError("written in another format")
        if head != self._head(body):
            group = head.rpartition(b" ")[2]
            other = group != self._group.encode().hex().encode()
            raise _UnusableError("of another node group" if other else "damaged")
        resources = Resources()
        for message in _messages(body):
            kind = KIND_BY_URL.get(message.type_url)
            if kind is None:
                raise _UnusableError(f"holds an unknown type {message.type_url!r}")
            decoded = [decode(kind, one, NOTHING, secrets) for one in message.resources]
            resources = resources.with_changes(kind, decoded, ())
        return resources

    def _head(self, body: bytes) -> bytes:
        digest = hashlib.sha256(body).hexdigest()
        return f"{FORMAT} {digest} {self._group.encode().hex()}".encode()

    def save(self, resources: Resources) -> None:
        """Replace the file, or leave it and log. Blocks on the disk: call it off the event loop."""
        body = b"".join(_framed(kind, resources) for kind in ResourceKind if resources.of(kind))
        head = self._head(body)
        try:
            if self._has(head):
                return
            _replace(self._path, head + b"\n" + body)
        except OSError as e:
            log.warning("last good config %s cannot be written: %s", self._path, e.strerror)

    def _has(self, head: bytes) -> bool:
        """Another worker was quicker, or nothing changed."""
        try:
            with self._path.open("rb") as file:
                return file.readline(len(head) + 2) == head + b"\n"
        except FileNotFoundError:
            return False


def _framed(kind: ResourceKind, resources: Resources) -> bytes:
    """One kind as a length and a message; sorted, so equal content gives equal files."""
    message = ads_pb2.DeltaDiscoveryResponse(
        type_url=kind.url,
        resources=[
            ads_pb2.Resource(
                name=name, version=one.version, resource=Any(type_url=kind.url, value=one.body)
            )
            for name, one in sorted(resources.of(kind).items())
        ],
    )
    data = message.SerializeToString(deterministic=True)
    return LENGTH.pack(len(data)) + data


def _messages(body: bytes) -> Iterator[ads_pb2.DeltaDiscoveryResponse]:
    at = 0
    while at < len(body):
        try:
            (length,) = LENGTH.unpack_from(body, at)
            at += LENGTH.size
            yield ads_pb2.DeltaDiscoveryResponse.FromString(body[at : at + length])
        except (struct.error, WireError) as e:
            raise _UnusableError("damaged") from e
        at += length


def _replace(path: Path, data: bytes) -> None:
    """Readers see the old file or the new one, whole, also after a power cut."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


class Saver:
    """Writes the newest accepted resources in a thread, a burst of changes once."""

    def __init__(self, last_good: LastGood, delay_s: float = SAVE_DELAY_S) -> None:
        self._last_good = last_good
        self._delay_s = delay_s
        self._newest: Resources | None = None
        self._changed = asyncio.Event()

    def put(self, resources: Resources) -> None:
        """These are accepted now; returns at once."""
        self._newest = resources
        self._changed.set()

    async def run(self) -> None:
        """Write until cancelled; then what is not on disk yet."""
        try:
            while True:
                await self._changed.wait()
                await asyncio.sleep(self._delay_s)
                await self._write()
        finally:
            if self._newest is not None:
                self._last_good.save(self._newest)

    async def _write(self) -> None:
        newest = self._newest
        self._changed.clear()
        if newest is not None:
            await asyncio.to_thread(self._last_good.save, newest)
            if self._newest is newest:
                self._newest = None
