"""The words in an answer, changed while they come.

Rule: no event is added, lost or overtaken, and all but the words in it stays: a text whose end may
still change is held back, and with it the last event that had a piece of it (so the rest has a
place to be put), and the events behind that one.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from dataplane.llm.texts.slot import Slot, TextKind
from dataplane.llm.words.body import Change, changed

MAX_WAITING = 256
"""Events behind a held one (other choices, pings); then what is held is let go as it is."""


class Text(Protocol):
    """A fold: one text that comes in pieces."""

    def feed(self, piece: str) -> str:
        """What may be shown now, changed."""

    def finish(self) -> str:
        """The rest, changed."""

    @property
    def holds(self) -> bool:
        """Whether `finish` would give something."""


class Spoken(Protocol):
    """An event, or a whole answer, as far as its words go (filters.event.Event)."""

    @property
    def is_whole(self) -> bool: ...
    @property
    def slots(self) -> Sequence[Slot]: ...
    @property
    def ends(self) -> Sequence[Hashable] | None: ...


E = TypeVar("E", bound=Spoken)


class _Open(Generic[E]):
    """A text that is not complete."""

    __slots__ = ("event", "slot", "text")

    def __init__(self, text: Text, slot: Slot, event: E) -> None:
        self.text = text
        self.slot = slot
        """The last piece."""
        self.event = event


class WordsStream(Generic[E]):
    """A fold: events in, the same events with other texts in their slots out."""

    def __init__(self, opened: Callable[[bool], Text], whole: Change) -> None:
        """:param opened: makes the fold of a new text; it is told whether the text is JSON.
        :param whole: changes a text that comes in one piece.
        """
        self._opened = opened
        self._whole = whole
        self._open: dict[Hashable, _Open[E]] = {}
        self._waiting: deque[E] = deque()

    def feed(self, event: E) -> list[E]:
        """The events that are ready: none, this one, or those before it too."""
        for slot in event.slots:
            if event.is_whole or slot.repeats or slot.is_object:
                if not slot.repeats:
                    self._close_before(slot.part)
                self._set_whole(slot)
            else:
                self._grow(slot, event)
        ended = event.ends
        if ended is None:
            self._close([*self._open])
        else:
            self._close([part for part in self._open if _is_among(part, ended)])
        self._waiting.append(event)
        if len(self._waiting) > MAX_WAITING:
            self._close([*self._open])
        return self._ready()

    def finish(self) -> list[E]:
        """The answer is over, with or without its end: whatever is still here."""
        self._close([*self._open])
        return self._ready()

    def _set_whole(self, slot: Slot) -> None:
        if slot.is_object:
            # Text by text, so that it stays the JSON it is.
            data = changed(msgspec.json.decode(slot.text), self._whole, data=True)
            slot.text = msgspec.json.encode(data).decode()
        else:
            slot.text = self._whole(slot.text, slot.kind is TextKind.ARGUMENTS)

    def _grow(self, slot: Slot, event: E) -> None:
        known = self._open.get(slot.part)
        if known is None:
            self._close_before(slot.part)
            is_json = slot.kind is TextKind.ARGUMENTS
            known = self._open[slot.part] = _Open(self._opened(is_json), slot, event)
        known.slot, known.event = slot, event
        slot.text = known.text.feed(slot.text)

    def _close_before(self, next_part: Hashable) -> None:
        """Texts follow each other: what is held waits for no more when the next begins."""
        self._close([part for part in self._open if _owner(part) == _owner(next_part)])

    def _close(self, parts: Sequence[Hashable]) -> None:
        for part in parts:
            one = self._open.pop(part)
            rest = one.text.finish()
            if rest:
                one.slot.text += rest

    def _ready(self) -> list[E]:
        held = {id(one.event) for one in self._open.values() if one.text.holds}
        ready = []
        while self._waiting and id(self._waiting[0]) not in held:
            ready.append(self._waiting.popleft())
        return ready


def _owner(part: Hashable) -> Hashable:
    """The choice, block or item that a text is of."""
    return part[0] if isinstance(part, tuple) and part else part


def _is_among(part: Hashable, ended: Sequence[Hashable]) -> bool:
    return any(
        part == end
        or (isinstance(part, tuple) and isinstance(end, tuple) and part[: len(end)] == end)
        for end in ended
    )


class After:
    """A text that is changed by one fold, and then by another."""

    __slots__ = ("_first", "_then")

    def __init__(self, first: Text, then: Text) -> None:
        self._first = first
        self._then = then

    @property
    def holds(self) -> bool:
        """See Text."""
        return self._first.holds or self._then.holds

    def feed(self, piece: str) -> str:
        """See Text."""
        return self._then.feed(self._first.feed(piece))

    def finish(self) -> str:
        """See Text."""
        return self._then.feed(self._first.finish()) + self._then.finish()
