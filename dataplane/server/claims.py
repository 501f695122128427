"""Which data plane of this machine has a port. Workers share theirs with SO_REUSEPORT, and so would
two data planes of one user: the kernel would give each of them some of the clients.

Rule: a port is claimed before it is bound, and given back when nobody accepts on it any more. A
claim is a lock of the kernel's, so that one whose owner was killed is none.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

EVERYWHERE = frozenset(("0.0.0.0", "::", ""))
MAX_WHO = 512
"""Bytes of what a claim says of its owner."""


class ClaimedError(Exception):
    """Another data plane has the port; the text says which."""


class Claim:
    """One listener's, until it is released or this process ends."""

    def __init__(self, descriptor: int = -1) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Somebody else may have the port. May be called more than once."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class Claims:
    """Those of one data plane, whose workers may all have the same port. One per worker."""

    def __init__(self, folder: Path, family: str, who: str) -> None:
        """:param folder: the same for all data planes of this user.
        :param family: the same for all workers of a data plane, and for no others.
        :param who: what is told to others who want the port.
        """
        self._folder = folder
        self._family = hashlib.blake2b(family.encode(), digest_size=8).hexdigest()
        self._who = who.encode("utf-8", "replace")[:MAX_WHO]

    def take(self, address: str, port: int) -> Claim:
        """Claim a port; ports that the system chooses, and a folder that cannot be used, need no
        claim. Raises ClaimedError.
        """
        if port == 0:
            return Claim()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone(port):
                self._look(address, port)
                return self._claimed(address, port)
        except OSError:
            return Claim()

    def _claimed(self, address: str, port: int) -> Claim:
        path = self._folder / f"{port}@{address}~{self._family}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        os.pwrite(descriptor, self._who, 0)
        os.ftruncate(descriptor, len(self._who))
        return Claim(descriptor)

    def _look(self, address: str, port: int) -> None:
        """Raises ClaimedError. Claims that nobody holds are cleared away."""
        for path in self._folder.glob(f"{port}@*"):
            theirs, _, family = path.name.partition("@")[2].rpartition("~")
            if family == self._family or not _meet(address, theirs):
                continue
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                who = os.pread(descriptor, MAX_WHO, 0).decode("utf-8", "replace")
                raise ClaimedError(f"{who} listens there") from None
            else:
                path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)

    @contextlib.contextmanager
    def _alone(self, port: int) -> Iterator[None]:
        """Nobody else looks or claims meanwhile."""
        descriptor = os.open(
            self._folder / f"{port}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def folder_of(temporary: Path) -> Path:
    """Where claims of this user are, for this network: containers have ports of their own."""
    try:
        network = os.stat("/proc/self/ns/net").st_ino
    except OSError:
        network = 0
    return temporary / f"outrider-ports-{os.getuid()}-{network}"


def _meet(one: str, other: str) -> bool:
    """Whether two addresses are the same, or one of them is every address of the machine."""
    return one == other or bool({one, other} & EVERYWHERE)
