"""A filter that screens what people say, and tools answer, for attempts to take over the model.

Rule: it looks at what is new: the last turn of the user and what tools have answered since. What
was let through once is not judged again at every turn.
"""

from collections.abc import Iterator

import msgspec

from dataplane.filters.api import (
    AnswerFilter,
    Context,
    Continue,
    Filter,
    Head,
    Verdict,
    settings_of,
)
from dataplane.filters.screening.head import Likeness
from dataplane.filters.screening.score import NOTHING, Score, score
from dataplane.llm.words.body import Said, said_in
from dataplane.runtime import config
from dataplane.runtime.effects import Embed, Embedded, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

TOLD = "x-outrider-flagged"
MAX_EMBEDDED = 4
"""Texts of one request that the encoder reads: 4 ms each."""


class Settings(msgspec.Struct, frozen=True):
    """See ScreeningConfig of the control plane."""

    action: str = "refuse"
    threshold: float = 0.5
    encoder: bool = True
    tools: bool = True
    message: str = ""


class ScreeningFilter(Filter):
    """Refuses or flags what looks like an attempt."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        self._settings = settings_of(spec, Settings)
        self._likeness = Likeness() if self._settings.encoder else None

    def on_request(self, request: Request, context: Context) -> Steps[Verdict]:
        """See Filter."""
        settings = self._settings
        try:
            said = said_in(request.body)
        except (ValueError, RecursionError):
            return Continue(request)  # no request of any API: whoever reads it next says so
        worst = NOTHING
        embedded = 0
        for one in self._new(said):
            is_data = one.role == "tool"
            found = score(one.text, is_data=is_data)
            if self._likeness and not is_data and embedded < MAX_EMBEDDED:
                embedded += 1
                reply = yield Embed(one.text)
                assert isinstance(reply, Embedded)
                found = self._likeness.added(found, reply.vector)
            worst = max(worst, found, key=lambda found: found.value)
        if worst.value < settings.threshold:
            return Continue(request)
        if settings.action == "refuse":
            return self._refused(worst)
        context.notes[self.id] = f"{self.id};score={worst.value:.2f}"
        return Continue(request)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter | None:
        """See Filter."""
        told = context.notes.get(self.id)
        return _Telling(told) if isinstance(told, str) else None

    def _new(self, said: list[Said]) -> Iterator[Said]:
        asked = max((one.turn for one in said if one.role == "user"), default=-1)
        for one in said:
            is_asked = one.role == "user" and one.turn == asked
            is_found = one.role == "tool" and one.turn >= asked and self._settings.tools
            if is_asked or is_found:
                yield one

    def _refused(self, found: Score) -> LocalReply:
        signs = ", ".join(found.signs)
        message = self._settings.message or (
            f"Filter '{self.id}' refused the request: it looks like an attempt to change whose"
            f" instructions the model follows ({signs})."
        )
        return LocalReply(400, message, ResponseDetail.FILTER_REFUSED)


class _Telling(AnswerFilter):
    """Says in a header what was found in the request."""

    wants_events = False

    def __init__(self, told: str) -> None:
        self._told = told

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        return head.with_header(TOLD, self._told)
