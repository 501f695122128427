"""The commit point of a stream: what comes before any content is held, so that the attempt can
still be thrown away.

The rule: HOLD only for what is known to say nothing (roles, ids, pings, empty texts); whatever is
not known commits, and so does what is too much. Held are at most 64 events and 256 KiB (Bifrost's
bounds, peers.md 3.4). The first look is one search for the usual form of content, because nearly
every stream shows it in its first or second read.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from dataplane.resilience.startup_events import JUDGES, Sign
from dataplane.runtime.protocols import Protocol

MAX_EVENTS = 64
MAX_BYTES = 256 * 1024


class Progress(Enum):
    """What the bytes so far are."""

    __hash__ = object.__hash__

    HOLD = "hold"
    """Nothing that the client must have."""
    COMMIT = "commit"
    """Content, an end, or too much: pass on all that is held."""


@dataclass(frozen=True, slots=True)
class InBandError:
    """The provider failed inside a stream that it began with status 200."""

    event: bytes
    """Its data: the error's body."""


_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_LINE = re.compile(rb"\r\n|\n|\r")
_VALUE: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Startup:
    """The beginning of one stream, in the protocol that its bytes are."""

    __slots__ = ("_at", "_events", "_judge", "_protocol", "_shows", "held")

    def __init__(self, protocol: Protocol) -> None:
        self.held = b""
        """Every byte that was fed."""
        self._protocol = protocol
        self._shows = SHOWS[protocol]
        self._judge = JUDGES.get(protocol)
        self._events = 0
        self._at = 0

    def feed(self, chunk: bytes) -> Progress | InBandError:
        """The next read. Ask no more once this is not HOLD."""
        self.held = self.held + chunk if self.held else chunk
        if self._shows(chunk):
            return Progress.COMMIT
        found = self._look()
        if found is Progress.HOLD and len(self.held) > MAX_BYTES:
            return Progress.COMMIT
        return found

    def end(self) -> Progress | InBandError:
        """The body is over. HOLD: it was no answer at all, as if the connection had broken."""
        if self._judge is None:
            return self._plain() if self.held[:1] == b"{" else Progress.HOLD
        held = self.held[self._at :]
        if held.strip():
            found = self._event(held)
            if found is not Progress.HOLD:
                return found
        return self._plain()

    def _look(self) -> Progress | InBandError:
        """Every whole event that was not looked at."""
        if self._judge is None:
            return self._frames()
        held = self.held
        if self._protocol is Protocol.GEMINI and held[:1] == b"[":
            return InBandError(held) if _ERROR_LIST.match(held) else Progress.COMMIT
        at = self._at
        end = held.find(b"\n\n", at)
        while end >= 0 and b"\r" not in held:
            found = self._event(held[at:end])
            if found is not Progress.HOLD:
                return found
            at = end + 2
            end = held.find(b"\n\n", at)
        if b"\r" in held:
            for blank in _BLANK_LINE.finditer(held, at):
                found = self._event(held[at : blank.start()])
                if found is not Progress.HOLD:
                    return found
                at = blank.end()
        self._at = at
        return Progress.COMMIT if self._events >= MAX_EVENTS else Progress.HOLD

    def _event(self, block: bytes) -> Progress | InBandError:
        """One event; comments and what is not JSON say nothing."""
        name = b""
        if block[:6] == b"data: " and b"\n" not in block and b"\r" not in block:
            data = block[6:]
        else:
            name, data = _fields(block)
        if not data:
            return Progress.HOLD
        self._events += 1
        if data == b"[DONE]":
            return Progress.COMMIT
        if name == b"error":
            return InBandError(data)
        try:
            said = _VALUE.decode(data)
        except (ValueError, RecursionError):
            return Progress.HOLD
        assert self._judge is not None
        sign = self._judge(said) if isinstance(said, dict) else Sign.CONTENT
        if sign is Sign.ERROR:
            return InBandError(data)
        return Progress.HOLD if sign is Sign.NOTHING else Progress.COMMIT

    def _frames(self) -> Progress | InBandError:
        """Amazon's frames: their headers name the event in plain text."""
        if b":exception-type" in self.held:
            return InBandError(self.held)
        return Progress.HOLD

    def _plain(self) -> Progress | InBandError:
        """A whole JSON answer, where a stream was asked for."""
        try:
            said = _VALUE.decode(self.held)
        except (ValueError, RecursionError):
            return Progress.HOLD
        if isinstance(said, dict) and said.get("error"):
            return InBandError(self.held)
        return Progress.COMMIT


def _fields(block: bytes) -> tuple[bytes, bytes]:
    """The name and the data of an event."""
    name = b""
    lines = []
    for line in _LINE.split(block):
        if line[:5] == b"data:":
            lines.append(line[5:])
        elif line[:6] == b"event:":
            name = line[6:].strip()
    return name, b"\n".join(lines).strip()


_ERROR_LIST = re.compile(rb'\[\s*\{\s*"error"')


def _has_text(chunk: bytes, key: bytes) -> bool:
    """Whether a key, up to its opening quote, has a text that is not empty."""
    at = chunk.find(key)
    while at >= 0:
        at += len(key)
        if chunk[at : at + 1] not in (b'"', b""):
            return True
        at = chunk.find(key, at)
    return False


def _chat_shows(chunk: bytes) -> bool:
    return _has_text(chunk, b'"content":"') or _has_text(chunk, b'"content": "')


def _gemini_shows(chunk: bytes) -> bool:
    return _has_text(chunk, b'"text": "') or _has_text(chunk, b'"text":"')


def _messages_shows(chunk: bytes) -> bool:
    return b'"type":"content_block_delta"' in chunk


def _responses_shows(chunk: bytes) -> bool:
    return b'"type":"response.output_text.delta"' in chunk


def _converse_shows(chunk: bytes) -> bool:
    return b"contentBlockDelta" in chunk or b"messageStop" in chunk


SHOWS: dict[Protocol, Callable[[bytes], bool]] = {
    Protocol.CHAT: _chat_shows,
    Protocol.RESPONSES: _responses_shows,
    Protocol.MESSAGES: _messages_shows,
    Protocol.GEMINI: _gemini_shows,
    Protocol.CONVERSE: _converse_shows,
}
"""The first look alone: whether a read has content in its usual form. Where it says so of the very
first read, nobody needs a Startup.
"""
