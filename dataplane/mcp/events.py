"""Server-sent events as MCP has them: an event's id and `retry` are for whoever resumes a stream.

The rule: what is not changed goes out as it came, comments included, and bytes are never passed on
before the event they are of is whole. (llm/sse.py is for models, where ids and waits mean nothing.)
"""

from dataclasses import dataclass, replace

MAX_EVENT_BYTES = 8 << 20
"""A tool's whole answer is one event; as much as an answer that is read whole."""


class EventError(Exception):
    """The bytes are no acceptable stream of events."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or what stands between two."""

    lines: tuple[bytes, ...]
    """As they came, without their ends."""
    data: bytes = b""
    id: bytes | None = None

    @property
    def is_message(self) -> bool:
        """Whether it carries anything; others only say where a stream is, or keep it open."""
        return bool(self.data)

    def with_data(self, data: bytes) -> "Event":
        """The same with other data, which has no line break."""
        lines = [line for line in self.lines if not line.startswith(b"data")]
        return replace(self, lines=(*lines, b"data: " + data), data=data)

    def with_id(self, name: bytes) -> "Event":
        """The same under another id."""
        lines = [line for line in self.lines if not line.startswith(b"id")]
        return replace(self, lines=(b"id: " + name, *lines), id=name)

    def encoded(self) -> bytes:
        """Its bytes."""
        return b"\n".join(self.lines) + b"\n\n"


def message_event(data: bytes) -> Event:
    """An event of ours."""
    return Event((b"event: message", b"data: " + data), data)


class EventDecoder:
    """A fold: bytes in, whole events out."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Raises EventError."""
        whole = self._kept + chunk
        held = b""
        if whole.endswith(b"\r"):  # the LF that belongs to it may come later
            whole, held = whole[:-1], b"\r"
        if b"\r" in whole:
            whole = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, rest = whole.split(b"\n\n")
        self._kept = rest + held
        if len(self._kept) > MAX_EVENT_BYTES:
            raise EventError(f"an event is larger than {MAX_EVENT_BYTES} bytes")
        return [_event(block) for block in blocks if block.strip(b"\n")]


def _event(block: bytes) -> Event:
    lines = tuple(line for line in block.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line)
    data: list[bytes] = []
    name: bytes | None = None
    for line in lines:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"id":
            name = value
    return Event(lines, b"\n".join(data), name)
