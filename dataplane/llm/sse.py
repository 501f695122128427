"""Server-sent events: bytes as they come from a socket -> events, and back.

Rule: how the bytes were cut never changes the events, and what is kept between two cuts is bounded.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from dataplane.llm.event import Event

MAX_EVENT_BYTES: Final = 1 << 20
"""Of one event's data, or of one line. Model APIs send a few hundred bytes; a whole tool call or an
image part may come in one event."""
DONE: Final = b"[DONE]"
"""The data of the event that ends an OpenAI stream."""
_CR: Final = 0x0D
_LF: Final = 0x0A
_EVENT: Final = b"event: "
_DATA: Final = b"data: "
_BOM: Final = b"\xef\xbb\xbf"


class SseError(Exception):
    """The bytes are not an acceptable event stream."""


class Runs(Protocol):
    """Knows events that come many at a time and differ in a word only (translate/template.py)."""

    def run(self, chunk: bytes, at: int) -> tuple[list[bytes], int]:
        """What is different in those that stand whole and in a row from `at` on, and their end."""


class SseDecoder:
    """A fold: bytes in, events out. What no empty line has ended when the stream ends is lost."""

    __slots__ = ("_after_cr", "_data", "_data_bytes", "_id", "_limit", "_line", "_name", "_started")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._line = bytearray()
        self._after_cr = False
        self._started = False
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = b""
        self._id: bytes | None = None

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises SseError; the decoder is spent after that."""
        return [event for event in self.read(chunk) if type(event) is Event]

    def read(self, chunk: bytes, runs: Runs | None = None) -> Iterator[Event | list[bytes]]:
        """Like feed, one by one; in place of the events that `runs` knows what it says of them.
        What is not asked for is lost.
        """
        end = chunk.rfind(b"\n\n")
        if end < 0 or _CR in chunk:
            yield from self._lines(chunk)
            return
        if not self._started and not self._line and chunk[0] != _BOM[0]:
            self._started = True
        if not self._between_events():
            first = chunk.find(b"\n\n") + 2
            yield from self._lines(chunk[:first])
            chunk = chunk[first:]
            end -= first
        # What nearly every stream sends: whole events of one data line, LF alone.
        if self._line:
            chunk = bytes(self._line) + chunk
            end += len(self._line)
            self._line.clear()
        if len(chunk) > self._limit:
            runs = None  # its events may be too long, which is looked at below
        at = 0
        while at <= end:
            if runs is not None:
                words, at = runs.run(chunk, at)
                if words:
                    yield words
                    continue
            name = b""
            start = at
            stop = chunk.find(b"\n", at)
            if chunk[at : at + 7] == _EVENT:  # (compiled, a third of what startswith costs)
                name = chunk[at + 7 : stop]
                start = stop + 1
                stop = chunk.find(b"\n", start)
            if (
                chunk[start : start + 6] == _DATA
                and chunk[stop + 1] == _LF
                and stop - start <= self._limit
            ):
                at = stop + 2
                yield Event(chunk[start + 6 : stop], name)
            else:
                stop = chunk.index(b"\n\n", at)
                lines = (*chunk[at:stop].split(b"\n"), b"")
                at = stop + 2
                for line in lines:
                    event = self._take(line)
                    if event is not None:
                        yield event
        if at < len(chunk):
            yield from self._lines(chunk[at:])

    def _between_events(self) -> bool:
        """Nothing is kept but the begin of a line, and a BOM cannot come any more."""
        return (
            self._started
            and not self._data
            and not self._name
            and not self._after_cr
            and self._id is None
        )

    def _lines(self, chunk: bytes) -> list[Event]:
        """Any bytes, in any state."""
        if self._after_cr and chunk:
            # The CR ended its line when it came; this LF belongs to it.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        lines = chunk.splitlines()
        if chunk[-1] in b"\r\n":
            self._after_cr = chunk[-1:] == b"\r"
            rest = b""
        else:
            rest = lines.pop()
        if lines and self._line:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
        events = [event for line in lines if (event := self._take(line))]
        self._line += rest
        if len(self._line) > self._limit:
            raise SseError(f"an SSE line is longer than {self._limit} bytes")
        return events

    def _take(self, line: bytes) -> Event | None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"data":
                self._data.append(value)
                self._data_bytes += len(value) + 1
                if self._data_bytes > self._limit:
                    raise SseError(f"an SSE event is larger than {self._limit} bytes")
            case b"event":
                self._name = value
            case b"id" if b"\0" not in value:
                self._id = value
            case _:  # a comment (no name before the colon), retry, or a field of the future
                pass
        return None

    def _dispatch(self) -> Event | None:
        event = Event(b"\n".join(self._data), self._name, self._id) if self._data else None
        self._data.clear()
        self._data_bytes = 0
        self._name = b""
        self._id = None
        return event


def encode(event: Event) -> bytes:
    """The bytes of an event, ended by its empty line."""
    parts = []
    if event.name:
        parts.append(b"event: " + event.name)
    if event.id is not None:
        parts.append(b"id: " + event.id)
    parts += [b"data: " + line for line in event.data.split(b"\n")]
    return b"\n".join(parts) + b"\n\n"
