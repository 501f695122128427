"""Similarities -> how surely each agent should answer a text.

Two steps, both linear, both over features that mean the same for any set of agents: the rank says
who is nearest, the logit says whether near is near enough.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dataplane.intent.bm25 import Bm25
from dataplane.intent.encoder import AgentIndex, Span
from dataplane.intent.heads import LEXICAL, SEMANTIC, Features, TextHeads
from dataplane.intent.units import AgentTexts
from dataplane.intent.words import split_name, words


class Reading(NamedTuple):
    """One text against all agents, in the agents' order."""

    ranks: tuple[float, ...]
    """Higher is nearer; only their order and differences mean something."""
    logits: tuple[float, ...]
    """Log-odds that the agent should answer this text, taken alone."""


MAX_LEAD = 6.0
"""In rank; an agent that is alone on its listener leads by this."""


def probability(logit: float) -> float:
    """Log-odds as a number from 0 to 1."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def log_odds(probability: float) -> float:
    """The inverse of `probability`, for values from 0 to 1."""
    bounded = max(1e-9, min(1 - 1e-9, probability))
    return math.log(bounded / (1 - bounded))


def read(rows: Sequence[Features], similarities: Sequence[float], heads: TextHeads) -> Reading:
    """Features and one plain similarity per agent -> a reading."""
    ranks = tuple(heads.rank(row) for row in rows)
    return Reading(ranks, tuple(heads.sure(row) for row in sure_features(ranks, similarities)))


def sure_features(ranks: Sequence[float], similarities: Sequence[float]) -> list[Features]:
    """What `TextHeads.sure` weighs, per agent."""
    best, nearest = max(ranks), max(similarities)
    second = max((r for i, r in enumerate(ranks) if i != ranks.index(best)), default=-math.inf)
    rows: list[Features] = []
    for rank in ranks:
        lead = rank - (second if rank == best else best)
        rows.append((rank, max(-MAX_LEAD, min(MAX_LEAD, lead)), best, nearest))
    return rows


class Scorer(Protocol):
    """Reads texts for one set of agents."""

    @property
    def method(self) -> str:
        """The word decisions name it by."""
        ...

    def read(self, text: str) -> Reading:
        """The whole text."""
        ...

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """The whole text, then each part within it: no dearer than `read`."""
        ...


class LexicalScorer:
    """By shared words alone."""

    method = "bm25"

    def __init__(self, agents: Sequence[AgentTexts]) -> None:
        self._index = Bm25([_document(agent) for agent in agents])

    def shares(self, text: str) -> list[float]:
        """The BM25 share of each agent, 0 to 1."""
        return self._index.shares(words(text))

    def read(self, text: str) -> Reading:
        """See Scorer."""
        shares = self.shares(text)
        return read([(share,) for share in shares], shares, LEXICAL)

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """See Scorer; words do not depend on those around them."""
        return [self.read(text), *(self.read(text[start:end]) for start, end in parts)]


class SemanticScorer:
    """By the encoder's similarities, with shared words as one more."""

    def __init__(self, agents: Sequence[AgentTexts], index: AgentIndex, method: str) -> None:
        self._lexical = LexicalScorer(agents)
        self._index = index
        self.method = method

    def features(self, text: str) -> tuple[list[Features], list[float]]:
        """What `read` weighs: features and plain similarity per agent."""
        return self._rows(text, self._index.views(text))

    def read(self, text: str) -> Reading:
        """See Scorer."""
        return read(*self.features(text), SEMANTIC)

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """See Scorer."""
        found = self._index.part_views(text, parts)
        pairs = zip([(0, len(text)), *parts], found, strict=True)
        return [read(*self._rows(text[a:b], views), SEMANTIC) for (a, b), views in pairs]

    def _rows(
        self, text: str, found: Sequence[tuple[float, ...]]
    ) -> tuple[list[Features], list[float]]:
        shares = self._lexical.shares(text)
        rows = [(*view, share) for view, share in zip(found, shares, strict=True)]
        return rows, [sum(view[:3]) / 3 for view in found]


def _document(agent: AgentTexts) -> list[str]:
    """An agent's words; those of its name count twice more than said."""
    name = words(split_name(agent.agent))
    return name * 2 + words("\n".join((agent.whole, *agent.examples)))
