"""Scorers by meaning: what one encoder sees, or both, with shared words as one more sign.

Three, which cost and see differently: MiniLM alone, USE alone (a fifth of that), and both together.
Each has heads of its own.
"""

from collections.abc import Sequence
from functools import lru_cache

from dataplane.intent.encoder import BriefViews, Encoder, Glance, OpinionIndex, Span, Views
from dataplane.intent.heads import BOTH, QUICK, SEMANTIC, Features
from dataplane.intent.nobody import NOBODY
from dataplane.intent.score import LexicalScorer, Reading, read
from dataplane.intent.units import AgentTexts

CACHED_SHARES = 16
"""Messages and parts whose shared words are kept while they are decided: who looks twice counts
them once."""

Seen = tuple[list[Features], list[float], Features]
"""Features and plain similarity per agent, and nobody's features."""


class SemanticScorer:
    """By MiniLM's similarities. It also makes the scorers that have a say with it."""

    reads_alone = False

    def __init__(self, agents: Sequence[AgentTexts], encoder: Encoder) -> None:
        self._shares = lru_cache(CACHED_SHARES)(LexicalScorer(agents).shares)
        self._index = encoder.index([*agents, NOBODY])
        self.method = encoder.name
        opinions = encoder.opinion_index([*agents, NOBODY])
        self.quick = None if opinions is None else QuickScorer(self, opinions, encoder.second_name)
        """The one by USE alone."""
        both = f"{encoder.name}+{encoder.second_name}"
        self.both = None if opinions is None else BothScorer(self, opinions, both)
        """What to ask where that one is unsure."""

    def features(self, text: str) -> Seen:
        """What is weighed."""
        return self._rows(text, self._index.views(text))

    def read(self, text: str) -> Reading:
        """See Scorer."""
        return self.read_parts(text, ())[0]

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """See Scorer."""
        readings = []
        found = zip([(0, len(text)), *parts], self._index.part_views(text, parts), strict=True)
        for (a, b), views in found:
            rows, similarities, nobody = self._rows(text[a:b], views)
            readings.append(read(rows, similarities, SEMANTIC, nobody))
        return readings

    def brief_views(self, text: str, parts: Sequence[Span]) -> list[list[BriefViews]]:
        """Of the whole text and of each part, per agent, as `AgentIndex.brief_views` sees it; the
        last one is nobody."""
        return self._index.brief_views(text, parts)

    def shares(self, text: str) -> list[float]:
        """The BM25 share of each agent, 0 to 1."""
        return self._shares(text)

    def _rows(self, text: str, found: Sequence[Views]) -> Seen:
        *agents, nobody = found
        shares = self.shares(text)
        rows: list[Features] = [(*v, share) for v, share in zip(agents, shares, strict=True)]
        return rows, [_near(v) for v in agents], (*nobody, 0.0)


class QuickScorer:
    """By USE: what sets the agents apart, and shared words."""

    reads_alone = True

    def __init__(self, minilm: SemanticScorer, index: OpinionIndex, method: str) -> None:
        """`minilm` counts the shared words, for all."""
        self._minilm = minilm
        self._index = index
        self.method = method

    def features(self, text: str) -> Seen:
        """What is weighed."""
        return self._rows(text, self._index.glances(text, ())[0])

    def read(self, text: str) -> Reading:
        """See Scorer."""
        return self.read_parts(text, ())[0]

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """See Scorer; one run of USE for all parts."""
        found = zip([(0, len(text)), *parts], self._index.glances(text, parts), strict=True)
        readings = []
        for (a, b), glances in found:
            rows, similarities, nobody = self._rows(text[a:b], glances)
            readings.append(read(rows, similarities, QUICK, nobody))
        return readings

    def _rows(self, text: str, glances: Sequence[Glance]) -> Seen:
        shares = [*self._minilm.shares(text), 0.0]
        rows: list[Features] = [
            (g.opinion, share) for g, share in zip(glances, shares, strict=True)
        ]
        *agents, nobody = rows
        return agents, [g.near for g in glances[:-1]], nobody


class BothScorer:
    """By both encoders: what sets the agents apart for them together, and shared words.

    Only for the first message of a conversation: the heads of later ones were fitted to readings
    of MiniLM.
    """

    reads_alone = True

    def __init__(self, minilm: SemanticScorer, index: OpinionIndex, method: str) -> None:
        self._minilm = minilm
        self._index = index
        self.method = method

    def features(self, text: str) -> Seen:
        """What is weighed."""
        (views,), (opinions,) = self._minilm.brief_views(text, ()), self._index.opinions(text, ())
        return self._rows(text, views, opinions)

    def read(self, text: str) -> Reading:
        """See Scorer."""
        return self.read_parts(text, ())[0]

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """See Scorer; one run of each encoder for all parts."""
        seen, opinions = self._minilm.brief_views(text, parts), self._index.opinions(text, parts)
        readings = []
        for (a, b), views, found in zip([(0, len(text)), *parts], seen, opinions, strict=True):
            rows, similarities, nobody = self._rows(text[a:b], views, found)
            readings.append(read(rows, similarities, BOTH, nobody))
        return readings

    def _rows(self, text: str, views: Sequence[BriefViews], opinions: Sequence[float]) -> Seen:
        shares = [*self._minilm.shares(text), 0.0]
        rows: list[Features] = [
            (opinion, v.unit, v.words, share)
            for opinion, v, share in zip(opinions, views, shares, strict=True)
        ]
        *agents, nobody = rows
        return agents, [v.whole for v in views[:-1]], nobody


def _near(v: Views) -> float:
    return (v.head + v.whole + v.unit) / 3
