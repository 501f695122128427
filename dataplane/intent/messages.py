"""What a scorer makes of messages, whole and in parts, remembered."""

from dataclasses import dataclass
from functools import lru_cache

from dataplane.intent.clauses import clauses
from dataplane.intent.encoder import Span
from dataplane.intent.score import Reading, Scorer

CACHED_READINGS = 2_048
"""Texts whose scores are remembered (some 100 bytes an agent): earlier turns are then free."""


@dataclass(frozen=True, slots=True)
class Message:
    """One user message, read."""

    whole: Reading
    spans: tuple[Span, ...]
    parts: tuple[Reading, ...]
    """Of each span, within the whole message; none when there is only one span."""


class Messages:
    """Texts as one scorer reads them. Safe to use from several threads."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.whole = lru_cache(CACHED_READINGS)(scorer.read)
        self.message = lru_cache(CACHED_READINGS)(self._read_message)

    def forget(self) -> None:
        """Drops all remembered readings; they are made again when needed."""
        self.message.cache_clear()
        self.whole.cache_clear()

    def _read_message(self, text: str) -> Message:
        spans = clauses(text)
        if len(spans) < 2:
            return Message(self.whole(text), (), ())
        whole, *parts = self._scorer.read_parts(text, spans)
        return Message(whole, tuple(spans), tuple(parts))
