"""A second opinion on requests: what sets the agents apart, as two encoders see it together.

Imported only where the `router` extra is installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dataplane.intent.discriminant import Discriminant, Floats
from dataplane.intent.encoder import Span
from dataplane.intent.units import AgentTexts, phrasings
from dataplane.intent.views import Tokens, inside, means


@dataclass(frozen=True, slots=True)
class Readers:
    """The encoders, as an index needs them."""

    agent: Callable[[str], tuple[Floats, Floats]]
    """A text of an agent -> its vectors of length 1, by MiniLM and by USE."""
    tokens: Callable[[str], Tokens]
    """A request, by MiniLM."""
    use: Callable[[Sequence[str]], Floats]
    """Requests and parts of them, by USE: rows of length 1."""


class Opinions:
    """What sets the agents of one listener apart. See encoder.OpinionIndex."""

    def __init__(self, agents: Sequence[AgentTexts], readers: Readers) -> None:
        self._readers = readers
        described = [[self._both(text) for text in _described(agent)] for agent in agents]
        examples = [[self._both(text) for text in agent.examples] for agent in agents]
        self._apart = Discriminant(described, examples)

    def _both(self, text: str) -> Floats:
        return np.concatenate(self._readers.agent(text))

    def opinions(self, text: str, parts: Sequence[Span]) -> list[list[float]]:
        """See encoder.OpinionIndex."""
        tokens = self._readers.tokens(text)
        everything = slice(0, len(tokens.ids))
        chosen = [inside(tokens.offsets, part) for part in parts]
        minilm = means(tokens.states, (everything, *chosen))
        # USE has no vectors of tokens to take a mean of: it reads each part, all of them at once.
        rows, texts = [0], [text]
        for part, (start, end) in zip(chosen, parts, strict=True):
            rows.append(0 if part == everything else len(texts))
            if part != everything:
                texts.append(text[start:end])
        use = self._readers.use(texts)[rows]
        found: list[list[float]] = self._apart(np.hstack([minilm, use])).tolist()
        return found


def _described(agent: AgentTexts) -> list[str]:
    """All that a description says, each unit of it in each phrasing."""
    phrased = [phrase for unit in agent.units for phrase in phrasings(agent, unit)]
    return [agent.head, agent.whole, *phrased]
