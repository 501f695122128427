"""A filter that lets only answers through that are JSON of the operator's schema.

Rule: what a client gets as a whole answer fits the schema, or says that it does not. Before it is
refused the model may be told what is wrong with it; that is over once the client has seen anything.
"""

from typing import Any

import jsonschema_rs
import msgspec

from dataplane.filters.api import (
    Again,
    AnswerFilter,
    Context,
    Filter,
    Maybe,
    Passed,
    UnusableFilterError,
    settings_of,
)
from dataplane.filters.event import Event
from dataplane.filters.json_schema.asking import MAX_ERRORS, Misfit, asked_again
from dataplane.filters.json_schema.repair import json_in
from dataplane.llm.texts.slot import Slot, TextKind
from dataplane.runtime import config
from dataplane.runtime.effects import Flag, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

BAD_GATEWAY = 502
TOLD = "x-outrider-flagged"
FAILED, RETRIED = "failed", "retried"
"""What log and metrics say: an answer that does not fit was let pass, or asked for again."""
MAX_MESSAGE = 500
"""Characters of one error, which may show a value of the answer."""


class Settings(msgspec.Struct, frozen=True):
    """See JsonSchemaConfig of the control plane."""

    schema: dict[str, Any]
    repair: bool = True
    streams: str = "hold"
    on_mismatch: str = "refuse"
    retries: int = 0


class JsonSchemaFilter(Filter):
    """Holds answers against a schema."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self.settings = settings_of(spec, Settings)
        self.schema_text = msgspec.json.encode(self.settings.schema).decode()
        try:
            self._validator = jsonschema_rs.validator_for(
                self.settings.schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_none
            )
        except ValueError as problem:  # (ValidationError is one)
            raise UnusableFilterError(f"its schema is none: {str(problem)[:200]}") from problem

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        return None if context.protocol is None else _OfAnswer(self, request, context)

    def fitting(self, text: str) -> str | Misfit:
        """The JSON of a text, or what is wrong with it."""
        found = json_in(text)
        if found is None or (not self.settings.repair and found[0] != text.strip()):
            return Misfit("is not JSON", ("it is not JSON",))
        said, value = found
        errors = []
        why = ""
        for error in self._validator.iter_errors(value):
            where = "".join(f"[{step!r}]" for step in error.instance_path)
            rule = "/".join(str(step) for step in error.schema_path)
            why = why or f"does not fit the schema: at ${where}, by {rule}"
            errors.append(f"at ${where}: {error.message[:MAX_MESSAGE]}")
            if len(errors) == MAX_ERRORS:
                break
        return Misfit(why, tuple(errors)) if errors else said

    def refused(self, misfit: Misfit) -> LocalReply:
        """What a client gets in place of such an answer."""
        message = f"Filter '{self.id}' refused the answer: it {misfit.why}."
        return LocalReply(BAD_GATEWAY, message, ResponseDetail.FILTER_REFUSED)


def _none(uri: str) -> Any:
    """A schema must be whole: nothing is fetched."""
    raise ValueError(f"{uri} is not part of it")


class _OfAnswer(AnswerFilter):
    def __init__(self, filter_: JsonSchemaFilter, request: Request, context: Context) -> None:
        self._filter = filter_
        self.adds_headers = filter_.settings.on_mismatch == "flag"
        self._request = request
        self._context = context
        self._events: list[Event] = []
        self._said: dict[object, list[Slot]] = {}
        """The pieces of each text."""
        self._done = False

    def on_event(self, event: Event) -> Maybe[Passed]:
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
            found = self._fitted(change=False)
            if found is not None:
                return self._passed_over(found[1], [event])
        return event

    def on_end(self, complete: bool) -> Maybe[Passed | Again]:
        """See AnswerFilter."""
        if not self._events:
            return ()
        found = self._fitted(change=True) if complete else None
        if found is not None:
            return self._misfitting(*found)
        return [event.rewritten() for event in self._events]

    def _misfitting(self, text: str, misfit: Misfit) -> Steps[Passed | Again]:
        """What becomes of an answer that nobody has seen."""
        filter_, notes = self._filter, self._context.notes
        tries = notes.get(filter_.id)
        tried = tries if isinstance(tries, int) else 0
        request = None
        otherwise = self._passed_over(misfit, self._events)
        if tried < filter_.settings.retries:
            schema = filter_.schema_text
            operation = self._context.operation
            request = asked_again(operation, self._request, text, misfit, schema)
        if request is None:
            return (yield from otherwise)
        notes[filter_.id] = tried + 1
        yield Flag(filter_.id, RETRIED)
        return Again(request, otherwise)

    def _passed_over(self, misfit: Misfit, events: list[Event]) -> Steps[Passed]:
        """Refuse it, or let it pass and say so."""
        filter_ = self._filter
        if filter_.settings.on_mismatch == "refuse":
            return filter_.refused(misfit)
        self.told = ((TOLD, f"{filter_.id};schema"),)
        yield Flag(filter_.id, FAILED)
        return events

    def _fitted(self, *, change: bool) -> tuple[str, Misfit] | None:
        """The first text that does not fit, and why."""
        whole: dict[object, str] = {}
        for part, slots in self._said.items():
            text = "".join(slot.text for slot in slots)
            if not text:
                continue
            made = self._filter.fitting(text)
            if isinstance(made, Misfit):
                return text, made
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
