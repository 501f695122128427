"""A filter that lets only answers through that are JSON of the operator's schema.

Rule: what a client gets as a whole answer fits the schema. What does not is an error that SDKs take
for a failure of the provider, and may try again.
"""

from typing import Any

import jsonschema_rs
import msgspec

from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Filter,
    Passed,
    UnusableFilterError,
    settings_of,
)
from dataplane.filters.event import Event
from dataplane.filters.json_schema.repair import json_in
from dataplane.llm.texts.slot import Slot, TextKind
from dataplane.runtime import config
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

BAD_GATEWAY = 502


class Settings(msgspec.Struct, frozen=True):
    """See JsonSchemaConfig of the control plane."""

    schema: dict[str, Any]
    repair: bool = True
    streams: str = "hold"


class JsonSchemaFilter(Filter):
    """Holds answers against a schema."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self.settings = settings_of(spec, Settings)
        try:
            self._validator = jsonschema_rs.validator_for(
                self.settings.schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_none
            )
        except ValueError as problem:  # (ValidationError is one)
            raise UnusableFilterError(f"its schema is none: {str(problem)[:200]}") from problem

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        return None if context.protocol is None else _OfAnswer(self)

    def fitting(self, text: str) -> str | LocalReply:
        """The JSON of a text, or what is wrong with it."""
        found = json_in(text)
        if found is None or (not self.settings.repair and found[0] != text.strip()):
            return self._refused("is not JSON")
        said, value = found
        for error in self._validator.iter_errors(value):
            where = "".join(f"[{step!r}]" for step in error.instance_path)
            rule = "/".join(str(step) for step in error.schema_path)
            return self._refused(f"does not fit the schema: at ${where}, by {rule}")
        return said

    def _refused(self, why: str) -> LocalReply:
        message = f"Filter '{self.id}' refused the answer: it {why}."
        return LocalReply(BAD_GATEWAY, message, ResponseDetail.FILTER_REFUSED)


def _none(uri: str) -> Any:
    """A schema must be whole: nothing is fetched."""
    raise ValueError(f"{uri} is not part of it")


class _OfAnswer(AnswerFilter):
    def __init__(self, filter_: JsonSchemaFilter) -> None:
        self._filter = filter_
        self._events: list[Event] = []
        self._said: dict[object, list[Slot]] = {}
        """The pieces of each text."""
        self._done = False

    def on_event(self, event: Event) -> Passed:
        """See AnswerFilter."""
        for slot in event.slots:
            if slot.kind is TextKind.TEXT and not slot.repeats:
                self._said.setdefault(slot.part, []).append(slot)
        if event.is_whole or self._filter.settings.streams == "hold":
            self._events.append(event)
            return ()
        if event.ends is None and not self._done:
            # Told at the end: what breaks the schema gets an error in place of its end.
            self._done = True
            problem = self._fitted(change=False)
            if problem is not None:
                return problem
        return event

    def on_end(self, complete: bool) -> Passed:
        """See AnswerFilter."""
        if not self._events:
            return ()
        if complete:
            problem = self._fitted(change=True)
            if problem is not None:
                return problem
        return [event.rewritten() for event in self._events]

    def _fitted(self, *, change: bool) -> LocalReply | None:
        whole: dict[object, str] = {}
        for part, slots in self._said.items():
            text = "".join(slot.text for slot in slots)
            if not text:
                continue
            made = self._filter.fitting(text)
            if isinstance(made, LocalReply):
                return made
            if made != text:
                whole[part] = made
        if change:
            self._put(whole)
        return None

    def _put(self, whole: dict[object, str]) -> None:
        """Say the JSON alone: in the first piece of each text, and where the whole is repeated."""
        for part, text in whole.items():
            first, *others = self._said[part]
            first.text = text
            for slot in others:
                slot.text = ""
        for event in self._events:
            for slot in event.slots:
                if slot.repeats and slot.part in whole:
                    slot.text = whole[slot.part]
