"""The beginning of a conversation as hashes: what caches of prompts and affinities go by. Pure.

The rule: two requests that begin alike have the same first hashes, whatever comes after, and
whatever marks of what to cache lie in between (they move from turn to turn).
"""

import re
from hashlib import blake2b
from operator import attrgetter
from typing import Final

import msgspec

from dataplane.llm.wire.beginning import BEGINNING, LIST, ROLE, Beginning

Key = tuple[int, ...]
"""Empty: nothing to go by."""
BLOCKS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Ends of the beginnings that are hashed, in KiB: a KiB is some 256 tokens, and what caches hold
for long (instructions, tools, the turns before) lies in them.
"""
KIB: Final = 1024
MOST: Final = 64 * KIB
_MARKS: Final = re.compile(rb'\s*,?\s*"cache_control"\s*:\s*(?:\{[^{}]*\}|null)')


_TURNS = ("messages", "input", "contents", "prompt")
"""The fields of a beginning that grow from turn to turn: its last ones."""
_turns = attrgetter(*_TURNS)
_parts: Final = attrgetter(*Beginning.__struct_fields__)


def prefix_key(body: bytes, salt: bytes) -> Key:
    """Hashes of the beginnings of a conversation, the shortest first; one of all of it when it is
    shorter than a block.
    """
    text = _text(body)
    if not text:
        return ()
    digest = blake2b(salt, digest_size=8)
    if len(text) < KIB:
        digest.update(text)
        return (int.from_bytes(digest.digest()),)
    key: list[int] = []
    begin = 0
    for block in BLOCKS:
        end = block * KIB
        if end > len(text):
            break
        digest.update(text[begin:end])
        key.append(int.from_bytes(digest.copy().digest()))
        begin = end
    return tuple(key)


def _read(body: bytes) -> Beginning | None:
    try:
        return BEGINNING.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _text(body: bytes) -> bytes:
    """The conversation as bytes, without marks of what to cache: they move from turn to turn."""
    read = _read(body)
    if read is None:
        return b""
    text = b""
    for part in _parts(read):
        if len(part):  # (most are not there)
            # a mark or two more than are cut off again
            text += memoryview(part)[: 2 * MOST]
            if len(text) >= MOST:
                break
    return _unmarked(text)[:MOST]


def session_key(body: bytes) -> Key:
    """One hash of what stays the same in all turns of a conversation, and hardly ever in two of
    them: instructions, tools and everything up to the first words of the user.
    """
    read = _read(body)
    if read is None:
        return ()
    digest = blake2b(digest_size=8)
    said = False
    for part in _parts(read)[: -len(_TURNS)]:
        digest.update(_unmarked(bytes(memoryview(part)[:MOST])))
    for turns in _turns(read):
        if len(turns):
            said = True
            digest.update(_unmarked(_first_turn(turns)))
    return (int.from_bytes(digest.digest()),) if said else ()


def _first_turn(turns: msgspec.Raw) -> bytes:
    text = bytes(turns)
    if not text.startswith(b"["):
        return text[:MOST]
    first = b""
    try:
        for turn in LIST.decode(text):
            first += bytes(memoryview(turn)[:MOST])
            if len(first) >= MOST or ROLE.decode(turn).role == "user":
                break
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return text[:MOST]
    return first


def _unmarked(text: bytes) -> bytes:
    return _MARKS.sub(b"", text) if b'"cache_control"' in text else text
