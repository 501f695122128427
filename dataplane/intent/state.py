"""What came before decides with: who has the conversation, and does this message leave them?

A fold over the user's messages: `look` weighs one message by what is believed so far, `believe`
carries the belief over it. Nothing is kept between two requests: callers are stateless, so the fold
runs over the earlier messages again (their readings are cached).
"""

from dataclasses import dataclass

from dataplane.intent.conversation import (
    Asked,
    declines,
    is_closing,
    is_goodbye,
    is_only_thanks,
    is_thanks,
    offers_more,
)
from dataplane.intent.heads import Features, StateHeads
from dataplane.intent.score import Reading, probability

FADE = 0.5
"""How much of what was wanted before counts one message later."""


@dataclass(frozen=True, slots=True)
class Belief:
    """Where a conversation stands, by indexes of agents."""

    previous: int | None = None
    """Who answered last."""
    wanted: tuple[float, ...] = ()
    """How much each agent was asked for so far, faded; empty at the start."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """One message in its place: each agent's chance, and the chance that any is asked for."""

    logits: tuple[float, ...]
    asks: float
    """Chance that the message wants an agent at all; "thanks, bye" does not."""

    @property
    def best(self) -> int:
        """The likeliest agent."""
        return max(range(len(self.logits)), key=self.logits.__getitem__)


def agent_features(
    now: Asked, reading: Reading, said: Reading | None, belief: Belief
) -> list[Features]:
    """What `StateHeads.agent` weighs, per agent."""
    best, best_rank = max(reading.logits), max(reading.ranks)
    short = _shortness(now.text)
    closing, offers = float(is_closing(now.text)), float(offers_more(now.said))
    before = belief.previous
    lost = 0.0 if before is None else min(8.0, best - reading.logits[before])
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
    """What is known after a message: who answered it, if it asked for anybody."""
    wanted = tuple(
        FADE * before + probability(logit)
        for before, logit in zip(
            belief.wanted or (0.0,) * len(reading.logits), reading.logits, strict=True
        )
    )
    answered = outlook.best if outlook.asks >= 0.5 else belief.previous
    return Belief(answered, wanted)


def _shortness(text: str) -> float:
    return 1.0 / (1.0 + len(text.split()) / 6.0)
