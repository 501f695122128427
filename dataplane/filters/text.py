"""Answers as texts: for filters that care for words, not for events.

Rules: events keep their number, order and everything that is not text; and what a protocol says
once more (Responses does) is what the reader was told, not what the model said.

Text that is held back waits in the event that it came with, and that event waits with it; so a
text filter with a window makes each event one event late, and never makes up an event.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable

from dataplane.filters.api import AnswerFilter, Cut
from dataplane.filters.event import Event
from dataplane.llm.texts.slot import Part, Slot, TextKind
from dataplane.runtime.messages import LocalReply

SPOKEN = frozenset((TextKind.TEXT,))
Said = tuple[str, str]
"""What is said now, and what is held until more has come."""


class _Held:
    """The end of a part's text that waits for more."""

    __slots__ = ("event", "rest", "slot")

    def __init__(self, event: Event, slot: Slot, rest: str) -> None:
        self.event = event
        self.slot = slot
        self.rest = rest


class TextAnswer(AnswerFilter):
    """Sees the texts of an answer, part by part, as they come."""

    def __init__(self, kinds: frozenset[TextKind] = SPOKEN) -> None:
        """:param kinds: which texts it wants to see."""
        self._kinds = kinds
        self._queue: list[Event] = []
        """Events that wait for the first of them."""
        self._held: dict[Part, _Held] = {}
        self._said: dict[Part, str] = {}
        """What the reader was told, for protocols that say it once more."""

    @abstractmethod
    def on_text(self, text: str, part: Part, last: bool) -> Said | Cut | LocalReply:
        """More of a part's text, behind what was held of it.

        :param last: nothing more of the part will come; what is held then is lost.
        """

    def on_event(self, event: Event) -> Event | list[Event] | Cut | LocalReply:
        """See AnswerFilter."""
        slots = [slot for slot in event.slots if slot.kind in self._kinds]
        if not slots and (not self._queue or not event.data):
            return event
        for slot in slots:
            problem = self._again(slot) if slot.repeats else self._more(event, slot)
            if problem is not None:
                return problem
        ends = event.ends
        for part in [p for p in self._held if ends is None or _is_ended(p, ends)]:
            problem = self._flush(part)
            if problem is not None:
                return problem
        for slot in slots:
            if slot.repeats and slot.part in self._said:
                slot.text = self._said[slot.part]
        self._queue.append(event)
        return self._released()

    def on_end(self, complete: bool) -> list[Event] | Cut | LocalReply:
        """See AnswerFilter."""
        for part in list(self._held):
            problem = self._flush(part)
            if problem is not None:
                return problem
        return self._released()

    def _more(self, event: Event, slot: Slot) -> Cut | LocalReply | None:
        part = slot.part
        if self._held:
            for other in [p for p in self._held if p != part and p[:1] == part[:1]]:
                problem = self._flush(other)
                if problem is not None:
                    return problem
        held = self._held.pop(part, None)
        made = self.on_text(slot.text if held is None else held.rest + slot.text, part, False)
        if not isinstance(made, tuple):
            return self._stopped(made)
        say, rest = made
        self._said[part] = self._said.get(part, "") + say
        if held is None:
            slot.text = say
        else:
            held.slot.text += say
            slot.text = ""
        if rest:
            self._held[part] = _Held(event, slot, rest)
        return None

    def _again(self, slot: Slot) -> Cut | LocalReply | None:
        """A text that is said as a whole: only news when no piece of it was said before."""
        if slot.part in self._said or not slot.text:
            return None
        made = self.on_text(slot.text, slot.part, True)
        if not isinstance(made, tuple):
            return self._stopped(made)
        self._said[slot.part] = made[0]
        return None

    def _flush(self, part: Part) -> Cut | LocalReply | None:
        held = self._held.pop(part)
        made = self.on_text(held.rest, part, True)
        if not isinstance(made, tuple):
            return self._stopped(made)
        held.slot.text += made[0]
        self._said[part] += made[0]
        return None

    def _stopped(self, made: Cut | LocalReply) -> Cut | LocalReply:
        if isinstance(made, LocalReply):
            return made
        queue, self._queue = self._queue, []
        self._held.clear()
        return Cut(made.reason, (*(event.rewritten() for event in queue), *made.before))

    def _released(self) -> list[Event]:
        """Those that wait for nothing any more."""
        queue = self._queue
        waiting = [held.event for held in self._held.values()]
        count = 0
        while count < len(queue) and not any(queue[count] is event for event in waiting):
            count += 1
        out = [event.rewritten() for event in queue[:count]]
        del queue[:count]
        return out


def _is_ended(part: Part, ends: Iterable[Part]) -> bool:
    return any(part[: len(end)] == end for end in ends)


Find = Callable[[str], Iterable[tuple[int, int, str]]]
"""Where something stands in a text, in order: begin, end, and what is said instead."""


def windowed(text: str, last: bool, window: int, find: Find) -> Said:
    """Replace what is found in a text that comes in pieces.

    :param window: characters of the longest thing that is looked for.
    """
    end = len(text) if last else max(0, len(text) - window)
    said = []
    at = 0
    for begin, stop, instead in find(text):
        if begin >= end:
            break
        said += [text[at:begin], instead]
        at = stop
    cut = max(at, end)
    said.append(text[at:cut])
    return "".join(said), text[cut:]
