"""A filter that keeps personal data from models, and gives it back to whom it came from.

Rule: what was found never leaves in an error, a log or a header; there only its kind is named.
"""

from collections.abc import Iterable, Sequence

import msgspec

from dataplane.filters.api import (
    Again,
    AnswerFilter,
    Context,
    Continue,
    Filter,
    Maybe,
    Passed,
    Verdict,
    asks,
    settings_of,
)
from dataplane.filters.event import Event
from dataplane.filters.owner import owner_of
from dataplane.filters.pii.placeholders import Placeholders
from dataplane.filters.pii.remembered import Place, Remembered, id_in, series_of, turn_of
from dataplane.llm.personal.recognise import KINDS, recogniser
from dataplane.llm.words.body import REQUEST_FIELDS, change_words
from dataplane.llm.words.replacing import Replacements, Replacing
from dataplane.llm.words.stream import After, Text, WordsStream
from dataplane.llm.words.window import Match, Scan, Window, replaced
from dataplane.runtime import config
from dataplane.runtime.effects import Recall, Recalled, Remember, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation

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
    remember_seconds: float = 86_400.0


class PiiFilter(Filter):
    """Redacts or refuses what is personal in requests and answers."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        settings = settings_of(spec, Settings)
        self._settings = settings
        own = {one.name: one.pattern for one in settings.patterns}
        self._find = recogniser(settings.kinds, own, settings.phone_regions, settings.countries)

    def on_request(self, request: Request, context: Context) -> Maybe[Verdict]:
        """See Filter."""
        if self._settings.requests == "keep":
            return Continue(request)
        words = request.body.decode("utf-8", "replace")
        if context.operation is Operation.RESPONSES and self._settings.requests == "redact":
            return self._of_turn(request, context, words)
        return self._made(request, context, Placeholders(words))

    def _of_turn(self, request: Request, context: Context, words: str) -> Steps[Verdict]:
        """Of a conversation that its provider may remember: with the placeholders it has had."""
        asked = turn_of(request.body)
        owner = owner_of(request, context.principal)
        had, series = None, ""
        if asked.previous_response_id:
            place = Place(self.id, owner, asked.previous_response_id)
            reply = yield Recall(place.key)
            assert isinstance(reply, Recalled)
            had = place.open(reply.value)
            series = had.series if had is not None else series_of(asked.previous_response_id)
        made = Placeholders(words, had.pairs if had is not None else None, series)
        verdict = self._made(request, context, made)
        if asked.store is not False and made.pairs and self._settings.remember_seconds:
            context.notes[self.id] = _Turn(made.pairs, series, owner)
        return verdict

    def _made(self, request: Request, context: Context, made: Placeholders) -> Verdict:
        body = change_words(request.body, REQUEST_FIELDS, lambda text, _: self._redact(text, made))
        if self._settings.requests == "refuse" and made.pairs:
            return _refused(self.id, "request", made.kinds())
        context.notes[self.id] = made.pairs
        return Continue(request.with_body(body))

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        pairs = context.notes.get(self.id)
        if isinstance(pairs, _Turn):
            inner = self._of_answer(pairs.pairs)
            return _Remembering(inner, self.id, pairs, self._settings.remember_seconds)
        return self._of_answer(pairs)

    def _of_answer(self, pairs: object) -> AnswerFilter | None:
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


class _Turn(msgspec.Struct, frozen=True):
    """What is remembered of a request when its answer has an id."""

    pairs: dict[str, str]
    series: str
    owner: str


class _Remembering(AnswerFilter):
    """Keeps placeholders under the id of the answer, before the client has that."""

    def __init__(self, inner: AnswerFilter | None, name: str, turn: _Turn, ttl_s: float) -> None:
        self._inner = inner or AnswerFilter()
        self._name = name
        self._turn: _Turn | None = turn
        self._ttl_s = ttl_s

    def on_event(self, event: Event) -> Maybe[Passed]:
        """See AnswerFilter."""
        if self._turn is not None:
            response_id = id_in(event.json)
            if response_id:
                turn, self._turn = self._turn, None
                return self._remember(turn, response_id, event)
        return self._inner.on_event(event)

    def on_end(self, complete: bool) -> Maybe[Passed | Again]:
        """See AnswerFilter."""
        return self._inner.on_end(complete)

    def _remember(self, turn: _Turn, response_id: str, event: Event) -> Steps[Passed]:
        place = Place(self._name, turn.owner, response_id)
        sealed = place.seal(Remembered(turn.pairs, turn.series))
        yield Remember(place.key, sealed, self._ttl_s)
        passed: Maybe[Passed] = self._inner.on_event(event)
        return (yield from passed) if asks(passed) else passed


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
