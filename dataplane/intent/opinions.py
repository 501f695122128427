"""A second opinion on requests: two encoders, and of each what sets the agents apart.

Imported only where the `router` extra is installed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dataplane.intent.discriminant import Discriminant, Floats
from dataplane.intent.encoder import Opinion, Span
from dataplane.intent.units import AgentTexts, phrasings
from dataplane.intent.views import Tokens, inside, mean


@dataclass(frozen=True, slots=True)
class Readers:
    """The encoders, as an index needs them."""

    agent: Callable[[str], tuple[Floats, Floats]]
    """A text of an agent -> its vectors of length 1, by MiniLM and by USE."""
    tokens: Callable[[str], Tokens]
    """A request, by MiniLM."""
    use: Callable[[str], Floats]
    """A request or a part of one, by USE: one vector of length 1."""


class Opinions:
    """What sets the agents of one listener apart. See encoder.OpinionIndex."""

    def __init__(self, agents: Sequence[AgentTexts], readers: Readers) -> None:
        self._readers = readers
        described = [[readers.agent(text) for text in _described(agent)] for agent in agents]
        examples = [[readers.agent(text) for text in agent.examples] for agent in agents]
        self._minilm, self._use = (
            Discriminant(
                [[both[encoder] for both in texts] for texts in described],
                [[both[encoder] for both in texts] for texts in examples],
            )
            for encoder in (0, 1)
        )

    def opinions(self, text: str, parts: Sequence[Span]) -> list[list[Opinion]]:
        """See encoder.OpinionIndex."""
        tokens = self._readers.tokens(text)
        everything = slice(0, len(tokens.ids))
        chosen = [inside(tokens.offsets, part) for part in parts]
        minilm = [mean(tokens.states[c]) for c in (everything, *chosen)]
        # USE has no vectors of tokens to take a mean of, and is cheap enough to read each part.
        spans = zip(chosen, parts, strict=True)
        said = [text if c == everything else text[a:b] for c, (a, b) in spans]
        use = [self._readers.use(each) for each in (text, *said)]
        columns = (self._minilm(np.stack(minilm)), self._use(np.stack(use)))
        return [
            [Opinion(*row) for row in zip(*(c.tolist() for c in part), strict=True)]
            for part in zip(*columns, strict=True)
        ]


def _described(agent: AgentTexts) -> list[str]:
    """All that a description says, each unit of it in each phrasing."""
    phrased = [phrase for unit in agent.units for phrase in phrasings(agent, unit)]
    return [agent.head, agent.whole, *phrased]
