"""Somebody else goes on with a streamed response that a provider has begun.

The rule: the response and its items keep their ids, events are numbered on, and the last event
repeats what was done before the seam as the provider told it.
"""

from typing import Final

from dataplane.llm.hub.delta import Delta
from dataplane.llm.hub.parts import Refusal, Text, Thinking, ToolCall
from dataplane.llm.sse import SseDecoder
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.responses.events import SEEN, SEEN_ITEM, SeenEvent, SeenItem
from dataplane.llm.translate.responses.write_stream import StreamWriter


class _Seen:
    """What the events say of the response, its items and the parts of the open one."""

    def __init__(self) -> None:
        self.response_id = ""
        self.number = 0
        self.items: list[bytes] = []
        self.open: SeenItem | None = None
        self.content: list[bytes] = []
        self.part_open = False
        self.ending = False
        """Whether the open part was told as a whole, or has annotations: they come after it."""
        self.unsayable = False

    def take(self, event: SeenEvent) -> None:
        """One more event."""
        self.number = max(self.number, event.sequence_number + 1)
        match event.type:
            case "response.created":
                self.response_id = event.response.id if event.response is not None else ""
            case "response.output_item.added":
                self.unsayable |= self.open is not None or event.output_index != len(self.items)
                self.open = SEEN_ITEM.decode(event.item)
                self.content = []
                self.part_open = False
            case "response.output_item.done":
                self.ending = False
                self.unsayable |= event.output_index != len(self.items)
                self.items.append(bytes(event.item))
                self.open = None
            case "response.content_part.added":
                self.part_open = True
            case "response.content_part.done":
                self.part_open = self.ending = False
                self.content.append(bytes(event.part))
            case "response.reasoning_summary_part.added":
                self.part_open = True
                self.unsayable |= event.summary_index > 0
            case "response.reasoning_text.delta":
                self.unsayable = True  # there are no such events of ours
            case kind:
                self.ending = self.ending or kind.endswith((".done", ".annotation.added"))


class ResumedWriter(StreamWriter):
    """A writer whose client has everything that it was told."""

    def __init__(self, echo: Echo, told: list[Delta], seen: _Seen) -> None:
        super().__init__(echo)
        self.feed(told)
        self._number = seen.number
        self._items = seen.items
        self._shell.is_called(seen.response_id)
        self._content = None
        if seen.open is None:
            return
        self._open_id = seen.open.id.encode()
        if seen.open.type == "message":
            self._content = seen.content
        if self._part is not None and (seen.part_open or isinstance(self._part, ToolCall)):
            self._place_part()

    @property
    def thinks(self) -> bool:
        """Whether the open part is thinking that has words."""
        return isinstance(self._part, Thinking) and self._head is not None

    def _place_part(self) -> None:
        """The open part is where the client has it."""
        self._place = b'"item_id":"%b","output_index":%d' % (self._open_id, len(self._items))
        match self._part:
            case Text():
                self._place += b',"content_index":%d' % len(self._content or ())
                self._head = self._headed(b"output_text.delta", self._place + b',"logprobs":[]')
            case Refusal():
                self._place += b',"content_index":%d' % len(self._content or ())
                self._head = self._headed(b"refusal.delta", self._place)
            case Thinking():
                self._place += b',"summary_index":0'
                self._head = self._headed(b"reasoning_summary_text.delta", self._place)
            case ToolCall(custom=True):
                self._head = self._headed(b"custom_tool_call_input.delta", self._place)
            case ToolCall():
                self._head = self._headed(b"function_call_arguments.delta", self._place)
            case _:
                pass


_KINDS: Final = ("message", "function_call", "custom_tool_call", "reasoning")


def resume_stream(echo: Echo, told: list[Delta], delivered: bytes) -> ResumedWriter | None:
    """See codec.ResumeStream."""
    seen = _Seen()
    for event in SseDecoder(len(delivered) + 1).feed(delivered):
        if event.data[:1] == b"{":
            seen.take(SEEN.decode(event.data))
    is_open = seen.open
    if (
        seen.unsayable
        or seen.ending
        or not seen.response_id
        or (is_open and is_open.type not in _KINDS)
    ):
        return None
    writer = ResumedWriter(echo, told, seen)
    if is_open and is_open.type == "reasoning" and not writer.thinks:
        return None  # its words would become an item of their own
    return writer
