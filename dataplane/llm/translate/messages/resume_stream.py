"""Somebody else goes on with a streamed message that a provider has begun.

The rule: blocks are numbered on from those that the client has, and the open one stays open.
"""

from typing import Final

from dataplane.llm.hub.delta import Delta
from dataplane.llm.sse import SseDecoder
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.messages.events import SEEN
from dataplane.llm.translate.messages.write_stream import StreamWriter

_GROWING: Final = ("text", "thinking", "tool_use")


class ResumedWriter(StreamWriter):
    """A writer whose client has everything that it was told."""

    def __init__(self, echo: Echo, told: list[Delta], index: int, open_kind: str) -> None:
        super().__init__(echo)
        self.feed(told)
        self._index = index
        self._started = bool(open_kind)
        if open_kind == "text":
            self._text_begins()
        else:
            self._text = False


def resume_stream(echo: Echo, told: list[Delta], delivered: bytes) -> ResumedWriter | None:
    """See codec.ResumeStream."""
    index = 0
    kind = ""
    for event in SseDecoder(len(delivered) + 1).feed(delivered):
        if b"content_block_st" not in event.data:
            continue
        wire = SEEN.decode(event.data)
        if wire.type == "content_block_start":
            index = wire.index
            kind = wire.content_block.type if wire.content_block is not None else "unknown"
        elif wire.type == "content_block_stop":
            index = wire.index + 1
            kind = ""
    if kind and kind not in _GROWING:
        return None
    return ResumedWriter(echo, told, index, kind)
