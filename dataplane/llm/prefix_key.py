"""The beginning of a conversation as hashes: what caches of prompts and affinities go by. Pure.

The rule: two requests that begin alike have the same first hashes, whatever comes after, and
whatever marks of what to cache lie in between (they move from turn to turn).
"""

import re
from hashlib import blake2b
from operator import attrgetter
from typing import Final
from zlib import adler32

import msgspec
from msgspec.structs import astuple

from dataplane.llm.wire.beginning import LIST, ROLE
from dataplane.llm.wire.peeked import ABSENT, Survey, surveyed

Key = tuple[int, ...]
"""Empty: nothing to go by. The first is the same in every worker, the others mean something to this
one only: who has them in its cache is known to nobody else, and Python's own hash takes a fifth of
a digest (64 KiB: 18 us in place of 87).
"""
BLOCKS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Ends of the beginnings that are hashed, in KiB: a KiB is some 256 tokens, and what caches hold
for long (instructions, tools, the turns before) lies in them.
"""
KIB: Final = 1024
MOST: Final = 64 * KIB
_MARKS: Final = re.compile(rb'\s*,?\s*"cache_control"\s*:\s*(?:\{[^{}]*\}|null)')
_MARK: Final = b'"cache_control"'


_TURNS = ("messages", "input", "contents", "prompt")
"""The fields of a conversation that grow from turn to turn: its last ones."""
_STILL = ("tools", "toolConfig", "instructions", "system", "systemInstruction")
_still = attrgetter(*_STILL)
_turns = attrgetter(*_TURNS)
_ABSENT: Final = ABSENT
_FIRST_PART: Final = Survey.__struct_fields__.index(_STILL[0])
"""From there on a survey has the conversation. (All fields as a tuple take half as long as some of
them one by one.)
"""


def prefix_key(body: bytes, salt: bytes, survey: Survey | None = None) -> Key:
    """Hashes of the beginnings of a conversation, the shortest first; one of all of it when it is
    shorter than a block.

    :param survey: what the body says, if somebody has read it.
    """
    text = _text(survey or surveyed(body))
    if not text:
        return ()
    if len(text) < KIB:
        # no cache keeps so little: it only has to be spread, and is not worth a digest (2 us)
        return (adler32(text, adler32(salt)),)
    first = int.from_bytes(blake2b(b"%b\n%b" % (salt, text[:KIB]), digest_size=8).digest())
    key = [first]
    last = first
    for at in range(1, len(BLOCKS)):
        end = BLOCKS[at] * KIB
        if end > len(text):
            break
        last = hash((last, text[BLOCKS[at - 1] * KIB : end]))
        key.append(last)
    return tuple(key)


def _text(survey: Survey | None) -> bytes:
    """The conversation as bytes, without marks of what to cache: they move from turn to turn."""
    if survey is None:
        return b""
    text = b""
    for part in astuple(survey)[_FIRST_PART:]:
        if part is not _ABSENT:  # (most are not there)
            # a mark or two more than are cut off again
            more = bytes(part) if len(part) <= 2 * MOST else bytes(memoryview(part)[: 2 * MOST])
            text = text + more if text else more
            if len(text) >= MOST:
                break
    if len(text) < KIB:  # (what is so short is not looked for in caches)
        return text
    text = _unmarked(text)
    return text if len(text) <= MOST else text[:MOST]


def session_key(body: bytes, survey: Survey | None = None) -> Key:
    """One hash of what stays the same in all turns of a conversation, and hardly ever in two of
    them: instructions, tools and everything up to the first words of the user.
    """
    read = survey or surveyed(body)
    if read is None:
        return ()
    digest = blake2b(digest_size=8)
    said = False
    for part in _still(read):
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
    return _MARKS.sub(b"", text) if text.rfind(_MARK) >= 0 else text
