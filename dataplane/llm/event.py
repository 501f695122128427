"""What a stream of server-sent events is made of (sse.py reads and writes them)."""

from dataclasses import dataclass


@dataclass(init=False)
class Event:
    """One event. `retry` fields and comments are dropped: they are for browsers that reconnect."""

    data: bytes
    """The data lines, joined by LF; UTF-8 that nobody checked."""
    name: bytes
    """The `event` field; empty means "message"."""
    id: bytes | None
    """The `id` field of this very event; None when it has none."""

    def __init__(self, data: bytes, name: bytes = b"", id: bytes | None = None) -> None:
        self.data = data
        self.name = name
        self.id = id
