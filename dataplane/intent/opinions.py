"""What sets the agents apart, as USE sees it, and as MiniLM and USE see it together.

Imported only where the `router` extra is installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dataplane.intent.discriminant import Discriminant, Floats
from dataplane.intent.encoder import Glance, Span
from dataplane.intent.units import AgentTexts, phrasings
from dataplane.intent.views import Parts

CACHED_VECTORS = 16
"""Messages whose vectors by USE are kept while they are decided: who looks twice sees the same."""


@dataclass(frozen=True, slots=True)
class Readers:
    """The encoders, as an index needs them."""

    agent: Callable[[str], tuple[Floats, Floats]]
    """A text of an agent -> its vectors of length 1, by MiniLM and by USE."""
    minilm: Callable[[str, tuple[Span, ...]], Parts]
    """A request and parts of it, by MiniLM."""
    use: Callable[[str, Sequence[Span]], Floats]
    """A request, then parts of it, by USE: rows of length 1."""


class Opinions:
    """What sets the agents of one listener apart. See encoder.OpinionIndex."""

    def __init__(self, agents: Sequence[AgentTexts], readers: Readers) -> None:
        self._minilm = readers.minilm
        described = [[readers.agent(text) for text in _described(agent)] for agent in agents]
        examples = [[readers.agent(text) for text in agent.examples] for agent in agents]
        self._by_use = Discriminant(*(_chosen(texts, _use) for texts in (described, examples)))
        self._by_both = Discriminant(
            *(_chosen(texts, np.concatenate) for texts in (described, examples))
        )
        self._heads = np.stack([texts[0][1] for texts in described])
        self._vectors = lru_cache(CACHED_VECTORS)(readers.use)

    def glances(self, text: str, parts: Sequence[Span]) -> list[list[Glance]]:
        """See encoder.OpinionIndex."""
        vectors = self._vectors(text, tuple(parts))
        opinions, near = self._by_use(vectors).tolist(), (vectors @ self._heads.T).tolist()
        return [list(map(Glance, *rows)) for rows in zip(opinions, near, strict=True)]

    def opinions(self, text: str, parts: Sequence[Span]) -> list[list[float]]:
        """See encoder.OpinionIndex."""
        read, vectors = self._minilm(text, tuple(parts)), self._vectors(text, tuple(parts))
        found: list[list[float]] = self._by_both(np.hstack([read.vectors, vectors])).tolist()
        return found


def _described(agent: AgentTexts) -> list[str]:
    """All that a description says, each unit of it in each phrasing; its head first."""
    phrased = [phrase for unit in agent.units for phrase in phrasings(agent, unit)]
    return [agent.head, agent.whole, *phrased]


def _chosen(
    texts: Sequence[Sequence[tuple[Floats, Floats]]],
    choose: Callable[[tuple[Floats, Floats]], Floats],
) -> list[list[Floats]]:
    return [list(map(choose, own)) for own in texts]


def _use(vectors: tuple[Floats, Floats]) -> Floats:
    return vectors[1]
