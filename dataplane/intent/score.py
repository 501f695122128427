"""Similarities -> how surely each agent should answer a text.

Two steps, both linear, both over features that mean the same for any set of agents: the rank says
who is nearest, the logit says whether near is near enough.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dataplane.intent.bm25 import Bm25
from dataplane.intent.encoder import Span
from dataplane.intent.heads import LEXICAL, Features, TextHeads
from dataplane.intent.units import AgentTexts
from dataplane.intent.words import split_name, words
from dataplane.routing.preference import OTHER


class Reading(NamedTuple):
    """One text against all agents, in the agents' order."""

    ranks: tuple[float, ...]
    """Higher is nearer; only their order and differences mean something."""
    logits: tuple[float, ...]
    """Log-odds that the agent should answer this text, taken alone."""
    shares: tuple[float, ...]
    """What part of the text's words, by weight, is in the agent's texts; see bm25.py."""


PROOF = 2
"""Words that a request must share with a candidate alone: "find me a hotel" shares one with who is
to find bugs."""
MAX_LEAD = 6.0
"""In rank; an agent that is alone on its listener leads by this."""


def probability(logit: float) -> float:
    """Log-odds as a number from 0 to 1."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))


def read(
    rows: Sequence[Features],
    similarities: Sequence[float],
    heads: TextHeads,
    nobody: Features | None = None,
) -> Reading:
    """Features and a plain similarity per agent -> a reading; nobody has features as they do.

    The last feature is the BM25 share, whatever stands before it.
    """
    ranks = tuple(heads.rank(row) for row in rows)
    rival = None if nobody is None else heads.rank(nobody)
    features = sure_features(ranks, similarities, rival)
    return Reading(ranks, tuple(map(heads.sure, features)), tuple(row[-1] for row in rows))


def sure_features(
    ranks: Sequence[float], similarities: Sequence[float], nobody: float | None
) -> list[Features]:
    """What `TextHeads.sure` weighs, per agent: its rank, its lead over the best other agent, the
    best rank and the best similarity of all, and its lead over nobody where there is such a one."""
    best, nearest = max(ranks), max(similarities)
    leader = ranks.index(best)
    second = sorted(ranks)[-2] if len(ranks) > 1 else -math.inf
    rows: list[Features] = []
    for i, rank in enumerate(ranks):
        row = (rank, _lead(rank - (second if i == leader else best)), best, nearest)
        rows.append(row if nobody is None else (*row, _lead(rank - nobody)))
    return rows


def _lead(difference: float) -> float:
    if -MAX_LEAD < difference < MAX_LEAD:  # a third of the time that min and max take
        return difference
    return math.copysign(MAX_LEAD, difference)


class Scorer(Protocol):
    """Reads texts for one set of agents."""

    @property
    def method(self) -> str:
        """The word decisions name it by."""
        ...

    @property
    def reads_alone(self) -> bool:
        """Whether `read_parts` has read each part alone, too, so that `read` of it adds little."""
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
    reads_alone = True

    def __init__(self, agents: Sequence[AgentTexts]) -> None:
        documents = [_document(agent) for agent in agents]
        self._index = Bm25(documents)
        ids = [agent.agent for agent in agents]
        self._lone = set(documents[0]) if ids[1:] == [OTHER] else None
        """The words of a candidate that has no rival."""

    def shares(self, text: str) -> list[float]:
        """The BM25 share of each agent, 0 to 1."""
        return self._index.shares(words(text))

    def read(self, text: str) -> Reading:
        """See Scorer."""
        said = words(text)
        shares = self._index.shares(said)
        if self._lone is not None and not _is_proof(set(said), self._lone):
            shares[0] = 0.0
        return read([(share,) for share in shares], shares, LEXICAL)

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        """See Scorer; words do not depend on those around them."""
        return [self.read(text), *(self.read(text[start:end]) for start, end in parts)]


def _is_proof(said: set[str], known: set[str]) -> bool:
    """Whether words say that a candidate is meant that no other one competes with for them."""
    shared = said & known
    return len(shared) >= PROOF or shared == said


def _document(agent: AgentTexts) -> list[str]:
    """An agent's words; those of its name count twice more than said."""
    name = words(split_name(agent.agent))
    return name * 2 + words("\n".join((agent.whole, *agent.examples)))
