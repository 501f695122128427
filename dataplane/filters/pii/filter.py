"""A filter that keeps personal data from models, and gives it back to whom it came from.

Rule: what was found never leaves in an error, a log or a header; there only its kind is named.
"""

from collections.abc import Iterable, Sequence

import msgspec

from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Continue,
    Filter,
    Passed,
    Verdict,
    settings_of,
)
from dataplane.filters.event import Event
from dataplane.filters.pii.placeholders import Placeholders
from dataplane.llm.personal.recognise import KINDS, recogniser
from dataplane.llm.words.body import REQUEST_FIELDS, change_words
from dataplane.llm.words.replacing import Replacements, Replacing
from dataplane.llm.words.stream import After, Text, WordsStream
from dataplane.llm.words.window import Match, Scan, Window, replaced
from dataplane.runtime import config
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

WINDOW = 64
"""Characters of an answer that wait for what follows, where answers are looked through: the longest
number, an account written in groups, has 42."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the operator's own."""

    name: str
    pattern: str


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See PiiConfig of the control plane."""

    kinds: tuple[str, ...] = KINDS
    patterns: tuple[Pattern, ...] = ()
    requests: str = "redact"
    answers: str = "keep"
    restore: bool = True
    phone_regions: tuple[str, ...] = ("US",)
    countries: tuple[str, ...] = ()


class PiiFilter(Filter):
    """Redacts or refuses what is personal in requests and answers."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        settings = settings_of(spec, Settings)
        self._settings = settings
        own = {one.name: one.pattern for one in settings.patterns}
        self._find = recogniser(settings.kinds, own, settings.phone_regions, settings.countries)

    def on_request(self, request: Request, context: Context) -> Verdict:
        """See Filter."""
        if self._settings.requests == "keep":
            return Continue(request)
        made = Placeholders(request.body.decode("utf-8", "replace"))
        body = change_words(request.body, REQUEST_FIELDS, lambda text, _: self._redact(text, made))
        if self._settings.requests == "refuse" and made.pairs:
            return _refused(self.id, "request", made.kinds())
        context.notes[self.id] = made.pairs
        return Continue(request.with_body(body))

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        pairs = context.notes.get(self.id)
        restored = Replacements(pairs if self._settings.restore and isinstance(pairs, dict) else {})
        match self._settings.answers:
            case "keep":
                return _Restoring(restored) if restored else None
            case "redact":
                return _Redacting(restored, self._scan)
            case _:
                return _Refusing(restored, self._scan, self.id)

    def _redact(self, text: str, made: Placeholders) -> str:
        pieces, at = [], 0
        for start, end, kind in self._find(text, 0):
            pieces += [text[at:start], made.of(kind, text[start:end])]
            at = end
        return "".join([*pieces, text[at:]])

    def _scan(self, text: str, begin: int) -> list[Match]:
        found = self._find(text, begin)
        return [Match(start, end, kind, f"[{kind.upper()}]") for start, end, kind in found]


class _Restoring(AnswerFilter):
    """Puts values back in place of their placeholders."""

    def __init__(self, restored: Replacements) -> None:
        self._restored = restored
        self._words: WordsStream[Event] = WordsStream(self._opened, self._whole)

    def on_event(self, event: Event) -> Passed:
        """See AnswerFilter."""
        return self._passed(self._words.feed(event))

    def on_end(self, complete: bool) -> Passed:
        """See AnswerFilter."""
        return self._passed(self._words.finish())

    def _passed(self, events: Sequence[Event]) -> Passed:
        return [event.rewritten() for event in events]

    def _opened(self, is_json: bool) -> Text:
        return Replacing(self._restored, is_json)

    def _whole(self, text: str, is_json: bool) -> str:
        return self._restored.apply(text, is_json)


class _Redacting(_Restoring):
    """Puts placeholders in place of what the model says of its own, too."""

    def __init__(self, restored: Replacements, scan: Scan) -> None:
        super().__init__(restored)
        self._scan = scan

    def _opened(self, is_json: bool) -> Text:
        return After(Window(self._scan, WINDOW), super()._opened(is_json))

    def _whole(self, text: str, is_json: bool) -> str:
        return super()._whole(replaced(text, self._scan)[0], is_json)


class _Refusing(_Redacting):
    """Ends an answer before what is personal in it is seen."""

    def __init__(self, restored: Replacements, scan: Scan, name: str) -> None:
        super().__init__(restored, self._look)
        self._look_for = scan
        self._name = name
        self._found: set[str] = set()

    def _look(self, text: str, begin: int) -> Iterable[Match]:
        found = [*self._look_for(text, begin)]
        self._found.update(match.kind for match in found)
        return found

    def _passed(self, events: Sequence[Event]) -> Passed:
        if self._found:
            return _refused(self._name, "answer", sorted(self._found))
        return super()._passed(events)


def _refused(name: str, what: str, kinds: Sequence[str]) -> LocalReply:
    message = f"Filter '{name}' refused the {what}: there is {', '.join(kinds)} in it."
    return LocalReply(400, message, ResponseDetail.FILTER_REFUSED)
