"""What a scorer makes of messages, whole and in parts, remembered."""

from dataclasses import dataclass
from functools import lru_cache
from operator import add

from dataplane.intent.clauses import clauses
from dataplane.intent.encoder import Span
from dataplane.intent.score import Reading, Scorer

CACHED_READINGS = 2_048
"""Texts whose scores are remembered (some 100 bytes an agent): earlier turns are then free."""
CACHED_SPANS = 16
"""Messages whose parts are kept while they are decided: who looks twice splits them once."""

SMELL = 0.5
"""How much of the whole message's rank is taken off a part's, to see what the part adds. Of the
development data's joined requests 0.777 come out right that way, 0.749 with none of it taken off
where both encoders read, and of those written as one 0.392 and 0.330."""

_spans = lru_cache(CACHED_SPANS)(lambda text: tuple(clauses(text)))


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
        self.method = scorer.method
        self.reads_alone = scorer.reads_alone
        self.whole = lru_cache(CACHED_READINGS)(scorer.read)
        self.message = lru_cache(CACHED_READINGS)(self._read_message)

    def forget(self) -> None:
        """Drops all remembered readings; they are made again when needed."""
        self.message.cache_clear()
        self.whole.cache_clear()

    def asks_for(self, text: str, part: Reading, whole: Reading) -> tuple[int, float]:
        """The agent that a part of a message, so read within it, asks for, and the log-odds.

        By what it adds where it was read alone, too. Else by the mean of what it says alone and
        within the message: alone it may lack its object ("and book it"), within it smells of the
        rest.
        """
        if self._scorer.reads_alone:
            ranks = added(part, whole)
            agent = max(range(len(ranks)), key=ranks.__getitem__)
            return agent, part.logits[agent]
        alone = self.whole(text)
        ranks = list(map(add, part.ranks, alone.ranks))
        agent = max(range(len(ranks)), key=ranks.__getitem__)
        return agent, (part.logits[agent] + alone.logits[agent]) / 2

    def _read_message(self, text: str) -> Message:
        spans = _spans(text)
        if len(spans) < 2:
            return Message(self.whole(text), (), ())
        whole, *parts = self._scorer.read_parts(text, spans)
        return Message(whole, spans, tuple(parts))


def added(part: Reading, whole: Reading) -> list[float]:
    """Per agent, the rank that a part of a message adds to what the whole says."""
    return [p - SMELL * w for p, w in zip(part.ranks, whole.ranks, strict=True)]
