"""What came before decides with: who has the conversation, and does this message leave them?

A fold over the user's messages: `look` weighs one message by what is believed so far, `believe`
carries the belief over it, `heard` puts the belief right by what was answered. Nothing is kept
between two requests: callers are stateless, so the fold runs over the earlier messages again (their
readings are cached).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from dataplane.intent.conversation import (
    Asked,
    declines,
    inquires,
    is_closing,
    is_goodbye,
    is_only_thanks,
    is_thanks,
    offers_more,
    requests,
)
from dataplane.intent.heads import Features, StateHeads
from dataplane.intent.score import Reading, probability

FADE = 0.5
"""How much of what was wanted before counts one message later."""
UNLIKELY = 0.01
"""Nobody is less likely than this to have the conversation: a wrong belief can be left again."""
SELDOM = 0.03
"""The same for what was wanted, beside the most wanted."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Where a conversation stands, by indexes of agents."""

    held: tuple[float, ...] = ()
    """The chance that each agent answered last; empty while nobody did."""
    wanted: tuple[float, ...] = ()
    """How much each agent was asked for so far, faded; empty at the start."""

    @property
    def previous(self) -> int | None:
        """Who answered last, most likely."""
        return _top(self.held) if self.held else None


@dataclass(frozen=True, slots=True)
class Outlook:
    """One message in its place: each agent's chance, and the chance that any is asked for."""

    logits: tuple[float, ...]
    asks: float
    """Chance that the message wants an agent at all; "thanks, bye" does not."""

    @property
    def best(self) -> int:
        """The likeliest agent."""
        return _top(self.logits)


def agent_features(
    now: Asked, reading: Reading, said: Reading | None, belief: Belief
) -> list[Features]:
    """What `StateHeads.agent` weighs, per agent."""
    best, best_rank = max(reading.logits), max(reading.ranks)
    short = _shortness(now.text)
    closing, offers = float(is_closing(now.text)), float(offers_more(now.said))
    before = belief.previous
    lost = 0.0 if before is None else min(8.0, best - reading.logits[before])
    doubt = 0.0 if before is None else math.log(belief.held[before])
    inquiry, request = float(inquires(now.text)), float(requests(now.text))
    most = max(belief.wanted, default=0.0)
    rows: list[Features] = []
    for i, (rank, logit) in enumerate(zip(reading.ranks, reading.logits, strict=True)):
        held = 1.0 if i == before else 0.0
        wanted = belief.wanted[i] if belief.wanted else 0.0
        rows.append(
            (
                logit,
                rank - best_rank,
                logit if before is not None else 0.0,
                held,
                held * best,
                held * short,
                held * lost,
                held * closing,
                held * offers,
                min(1.0, wanted),
                probability(said.logits[i]) if said else 0.0,
                short,
                held * inquiry,
                held * request,
                held * doubt,
                math.log(wanted / most + SELDOM) if most else 0.0,
                said.shares[i] if said else 0.0,
            )
        )
    return rows


def asks_features(now: Asked, reading: Reading, logits: tuple[float, ...]) -> Features:
    """What `StateHeads.asks` weighs."""
    closing, offers = float(is_closing(now.text)), float(offers_more(now.said))
    questioned = float("?" in now.said)
    return (
        max(reading.logits),
        confidence(reading.logits),
        confidence(logits),
        _shortness(now.text),
        closing,
        offers,
        closing * offers,
        float(is_thanks(now.text)),
        float(is_only_thanks(now.text)),
        questioned,
        float(declines(now.text)) * questioned,
        float("?" in now.text),
    )


def confidence(logits: tuple[float, ...]) -> float:
    """Chance that one of the two likeliest agents is wanted, 0 to 1.

    Two, because a request that two agents could both take is not a request for nobody.
    """
    return min(1.0, sum(sorted(map(probability, logits))[-2:]))


def look(
    now: Asked, reading: Reading, said: Reading | None, belief: Belief, heads: StateHeads
) -> Outlook:
    """One message in its place. At the start of a conversation it stands for itself."""
    if belief == Belief() and said is None:
        logits, asks = reading.logits, confidence(reading.logits)
    else:
        logits = tuple(heads.agent(row) for row in agent_features(now, reading, said, belief))
        asks = probability(heads.asks(asks_features(now, reading, logits)))
    # The dialogues that the heads learnt from give a goodbye now to the last agent, now to none.
    return Outlook(logits, 0.0 if is_goodbye(now.text) else asks)


def believe(belief: Belief, reading: Reading, outlook: Outlook) -> Belief:
    """What is known after a message: who answers it, if it asks for anybody."""
    wanted = tuple(
        FADE * before + probability(logit)
        for before, logit in zip(
            belief.wanted or (0.0,) * len(reading.logits), reading.logits, strict=True
        )
    )
    chosen = _shares(outlook.logits)
    if not belief.held:
        return Belief(chosen if outlook.asks >= 0.5 else (), wanted)
    held = tuple(
        outlook.asks * now + (1.0 - outlook.asks) * before
        for now, before in zip(chosen, belief.held, strict=True)
    )
    return Belief(held, wanted)


def heard(belief: Belief, said: Reading | None, heads: StateHeads) -> Belief:
    """What is known after the answer, which tells who gave it ("A table for two at 7, right?")."""
    if said is None or not belief.held:
        return belief
    logits = (
        heads.said(said_features(chance, rank))
        for chance, rank in zip(belief.held, said.ranks, strict=True)
    )
    return Belief(_shares(logits), belief.wanted)


def said_features(held: float, rank: float) -> Features:
    """What `StateHeads.said` weighs, per agent."""
    return (math.log(held + UNLIKELY), rank)


def told(belief: Belief, agent: int, agents: int) -> Belief:
    """The belief where it is known which of so many agents answered."""
    return Belief(tuple(float(i == agent) for i in range(agents)), belief.wanted)


def _shares(logits: Iterable[float]) -> tuple[float, ...]:
    """Numbers that sum to 1, by the softmax."""
    logits = tuple(logits)
    best = max(logits)
    weights = [math.exp(logit - best) for logit in logits]
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _top(values: tuple[float, ...]) -> int:
    return max(range(len(values)), key=values.__getitem__)


def _shortness(text: str) -> float:
    return 1.0 / (1.0 + len(text.split()) / 6.0)
