"""A filter that knows patterns: what must not be said, and what must be.

Rule: patterns are RE2's, whose time is linear in the text whatever they are.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import re2

from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Continue,
    Cut,
    Filter,
    Head,
    Passed,
    Verdict,
    settings_of,
)
from dataplane.filters.event import Event
from dataplane.llm.words.body import REQUEST_FIELDS, asked_in, change_words
from dataplane.llm.words.stream import WordsStream
from dataplane.llm.words.window import Match, Window, replaced
from dataplane.runtime import config
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

TOLD = "x-outrider-flagged"
"""Names the patterns that were found where the answer is to go on."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to look for."""

    name: str
    pattern: str
    ignore_case: bool = False
    replacement: str = "[REDACTED]"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See PatternsConfig of the control plane."""

    deny: tuple[Pattern, ...] = ()
    allow: tuple[Pattern, ...] = ()
    requests: str = "refuse"
    answers: str = "refuse"
    message: str = ""
    window: int = 128


class PatternsFilter(Filter):
    """Refuses, redacts or flags what its patterns find."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self._settings = settings_of(spec, Settings)
        self._deny = [(one, _compiled(one)) for one in self._settings.deny]
        self._allow = [_compiled(one) for one in self._settings.allow]

    def on_request(self, request: Request, context: Context) -> Verdict:
        """See Filter."""
        settings = self._settings
        if self._allow and not self._is_allowed(request.body):
            return self._refused("the request", "is none of what is allowed here")
        if not self._deny or settings.requests == "ignore":
            return Continue(request)
        found: list[Match] = []

        def change(text: str, _: bool) -> str:
            changed, matches = replaced(text, self.scan)
            found.extend(matches)
            return changed if settings.requests == "redact" else text

        body = change_words(request.body, REQUEST_FIELDS, change)
        if found and settings.requests == "refuse":
            return self._refused("the request", f"has {_names(found)} in it")
        if found:
            context.notes[self.id] = _names(found)
        return Continue(request.with_body(body))

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        told = context.notes.get(self.id)
        if not self._deny or self._settings.answers == "ignore":
            return _Telling(told) if isinstance(told, str) else None
        return _OfAnswer(self, told if isinstance(told, str) else "")

    @property
    def settings(self) -> Settings:
        """What it does."""
        return self._settings

    def scan(self, text: str, begin: int) -> list[Match]:
        """What must not be said in a text: the first of them where two overlap."""
        found = [
            Match(match.start(), match.end(), one.name, one.replacement)
            for one, pattern in self._deny
            for match in pattern.finditer(text, begin)
            if match.end() > match.start()
        ]
        found.sort(key=lambda match: (match.start, -match.end))
        kept: list[Match] = []
        for match in found:
            if not kept or match.start >= kept[-1].end:
                kept.append(match)
        return kept

    def refused_answer(self, found: Iterable[Match]) -> LocalReply:
        """Of an answer."""
        return self._refused("the answer", f"has {_names(found)} in it")

    def _is_allowed(self, body: bytes) -> bool:
        asked = "\n".join(asked_in(body))
        return any(pattern.search(asked) for pattern in self._allow)

    def _refused(self, what: str, why: str) -> LocalReply:
        message = self._settings.message or f"Filter '{self.id}' refused {what}: it {why}."
        return LocalReply(400, message, ResponseDetail.FILTER_REFUSED)


class _Telling(AnswerFilter):
    """Says in a header what was found in the request."""

    wants_events = False

    def __init__(self, told: str) -> None:
        self._told = told

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        return head.with_header(TOLD, self._told)


class _OfAnswer(AnswerFilter):
    def __init__(self, filter_: PatternsFilter, told: str) -> None:
        self._filter = filter_
        self._action = filter_.settings.answers
        self._told = told
        self._found: list[Match] = []
        self._words: WordsStream[Event] = WordsStream(self._opened, self._whole)

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        return head.with_header(TOLD, self._told) if self._told else head

    def on_event(self, event: Event) -> Passed:
        """See AnswerFilter."""
        return self._passed(self._words.feed(event))

    def on_end(self, complete: bool) -> Passed:
        """See AnswerFilter."""
        return self._passed(self._words.finish())

    def _passed(self, events: Sequence[Event]) -> Passed:
        out = [event.rewritten() for event in events]
        if self._found and self._action == "refuse":
            return self._filter.refused_answer(self._found)
        if self._found and self._action == "cut":
            out += [event.rewritten() for event in self._words.finish()]
            return Cut(f"filter '{self._filter.id}' found {_names(self._found)}", out)
        return out

    def _opened(self, is_json: bool) -> Window:
        return Window(self._scan, self._filter.settings.window)

    def _whole(self, text: str, is_json: bool) -> str:
        return replaced(text, self._scan)[0]

    def _scan(self, text: str, begin: int) -> list[Match]:
        found = self._filter.scan(text, begin)
        self._found += found
        match self._action:
            case "redact":
                return found
            case "flag":
                return []
            case _:  # nothing from there on is shown
                return [Match(one.start, len(text), one.kind, "") for one in found[:1]]


def _compiled(one: Pattern) -> Any:
    return re2.compile(f"(?i){one.pattern}" if one.ignore_case else one.pattern)


def _names(found: Iterable[Match]) -> str:
    return ", ".join(sorted({match.kind for match in found}))
