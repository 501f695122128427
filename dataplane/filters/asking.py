"""Answers that a service outside sees: piece by piece as they come, in windows, or whole.

Rule: what is asked about is always whole events. When the service fails and the filter fails open,
what was asked about goes on as it was, all of it.
"""

from collections.abc import Callable, Sequence

import msgspec

from dataplane.filters.answer_head import Changes
from dataplane.filters.api import AnswerFilter, Head, Maybe, Passed
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing, FramingError, cutter_of
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, ResponseDetail

MAX_HELD_BYTES = 32 << 20
"""Of an answer that is wanted whole."""


class Changed(msgspec.Struct, frozen=True):
    """What a service has made of the first piece of an answer."""

    body: bytes
    head: Changes


Ask = Callable[[bytes, Form, Head | None], Steps[bytes | Changed | LocalReply]]
"""What the service makes of a piece of an answer, or why it ends; it is told of the head, and may
change it, with the first piece, if it wants to.
"""


class How(msgspec.Struct, frozen=True):
    """When a service is asked: see AnswersConfig of the control plane."""

    answers: str = "events"
    """"events" or "whole"."""
    window: int = 0
    """Bytes that are collected first."""
    head: bool = False
    """Whether it sees status and headers, too, and answers that are errors."""


class AskedAnswer(AnswerFilter):
    """One answer."""

    batches = True

    def __init__(
        self, ask: Ask, how: How, filter_id: str, lets_pass: Callable[[LocalReply], bool]
    ) -> None:
        self._ask = ask
        self._most = MAX_HELD_BYTES if how.answers == "whole" else how.window
        self._is_whole = how.answers == "whole"
        self.wants_errors = how.head
        self.wants_head = how.head
        self._head: Head | None = None
        """Until the service was told of it."""
        self._id = filter_id
        self._lets_pass = lets_pass
        self._held: list[Event] = []
        self._size = 0
        self._gave_up = False
        """Whether the rest passes: it was too much, and the filter fails open."""

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        self._head = head
        return head

    def on_event(self, event: Event) -> Maybe[Passed]:
        """See AnswerFilter; several events of a stream come as one."""
        if self._gave_up:
            return event
        if event.is_whole:
            return self._asked([event])
        self._held.append(event)
        self._size += len(event.raw)
        if self._size < self._most:
            return ()
        if self._is_whole:
            message = f"Filter '{self._id}' takes whole answers, and this one is too large."
            failed = LocalReply(502, message, ResponseDetail.FILTER_FAILED)
            self._gave_up = self._lets_pass(failed)
            return self._taken() if self._gave_up else failed
        return self._asked(self._taken())

    def on_end(self, complete: bool) -> Maybe[Passed]:
        """See AnswerFilter. What broke off is seen, too: the client may get it."""
        return self._asked(self._taken()) if self._held else ()

    def _taken(self) -> list[Event]:
        held, self._held, self._size = self._held, [], 0
        return held

    def _asked(self, events: Sequence[Event]) -> Steps[Passed]:
        form = events[0].form
        head, self._head = self._head, None
        made = yield from self._ask(b"".join(event.raw for event in events), form, head)
        if isinstance(made, LocalReply):
            return events if self._lets_pass(made) else made
        if isinstance(made, Changed):
            self.rewrites = made.head.applied
            made = made.body
        return _events(made, form)


def _events(data: bytes, form: Form) -> list[Event]:
    """What a service has made: events again. What it left without an end gets one."""
    if form.framing is Framing.WHOLE:
        return [Event(data, form)] if data else []
    cutter = cutter_of(form.framing, MAX_HELD_BYTES)
    try:
        pieces = cutter.feed(data)
    except FramingError:
        return [Event(data, form)]
    rest = cutter.rest()
    if rest.strip():
        pieces.append(rest.rstrip(b"\r\n") + b"\n\n" if form.framing is Framing.SSE else rest)
    return [Event(piece, form) for piece in pieces]
