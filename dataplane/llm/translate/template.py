"""Events of a stream that say the same but for a few words.

A provider writes hundreds of events that differ in one string only. Once such an event was read,
the next one is recognised by what stands before and after the string: equal bytes mean equal
things, and only the string is new. That is a third of the cost of decoding the event; where many
such events stand in one read, `run` takes them all at once for a tenth of that.

Rule: what is not the same byte for byte is not recognised, and then the event is decoded.
"""

import re
from io import BytesIO
from itertools import takewhile
from typing import Final

from dataplane.llm.hub.literals import Literal

_TRIES: Final = 8
"""Events that did not fit their predecessor before we stop learning: a server whose events all
differ elsewhere (a time, padding) would pay for it in vain."""
# A JSON string that says something; halves of characters are left to the decoder's ways.
_WORDS: Final = re.compile(
    rb'"(?!")[^"\\\x00-\x1f]*'
    rb'(?:\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"'
)
_MANY_WORDS: Final = re.compile(rb"(?:%b\n)*+" % _WORDS.pattern)
_PLAIN: Final = bytes({*range(0x20, 0x100)} - {*b'"\\'})
"""What stands in strings without escapes."""
_OBFUSCATION: Final = b'"obfuscation":"'
_REST: Final = re.compile(rb'[A-Za-z0-9]*"\}')
_MANY_RESTS: Final = re.compile(rb"(?:%b\n)*+" % _REST.pattern)
_END: Final = b"\n\n"
_WINDOW: Final = 16 * 1024
"""Bytes that `run` looks at in one go, lest a long read be searched anew for each short run."""


class Template:
    """One event to which others are compared. `forget` it when they would mean something else."""

    __slots__ = ("_before", "_between", "_ending", "_head", "_obfuscated", "_rest", "_tries")

    def __init__(self) -> None:
        self._before = b""
        self._head = b""
        """The event up to the words; empty while nothing is learnt."""
        self._between = b""
        """Between the words of two events."""
        self._ending = b""
        self._rest = b""
        self._obfuscated = b""
        """The rest up to OpenAI's padding, when that comes last."""
        self._tries = 0

    def learn(self, data: bytes, key: bytes, words: Literal, name: bytes = b"") -> None:
        """`data` was an event that said nothing but `words`, as the value of `key`.

        :param key: with quotes and colon: b'"content":'.
        :param name: the event's.
        """
        if self._tries == _TRIES or data.count(key) != 1:
            return
        start = data.index(key) + len(key)
        if data[start : start + 1] == b" ":
            start += 1
        if not data.startswith(words, start):
            return
        self._tries += 1
        self._before = data[:start]
        self._rest = data[start + len(words) :]
        padding = self._rest.find(_OBFUSCATION)
        self._obfuscated = self._rest[: padding + len(_OBFUSCATION)] if padding >= 0 else b""
        named = b"event: %b\n" % name if name else b""
        self._head = b"%bdata: %b" % (named, self._before)
        self._ending = _END if self._obfuscated else self._rest + _END
        self._between = self._ending + self._head

    def forget(self) -> None:
        """Until the next `learn` nothing is recognised."""
        self._before = self._head = b""

    def run(self, chunk: bytes, at: int) -> tuple[list[Literal], int]:
        """The words of the events like this one that stand whole and in a row from `at` on, and
        where the last of them ends.
        """
        head = self._head
        if not head or chunk[at : at + len(head)] != head:
            return [], at
        before, after = (
            b"data: " + self._before,
            b'"}\n' if self._obfuscated else self._rest + b"\n",
        )
        lines = BytesIO(chunk[at : at + _WINDOW]).readlines()  # (split() costs three times as much)
        step = 3 if head[:1] == b"e" else 2
        events = lines[step - 2 :: step]
        while events and not (events[-1].endswith(after) and events[-1].startswith(before)):
            del events[-1]
        first, last = len(before), -1 if self._obfuscated else -len(after)
        # (one that is too short is found missing below; compiled code cannot cut less than nothing)
        pieces = [event[first:last] for event in events if len(event) >= first - last]
        whole = self._as_they_came(pieces)
        if not pieces or not chunk.startswith(whole, at):
            pieces = self._those_that_are_alike(pieces, chunk, at)
            whole = self._as_they_came(pieces)
        texts = self._unpadded(pieces) if self._obfuscated else pieces
        words = texts if _all_plain(texts) else _fitting(texts, _MANY_WORDS, _WORDS)
        if not words:
            return words, at
        self._tries = 0
        if len(words) < len(pieces):
            whole = self._as_they_came(pieces[: len(words)])
        return words, at + len(whole)

    def _as_they_came(self, pieces: list[bytes]) -> bytes:
        """Events with these words (where there is padding: words and the rest)."""
        return b"%b%b%b" % (self._head, self._between.join(pieces), self._ending)

    def _those_that_are_alike(self, pieces: list[bytes], chunk: bytes, at: int) -> list[bytes]:
        """Those before the first event that is something else."""
        alike = []
        for piece in pieces:
            whole = self._as_they_came([piece])
            if not chunk.startswith(whole, at):
                break
            at += len(whole)
            alike.append(piece)
        return alike

    def _unpadded(self, pieces: list[bytes]) -> list[bytes]:
        """The words before the padding, as long as it is nothing else."""
        apart = [piece.partition(self._obfuscated) for piece in pieces]
        rests = _fitting([piece[2] for piece in apart], _MANY_RESTS, _REST)
        return [piece[0] for piece in apart[: len(rests)]]

    def words(self, data: bytes) -> Literal | None:
        """The words of an event that is the same but for them."""
        before = self._before
        if not before or not data.startswith(before):
            return None
        found = _WORDS.match(data, len(before))
        if found is None:
            return None
        end = found.end()
        if data[end:] != self._rest and not (
            self._obfuscated
            and data.startswith(self._obfuscated, end)
            and _REST.fullmatch(data, end + len(self._obfuscated))
        ):
            return None
        self._tries = 0
        return found[0]


def _all_plain(pieces: list[bytes]) -> bool:
    """Whether all of them are strings without escapes that say something.

    :param pieces: of one line each.
    """
    lines = b"\n".join(pieces)
    return (
        # each has two quotes, these are its ends, and something is between them
        lines.translate(None, _PLAIN) == (b'""\n' * len(pieces))[:-1]
        and lines.startswith(b'"')
        and lines.endswith(b'"')
        and lines.count(b'"\n"') == len(pieces) - 1
        and b'""' not in lines
    )


def _fitting(pieces: list[bytes], many: re.Pattern[bytes], one: re.Pattern[bytes]) -> list[bytes]:
    """Those before the first one that does not fit.

    :param pieces: of one line each.
    :param many: `one` and a line feed, as often as they come.
    """
    if many.fullmatch(b"\n".join([*pieces, b""])) is not None:
        return pieces
    return list(takewhile(one.fullmatch, pieces))
