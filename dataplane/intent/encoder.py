"""What the router asks of an encoder: similarities as plain numbers, so that deciding stays pure.

`dataplane.intent.embed` computes them with a neural network; tests bring their own.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from dataplane.intent.units import AgentTexts

Span = tuple[int, int]
"""Start and end of a part of a text, in characters."""


class Views(NamedTuple):
    """How near a request is to one agent, seen in different ways; cosines, -1 to 1."""

    head: float
    """To the name with the first sentence."""
    whole: float
    """To the whole description."""
    unit: float
    """To the nearest sentence, bullet or quoted request."""
    words: float
    """Each word of the request to the nearest word anywhere in the agent's texts, on average."""
    example: float
    """To the nearest two of the operator's examples, on average; `unit` when there are none."""


class BriefViews(NamedTuple):
    """The ones of these that the second encoder has use for beside it."""

    whole: float
    unit: float
    words: float


class AgentIndex(Protocol):
    """Agents that requests are compared with."""

    def views(self, text: str) -> list[Views]:
        """One per agent, in the order they were given."""
        ...

    def part_views(self, text: str, parts: Sequence[Span]) -> list[list[Views]]:
        """The whole text, then each part, its words read with the text around them: one pass."""
        ...

    def brief_views(self, text: str, parts: Sequence[Span]) -> list[list[BriefViews]]:
        """The same of a long text without the words that say least: cheaper, and good enough where
        the second encoder reads them."""
        ...


class Glance(NamedTuple):
    """How a request looks to the second encoder alone, beside one agent."""

    opinion: float
    """How much it is like the agent's texts and unlike the others'; see discriminant.py."""
    near: float
    """Cosine to the agent's name with the first sentence."""


class OpinionIndex(Protocol):
    """The same agents, as the second encoder sees them."""

    def glances(self, text: str, parts: Sequence[Span]) -> list[list[Glance]]:
        """The whole text, then each part read alone, in the order the agents were given; all of it
        one run of the second encoder, and none of the first."""
        ...

    def opinions(self, text: str, parts: Sequence[Span]) -> list[list[float]]:
        """How much the whole text, then each part, is like each agent's texts and unlike the
        others', as both encoders see it together."""
        ...


class Encoder(Protocol):
    """Makes indexes."""

    @property
    def name(self) -> str:
        """The short word that decisions and metrics call it by."""
        ...

    def index(self, agents: Sequence[AgentTexts]) -> AgentIndex:
        """Reads all texts of the agents: about 2 ms each, so not on an event loop."""
        ...

    @property
    def second_name(self) -> str:
        """The word for the one that is faster and sees less."""
        ...

    def add_second(self) -> bool:
        """Loads that one, for indexes made from now on: 0.6 s of CPU and 110 MB. False: it cannot
        be had."""
        ...

    def opinion_index(self, agents: Sequence[AgentTexts]) -> OpinionIndex | None:
        """The same with the second encoder; None while there is none."""
        ...

    def embed(self, text: str) -> tuple[float, ...]:
        """What a text means as a vector of length 1: 4 ms, so not on an event loop."""
        ...
