"""Events of a stream that say the same but for a few words.

A provider writes hundreds of events that differ in one string only. Once such an event was read,
the next one is recognised by what stands before and after the string: equal bytes mean equal
things, and only the string is new. That is a third of the cost of decoding the event.

Rule: what is not the same byte for byte is not recognised, and then the event is decoded.
"""

import re

from dataplane.llm.hub.delta import Literal

_TRIES = 8
"""Events that did not fit their predecessor before we stop learning: a server whose events all
differ elsewhere (a time, padding) would pay for it in vain."""
# A JSON string that says something; halves of characters are left to the decoder's ways.
_WORDS = re.compile(
    rb'"(?!")[^"\\\x00-\x1f]*'
    rb'(?:\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"'
)
_OBFUSCATION = b'"obfuscation":"'
_REST = re.compile(rb'[A-Za-z0-9]*"\}')


class Template:
    """One event to which others are compared. `forget` it when they would mean something else."""

    __slots__ = ("_before", "_obfuscated", "_rest", "_tries")

    def __init__(self) -> None:
        self._before = b""
        self._rest = b""
        self._obfuscated = b""
        """The rest up to OpenAI's padding, when that comes last."""
        self._tries = 0

    def learn(self, data: bytes, key: bytes, words: Literal) -> None:
        """`data` was an event that said nothing but `words`, as the value of `key`.

        :param key: with quotes and colon: b'"content":'.
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

    def forget(self) -> None:
        """Until the next `learn` nothing is recognised."""
        self._before = b""

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
