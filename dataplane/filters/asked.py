"""A request as a filter reads and changes it, whatever its protocol."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from dataplane.llm.texts.requests import request_slots, with_instruction
from dataplane.llm.texts.slot import Slot
from dataplane.runtime.messages import Request
from dataplane.runtime.protocols import Operation


class Asked:
    """Nothing is decoded before somebody asks; what is changed is encoded once, at the end."""

    __slots__ = ("_changed", "_json", "_slots", "is_lent", "is_read", "operation", "request")

    def __init__(self, request: Request, operation: Operation) -> None:
        self.request = request
        """As it came."""
        self.operation = operation
        self._json: Any = None
        self._slots: Sequence[Slot] | None = None
        self._changed = False
        self.is_read = False
        """Whether anybody has looked into it; else nobody can have changed it."""
        self.is_lent = False
        """Whether its JSON was handed out: who got it may have changed it and said nothing."""

    @property
    def json(self) -> Any:
        """The body, decoded; None when it is no JSON. To change it say so with `changed`."""
        self.is_lent = True
        return self._read()

    def _read(self) -> Any:
        if not self.is_read:
            self.is_read = True
            try:
                self._json = msgspec.json.decode(self.request.body)
            except (msgspec.MsgspecError, RecursionError, UnicodeError):
                self._json = None
        return self._json

    def changed(self) -> None:
        """The JSON is not what came."""
        self._changed = True
        self._slots = None

    @property
    def slots(self) -> Sequence[Slot]:
        """Its texts, in order, each with its role; setting one's `text` changes the request."""
        if self._slots is None:
            self._slots = request_slots(self.operation, self._read())
        return self._slots

    @property
    def question(self) -> str:
        """What the user said last."""
        return next((slot.text for slot in reversed(self.slots) if slot.role == "user"), "")

    def instruct(self, text: str) -> bool:
        """Add to what the model is told by the operator; False: there is no place for it."""
        self._keep()
        done = with_instruction(self.operation, self._read(), text)
        if done:
            self.changed()
        return done

    def _keep(self) -> None:
        """Remember that texts were set, before their slots are found anew."""
        self._changed = self._changed or any(slot.changed for slot in self._slots or ())

    def rewritten(self) -> Request:
        """The request with everything that was changed; itself when nothing was."""
        if not self.is_read:
            return self.request
        self._keep()
        if not self._changed:
            return self.request
        return replace(self.request, body=msgspec.json.encode(self._json))
