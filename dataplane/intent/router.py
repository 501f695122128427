"""A conversation in, a Decision out: the embedded orchestrator.

Rule: the same agents and the same conversation always give the same decision, and none is ever an
error. Costs CPU (1 to 14 ms for a message not seen before), so call it off the event loop.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from dataplane.intent.conversation import Asked, asked, declines
from dataplane.intent.encoder import Encoder
from dataplane.intent.heads import LEXICAL_STATE, SEMANTIC_STATE, StateHeads
from dataplane.intent.messages import Message, Messages, added
from dataplane.intent.reasons import (
    closing_reason,
    nothing_reason,
    several_reason,
    single_reason,
)
from dataplane.intent.score import LexicalScorer, Reading, Scorer, probability
from dataplane.intent.semantic import SemanticScorer
from dataplane.intent.state import (
    Belief,
    Outlook,
    believe,
    confidence,
    heard,
    look,
    told,
)
from dataplane.intent.units import agent_texts
from dataplane.runtime.config import AgentTarget
from dataplane.runtime.decision import AgentScore, Decision, Turn

PART_SHARE = 0.5
"""A part of a first message needs this share of min_confidence to bring its agent in."""
LATER_PART = 0.9
"""What it needs in a later message, whose parts are mostly "thanks" or details of one request ("put
it in my calendar. Call it movie night"): of those of the development data, which want one agent
each, 3 in 746 go wrong with this, 5 with 0.8."""
MAX_ALONE = 2
"""Parts read alone, each a run of the encoder of its own: with any number 0.770 of the joined
requests come out right, with two 0.777, with one 0.611."""
CLEAR_LEAD, CLEAR_SHARE = 0.4, 0.3
"""In rank, and in parts of the nearest agent's rank; a first message whose nearest agent leads by
less than both together is read again by who sees more. Of the development data's single requests
two in three are decided by USE alone that way and 0.870 come out right, of 0.874 where none is."""
CLEAR_PART = 0.75
"""In rank; the same of a part that wants another agent than the whole does."""


def make_bm25(agents: Sequence[AgentTarget], min_confidence: float) -> "Router":
    """A router by words alone: needs nothing but Python, right about three times in four."""
    texts = [agent_texts(agent) for agent in agents]
    return Router([t.agent for t in texts], LexicalScorer(texts), LEXICAL_STATE, min_confidence)


def make_minilm(agents: Sequence[AgentTarget], min_confidence: float, encoder: Encoder) -> "Router":
    """A router by meaning. Reads every text of every agent: 0.1 s an agent, in the background."""
    texts = [agent_texts(agent) for agent in agents]
    ids = [t.agent for t in texts]
    if len(ids) < 2:  # nothing to compare
        return Router(ids, LexicalScorer(texts), LEXICAL_STATE, min_confidence)
    scorer = SemanticScorer(texts, encoder)
    quick, both = scorer.quick, scorer.both
    opening = () if quick is None or both is None else (quick, both)
    return Router(ids, scorer, SEMANTIC_STATE, min_confidence, opening)


class Router:
    """Decides for the agents of one listener. Safe to call from several threads."""

    def __init__(
        self,
        agents: Sequence[str],
        scorer: Scorer,
        heads: StateHeads,
        min_confidence: float,
        opening: Sequence[Scorer] = (),
    ) -> None:
        """`opening` reads the first message of a conversation: one scorer after the other until one
        is clear, the last one in any case. Without them `scorer` does, as it does all others."""
        self._agents = tuple(agents)
        self._method = scorer.method
        self._heads = heads
        self._min_confidence = min_confidence
        self._messages = Messages(scorer)
        self._opening = tuple(map(Messages, opening))

    def decide(self, conversation: Sequence[Turn]) -> Decision:
        """Which agents should answer the last user message, in the order they should run.

        No agents when none fits or when nothing is asked ("thanks, bye").
        """
        if len(self._agents) == 1:
            only = self._agents[0]
            return Decision((only,), (AgentScore(only, 1.0),), "the only agent", "only_agent", 1.0)
        turns = asked(conversation)
        if not turns or not self._agents:
            scores = tuple(AgentScore(agent, 0.0) for agent in self._agents)
            what = "no user message" if self._agents else "no agents"
            return Decision((), scores, what, self._method)
        messages = self._reader(turns)
        decision = self._decide(turns[-1], self._replay(turns), messages)
        return replace(decision, method=messages.method)

    def confidence(self, conversation: Sequence[Turn]) -> float:
        """The chance, 0 to 1, that the last user message asks for any of the agents."""
        turns = asked(conversation)
        if not turns or not self._agents:
            return 0.0
        return self._look(turns[-1], self._replay(turns), self._reader(turns))[1].asks

    def forget(self) -> None:
        """Drops all remembered readings; they are made again when needed."""
        for messages in (self._messages, *self._opening):
            messages.forget()

    def _replay(self, turns: Sequence[Asked]) -> Belief:
        """What is known when the last message comes."""
        belief = Belief()
        for before, turn in itertools.pairwise(turns):
            reading, outlook = self._look(before, belief, self._messages)
            belief = believe(belief, reading, outlook)
            if turn.said_by in self._agents:
                belief = told(belief, self._agents.index(turn.said_by), len(self._agents))
            else:
                belief = heard(belief, self._said(turn), self._heads)
        return belief

    def _reader(self, turns: Sequence[Asked]) -> Messages:
        """Who reads the last message."""
        now = turns[-1]
        if not self._opening or len(turns) > 1 or now.said or now.said_by:
            return self._messages
        *others, last = self._opening
        return next((m for m in others if self._is_clear(m.message(now.text))), last)

    def _is_clear(self, message: Message) -> bool:
        """Whether an agent is asked for, and leads by so much that who sees more would hardly see
        another, and each part that wants somebody else is clear about it, too."""
        whole = message.whole
        if _lead(whole) < CLEAR_LEAD + CLEAR_SHARE * max(whole.ranks):
            return False
        if confidence(whole.logits) < self._min_confidence:
            return False
        top = _top(whole.ranks)
        return all(_top(part.ranks) == top or _lead(part) >= CLEAR_PART for part in message.parts)

    def _look(self, turn: Asked, belief: Belief, messages: Messages) -> tuple[Reading, Outlook]:
        reading = messages.message(turn.text).whole
        return reading, look(turn, reading, self._said(turn), belief, self._heads)

    def _said(self, turn: Asked) -> Reading | None:
        return self._messages.whole(turn.said) if turn.said else None

    def _decide(self, turn: Asked, belief: Belief, messages: Messages) -> Decision:
        _, outlook = self._look(turn, belief, messages)
        chances = [probability(logit) for logit in outlook.logits]
        previous = belief.previous
        if outlook.asks < self._min_confidence:
            reason = (nothing_reason if previous is None else closing_reason)(
                self._agents[outlook.best],
                chances[outlook.best],
                outlook.asks,
                self._min_confidence,
            )
            return self._decision((), chances, reason, 1.0 - outlook.asks, previous)
        best = outlook.best
        several = self._several(turn.text, previous, messages)
        if len(several) > 1:
            # A part knows less than the whole: who leads there stays first, if a part agrees.
            leader, _ = several.get(best, (1.0, 0))
            most = max(chances[best], leader)
            for agent, (chance, _) in several.items():
                chances[agent] = max(chances[agent], min(chance, most))
            found = [(self._agents[a], chance, part) for a, (chance, part) in several.items()]
            sure = min(outlook.asks, *(chance for chance, _ in several.values()))
            chosen = tuple(several)
            return self._decision(chosen, chances, several_reason(found), sure, previous, best)
        others = [(chance, i) for i, chance in enumerate(chances) if i != best]
        second, runner_up = max(others)
        reason = single_reason(
            self._agents[best],
            chances[best],
            self._agents[runner_up],
            second,
            None if previous is None else self._agents[previous],
        )
        return self._decision((best,), chances, reason, min(outlook.asks, chances[best]), previous)

    def _several(
        self, text: str, previous: int | None, messages: Messages
    ) -> dict[int, tuple[float, int]]:
        """Agents that parts of the message ask for -> chance and number of the part, in order."""
        message = messages.message(text)
        needed = self._min_confidence * PART_SHARE if previous is None else LATER_PART
        top = _top(message.whole.ranks)
        apart = _apart(message, top)
        found: dict[int, tuple[float, int]] = {}
        parts = zip(message.spans, message.parts, strict=True)
        for number, ((start, end), part) in enumerate(parts, 1):
            if previous is not None and declines(text[start:end]):
                continue  # "No tickets, please. But find ..." names what is not wanted.
            agent, logit = top, part.logits[top]
            if number - 1 in apart:
                agent, logit = messages.asks_for(text[start:end], part, message.whole)
            chance = probability(logit)
            if chance >= needed and agent not in found:
                found[agent] = (chance, number)
        return found

    def _decision(
        self,
        chosen: tuple[int, ...],
        chances: Sequence[float],
        reason: str,
        sure: float,
        previous: int | None,
        first: int | None = None,
    ) -> Decision:
        """`first` comes first among agents of equal chances."""
        order = sorted(range(len(chances)), key=lambda i: (-chances[i], i != first, i))
        return Decision(
            agents=tuple(self._agents[i] for i in chosen),
            scores=tuple(AgentScore(self._agents[i], round(chances[i], 4)) for i in order),
            reason=reason,
            method=self._method,
            confidence=round(sure, 4),
            threshold=self._min_confidence,
            previous="" if previous is None else self._agents[previous],
        )


def _lead(reading: Reading) -> float:
    second, best = sorted(reading.ranks)[-2:]
    return best - second


def _apart(message: Message, top: int) -> set[int]:
    """The parts that seem to want another agent than the whole does; the clearest ones."""
    found = []
    for index, part in enumerate(message.parts):
        own = added(part, message.whole)
        if (other := _top(own)) != top:
            found.append((own[other] - own[top], index))
    return {index for _, index in sorted(found, reverse=True)[:MAX_ALONE]}


def _top(ranks: Sequence[float]) -> int:
    return max(range(len(ranks)), key=ranks.__getitem__)
