"""The key that tickets of runs are sealed with: an operator's file, or one that the workers of this
data plane share.

Rule: a key is whole before anybody can read it, and only we can.
"""

import hashlib
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

NAME = "run.key"
KEY_BYTES = 32
MIN_BYTES = 16
"""Of an operator's key: shorter ones can be guessed."""


class BadRunKeyError(Exception):
    """The operator's file is none; the text says why."""


def run_key(file: Path | None, directory: Path) -> bytes:
    """The operator's, if there is one; else that of this data plane. Raises BadRunKeyError."""
    return operators_key(file) if file is not None else shared_key(directory)


def operators_key(file: Path) -> bytes:
    """The key in a file, whatever its form. Raises BadRunKeyError."""
    try:
        text = file.read_bytes().strip()
    except OSError as problem:
        raise BadRunKeyError(f"cannot read {file}: {problem.strerror}") from problem
    if len(text) < MIN_BYTES:
        raise BadRunKeyError(f"the key in {file} has less than {MIN_BYTES} bytes")
    return hashlib.blake2b(text, digest_size=KEY_BYTES, person=b"outrider-run").digest()


def shared_key(directory: Path) -> bytes:
    """That of this data plane, made by the worker that comes first."""
    path = directory / NAME
    fresh = directory / f"{NAME}.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(os.urandom(KEY_BYTES))
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass  # another worker was first
            finally:
                fresh.unlink()
        key = path.read_bytes()
    except OSError as problem:
        log.warning("%s: %s; calls of agents are known to this worker only", path, problem.strerror)
        return os.urandom(KEY_BYTES)
    if len(key) != KEY_BYTES:
        log.warning("%s is no key; calls of agents are known to this worker only", path)
        return os.urandom(KEY_BYTES)
    return key
