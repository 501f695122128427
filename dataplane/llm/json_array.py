"""Google's other form of a stream: one JSON array, for clients that do not say `alt=sse`."""

from typing import Final

from dataplane.llm.hub.delta import Delta, End
from dataplane.llm.sse import SseDecoder
from dataplane.llm.translate.codec import StreamWriter
from dataplane.runtime.protocols import Protocol

MAX_EVENT_BYTES: Final = 32 << 20  # our own writer's events: a picture comes whole in one


class JsonArrayWriter:
    """A StreamWriter around another one that writes events: their data become elements."""

    content_type = "application/json"

    def __init__(self, events: StreamWriter) -> None:
        self._events = events
        self._decoder = SseDecoder(MAX_EVENT_BYTES)
        self._begun = False

    def feed(self, deltas: list[Delta]) -> bytes:
        """See StreamWriter. An array that broke off is not closed."""
        pieces = []
        for event in self._decoder.feed(self._events.feed(deltas)):
            pieces += [b",\r\n" if self._begun else b"[", event.data]
            self._begun = True
        if deltas and isinstance(deltas[-1], End):
            pieces.append(b"]\n" if self._begun else b"[]\n")
        return b"".join(pieces)


def in_form(writer: StreamWriter, client: Protocol, query: str) -> StreamWriter:
    """A writer in the form that a request's query asks for."""
    if client is Protocol.GEMINI and "alt=sse" not in query.split("&"):
        return JsonArrayWriter(writer)
    return writer
