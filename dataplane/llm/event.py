"""What a stream of server-sent events is made of (sse.py reads and writes them)."""

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. `retry` fields and comments are dropped: they are for browsers that reconnect."""

    data: bytes
    """The data lines, joined by LF; UTF-8 that nobody checked."""
    name: bytes = b""
    """The `event` field; empty means "message"."""
    id: bytes | None = None
    """The `id` field of this very event; None when it has none."""
