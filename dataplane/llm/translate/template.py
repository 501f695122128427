"""Events of a stream that say the same but for a few words.

A provider writes hundreds of events that differ in one string only. Once such an event was read,
the next one is recognised by what stands before and after the string: equal bytes mean equal
things, and only the string is new. That is a third of the cost of decoding the event; where many
such events stand in one read, `run` takes them all at once for a tenth of that.

Rule: what is not the same byte for byte is not recognised, and then the event is decoded.
"""

import re
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
_QUOTE: Final = 0x22
_BACKSLASH: Final = 0x5C
_SPACE: Final = 0x20
_SHORT: Final = 48
"""Bytes of words that are looked at one by one; the pattern is faster with more."""
_OBFUSCATION: Final = b'"obfuscation":"'
_REST: Final = re.compile(rb'[A-Za-z0-9]*"\}')
_IS_PADDING: Final = bytes([chr(byte).isalnum() and byte < 0x80 for byte in range(0x100)])
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
        if self._tries == _TRIES:
            return
        before, found, after = data.partition(key)
        if not found or after.find(key) >= 0:
            return
        before += key
        if after.startswith(b" "):
            before += b" "
            after = after[1:]
        if not after.startswith(words):
            return
        self._tries += 1
        self._before = before
        self._rest = after[len(words) :]
        padding = self._rest.find(_OBFUSCATION)
        self._obfuscated = self._rest[: padding + len(_OBFUSCATION)] if padding >= 0 else b""
        self._head = b"data: " + before
        if name:
            self._head = b"event: " + name + b"\n" + self._head
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
        first = at + len(head)
        if not head or chunk[at:first] != head:
            return [], at
        words, pieces = self._those_that_look_alike(chunk, first)
        if not words:
            return words, at
        whole = self._as_they_came(pieces)
        if not chunk.startswith(whole, at):
            whole = self._as_they_came(pieces[:-1])  # the last one often says why it stops
            if len(pieces) > 1 and chunk.startswith(whole, at):
                del words[-1]
            else:
                alike = self._those_that_are_alike(pieces, chunk, at)
                if not alike:
                    return alike, at
                words = words[: len(alike)]
                whole = self._as_they_came(alike)
        self._tries = 0
        return words, at + len(whole)

    def _those_that_look_alike(self, chunk: bytes, place: int) -> tuple[list[bytes], list[bytes]]:
        """The words of events that follow one another if each is as long as this one but for its
        words, and all that differs in them: the words and, where there is padding, the rest.

        :param place: where the words of the first one begin.
        """
        words: list[bytes] = []
        padding = self._obfuscated
        pieces = [] if padding else words
        colon, before_colon = self._head[-1], self._head[-2]
        end, step = len(self._ending), len(self._between)
        size = len(chunk)
        last = min(place + _WINDOW, size - end)
        while (
            place < last
            and chunk[place] == _QUOTE
            and chunk[place - 1] == colon
            and chunk[place - 2] == before_colon
        ):
            stop = after = _end_of_words(chunk, place, last)
            if stop < 0:
                break
            if padding:
                after = stop + len(padding)
                if chunk[stop:after] != padding:
                    break
                after = _end_of_padding(chunk, after, size)
                if after < 0:
                    break
            if after + end > size:
                break
            if padding:
                pieces.append(chunk[place:after])
            words.append(chunk[place:stop])
            place = after + step
        return words, pieces

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


def _end_of_words(chunk: bytes, place: int, last: int) -> int:
    """Where a string ends that says something; -1: it is none, or left to the decoder.

    :param place: of its first quote; `last`: where it must have ended.
    """
    at = place + 1
    soon = min(at + _SHORT, last)
    while at < soon:  # (compiled, a tenth of what asking the pattern costs)
        byte = chunk[at]
        if byte == _QUOTE:
            return at + 1 if at > place + 1 else -1
        if byte == _BACKSLASH or byte < _SPACE:
            break
        at += 1
    found = _WORDS.match(chunk, place)
    return -1 if found is None else found.end()


def _end_of_padding(chunk: bytes, at: int, size: int) -> int:
    """Where the event ends whose padding begins here; -1: it is something else."""
    while at < size and _IS_PADDING[chunk[at]]:
        at += 1
    return at + 2 if chunk[at : at + 2] == b'"}' else -1
