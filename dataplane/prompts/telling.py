"""Answers that tell which prompt target was called and what it said (state.py), as they pass.

Rule: the model's own words are untouched; a stream tells before the first of them, and an answer
that is none (an error) tells nothing.
"""

from collections.abc import Sequence

from dataplane.filters.api import AnswerFilter, Context, Filter
from dataplane.filters.event import Event
from dataplane.prompts.state import Remembered, first_chunks, with_metadata
from dataplane.runtime import config
from dataplane.runtime.messages import Request

ID = "prompt targets"


class Telling(Filter):
    """The filter of one answer, made for it: it is none that an operator has configured."""

    wants_answers = True

    def __init__(
        self, remembered: Remembered, answer_id: str, created: int, with_messages: bool
    ) -> None:
        """See `first_chunks`."""
        super().__init__(config.Filter(ID, ""))
        self._remembered = remembered
        self._chunks = first_chunks(remembered, answer_id, created, with_messages)

    def on_answer(self, request: Request, context: Context) -> AnswerFilter:
        """See Filter."""
        return _Told(self._remembered, self._chunks)


class _Told(AnswerFilter):
    def __init__(self, remembered: Remembered, chunks: Sequence[bytes]) -> None:
        self._remembered = remembered
        self._chunks = chunks

    def on_event(self, event: Event) -> Event | Sequence[Event]:
        """See AnswerFilter."""
        if event.is_whole:
            return Event(with_metadata(event.raw, self._remembered), event.form)
        chunks, self._chunks = self._chunks, ()
        return [*(Event(chunk, event.form) for chunk in chunks), event] if chunks else event
