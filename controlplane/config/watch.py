"""A file that changed -> its new text (shell).

The rule: only a text that has come to rest is handed out. The file is looked at five times a
second rather than watched by inotify: that sees a rename over it, a Kubernetes ConfigMap (whose
file is a symlink to a directory that is swapped), a bind mount and a network file system alike,
needs no watch that dies with the inode it was set on, and costs 20 us a second.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

from controlplane.clock import Clock
from controlplane.config.parse import decode
from controlplane.config.problem import ConfigErrors

log = logging.getLogger(__name__)

POLL_S = 0.2
# How long a file must stay as it is before it is read: editors and `cat >` write in pieces.
DEBOUNCE_S = 0.08
# A file that never comes to rest is read after all.
AT_MOST_S = 0.5
# The same time stamp may cover a second write, so a file is read again for a while after it
# changed.
READ_AGAIN_S = 1.0

Stamp = tuple[int, int, int, int, int]


async def texts(path: Path, known: str | None, clock: Clock) -> AsyncIterator[str]:
    """Each new text of the file, for ever, but for `known`, which the caller has already.

    A file that is missing, empty or unreadable is left alone until it is back; that is said once.
    """
    last, seen, trouble = known, None, ""
    again_until = 0.0
    while True:
        stamp = await asyncio.to_thread(_stamp, path)
        if stamp is None:
            trouble = _say(trouble, f"{path} is missing: what it said last stays in force")
        elif stamp != seen or clock.now() < again_until:
            if stamp != seen:
                again_until = clock.now() + READ_AGAIN_S
            seen = await _rest(path, stamp, clock)
            text, problem = await asyncio.to_thread(_read, path)
            trouble = _say(trouble, problem)
            if text is not None and text != last:
                last = text
                yield text
        await asyncio.sleep(POLL_S)


async def _rest(path: Path, stamp: Stamp, clock: Clock) -> Stamp:
    """The file's stamp once it has not changed for a while."""
    deadline = clock.now() + AT_MOST_S
    while clock.now() < deadline:
        await asyncio.sleep(DEBOUNCE_S)
        now = await asyncio.to_thread(_stamp, path)
        if now is None or now == stamp:
            break
        stamp = now
    return stamp


def _read(path: Path) -> tuple[str | None, str]:
    """The text, or None and why there is none."""
    try:
        text = decode(path.read_bytes(), str(path))
    except OSError as e:
        return None, f"cannot read {path}: {e.strerror}: what it said last stays in force"
    except ConfigErrors as e:
        return None, str(e)
    if not text.strip():
        # What a file looks like between `>` and the first write of a shell or an editor.
        return None, f"{path} is empty: what it said last stays in force"
    return text, ""


def _stamp(path: Path) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _say(before: str, now: str) -> str:
    if now and now != before:
        log.warning("%s", now)
    return now
