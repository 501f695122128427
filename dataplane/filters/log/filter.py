"""A filter that writes down what was asked and answered, for the operator.

Rule: it changes nothing, holds nothing up, and of personal data only the kind is written.
"""

from collections.abc import Sequence

import msgspec

from dataplane.filters.api import AnswerFilter, Context, Continue, Filter, Head, settings_of
from dataplane.filters.event import Event
from dataplane.llm.personal.recognise import KINDS, recogniser
from dataplane.llm.texts.slot import TextKind
from dataplane.llm.words.body import REQUEST_FIELDS, change_words
from dataplane.llm.words.window import Match, replaced
from dataplane.runtime import config
from dataplane.runtime.effects import Emit, Steps
from dataplane.runtime.messages import Request

_TOO_LONG = msgspec.Raw(b"null")


class Settings(msgspec.Struct, frozen=True):
    """See LogConfig of the control plane."""

    entries: tuple[str, ...] = ("request", "answer")
    redact: tuple[str, ...] = KINDS
    max_body_bytes: int = 65_536


class _Entry(msgspec.Struct, omit_defaults=True):
    """A line, but for its time."""

    entry: str
    filter: str
    request_id: str
    listener: str
    operation: str
    model: str = ""
    stream: bool = False
    principal: str = ""
    tenant: str = ""
    body: msgspec.Raw = _TOO_LONG
    """Of a request, as it was when it came here."""
    body_bytes: int = 0
    """How long it is."""
    status: int = 0
    text: str = ""
    """What an answer says to its reader."""
    reasoning: str = ""
    calls: list[str] = []
    """The arguments of its calls."""
    complete: bool | None = None
    """Whether the answer came to its end."""
    truncated: bool = False
    """It was longer than is written down."""


class LogFilter(Filter):
    """Writes entries to its sink."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self._settings = settings_of(spec, Settings)
        self._find = (
            recogniser(self._settings.redact, {}, ("US",)) if self._settings.redact else None
        )

    def on_request(self, request: Request, context: Context) -> Steps[Continue]:
        """See Filter."""
        if "request" in self._settings.entries:
            entry = self._entry("request", context)
            size = entry.body_bytes = len(request.body)
            entry.truncated = size > self._settings.max_body_bytes
            if not entry.truncated:
                try:
                    body = change_words(request.body, REQUEST_FIELDS, lambda t, _: self.redacted(t))
                    entry.body = msgspec.Raw(body)
                except (ValueError, RecursionError):
                    entry.truncated = True  # no JSON object: somebody will refuse it
            yield Emit(self.id, msgspec.json.encode(entry))
        return Continue(request)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        if "answer" not in self._settings.entries:
            return None
        return _OfAnswer(self, self._entry("answer", context), self._settings.max_body_bytes)

    def redacted(self, text: str) -> str:
        """A text without what is personal in it."""
        find = self._find
        if find is None:
            return text

        def scan(text: str, begin: int) -> list[Match]:
            found = find(text, begin)
            return [Match(start, end, kind, f"[{kind.upper()}]") for start, end, kind in found]

        return replaced(text, scan)[0]

    def _entry(self, kind: str, context: Context) -> _Entry:
        caller = context.principal
        return _Entry(
            entry=kind,
            filter=self.id,
            request_id=context.request_id,
            listener=context.listener,
            operation=context.operation.value,
            model=context.model,
            stream=context.stream,
            principal=caller.id if caller is not None else "",
            tenant=caller.tenant if caller is not None else "",
        )


class _OfAnswer(AnswerFilter):
    wants_errors = True

    def __init__(self, filter_: LogFilter, entry: _Entry, most: int) -> None:
        self._filter = filter_
        self._entry = entry
        self._left = most
        self._said: dict[TextKind, dict[object, list[str]]] = {}

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        self._entry.status = head.status
        return head

    def on_event(self, event: Event) -> Event:
        """See AnswerFilter."""
        for slot in event.slots:
            if slot.repeats:
                continue
            text = slot.text
            if len(text) > self._left:
                self._entry.truncated = True
                text = text[: self._left]
            self._left -= len(text)
            self._said.setdefault(slot.kind, {}).setdefault(slot.part, []).append(text)
        return event

    def on_end(self, complete: bool) -> Steps[Sequence[Event]]:
        """See AnswerFilter."""
        entry = self._entry
        entry.complete = complete
        entry.text = "\n".join(self._texts(TextKind.TEXT))
        entry.reasoning = "\n".join(self._texts(TextKind.REASONING))
        entry.calls = self._texts(TextKind.ARGUMENTS)
        yield Emit(self._filter.id, msgspec.json.encode(entry))
        return ()

    def _texts(self, kind: TextKind) -> list[str]:
        said = self._said.get(kind, {})
        return [self._filter.redacted("".join(pieces)) for pieces in said.values()]
