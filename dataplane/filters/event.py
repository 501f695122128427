"""One event of an answer, and what it says whatever its protocol.

Rule: an event that nobody changes stays the very bytes that it was, and nothing is decoded before
somebody asks.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from dataplane.filters.form import Form
from dataplane.llm.framing import Framing, payload_of, rewrapped
from dataplane.llm.hub.literals import decoded
from dataplane.llm.sse import DONE
from dataplane.llm.texts.answers import ended_by, slots_of
from dataplane.llm.texts.slot import Part, Slot, TextKind
from dataplane.llm.texts.tokens import drop_tokens

_JSON = msgspec.json.Decoder()
_UNREAD: Any = object()
_WHOLE, _TEXT = Framing.WHOLE, TextKind.TEXT  # (an attribute of an Enum is slow)


class Event:
    """Whole bytes of an answer: an event with all its lines, a frame, or the whole body."""

    __slots__ = ("_json", "_slots", "form", "raw")

    def __init__(self, raw: bytes, form: Form) -> None:
        self.raw = raw
        """As it goes over the wire."""
        self.form = form
        self._json: Any = _UNREAD
        self._slots: Sequence[Slot] | None = None

    def __repr__(self) -> str:
        return f"Event({self.raw!r})"

    @property
    def is_whole(self) -> bool:
        """Whether it is a whole answer, not one event of many."""
        return self.form.framing is _WHOLE

    @property
    def data(self) -> bytes:
        """Its JSON, or whatever else it says (`[DONE]`); empty for comments."""
        return payload_of(self.raw, self.form.framing)

    @property
    def json(self) -> Any:
        """Its JSON, decoded; None when it is none. To change it use `with_json`."""
        if self._json is _UNREAD:
            try:
                self._json = decoded(_JSON, self.data)
            except (msgspec.MsgspecError, RecursionError, UnicodeError):
                self._json = None
        return self._json

    def with_data(self, data: bytes) -> "Event":
        """The same event with other JSON, encoded."""
        return Event(rewrapped(self.raw, data, self.form.framing), self.form)

    def with_json(self, value: Any) -> "Event":
        """The same event with other JSON."""
        return self.with_data(msgspec.json.encode(value))

    @property
    def slots(self) -> Sequence[Slot]:
        """Where texts stand in it: set `text` of some, then go on with `rewritten()`."""
        if self._slots is None:
            self._slots = slots_of(self.form.operation, self.is_whole, self.json)
        return self._slots

    def rewritten(self) -> "Event":
        """This event, with the texts that were set in its slots."""
        if self._slots is None or not any(slot.changed for slot in self._slots):
            return self
        if b"logprobs" in self.data:
            drop_tokens(self._json)
        return self.with_json(self._json)

    @property
    def ends(self) -> Sequence[Part] | None:
        """Which parts of the answer it ends (llm/texts/answers.py); None: all there are."""
        if self.is_whole or self.data == DONE:
            return None
        return ended_by(self.form.operation, self.json)

    @property
    def text(self) -> str:
        """What it says to the reader: no reasoning, no arguments, nothing said before."""
        said = [slot.text for slot in self.slots if slot.kind is _TEXT and not slot.repeats]
        return said[0] if len(said) == 1 else "".join(said)
