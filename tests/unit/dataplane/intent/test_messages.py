"""What a scorer makes of messages, and which scorer is asked."""

from collections.abc import Sequence

import pytest

from dataplane.intent.encoder import Span
from dataplane.intent.heads import SEMANTIC_STATE
from dataplane.intent.messages import Messages
from dataplane.intent.router import CLEAR_LEAD, CLEAR_PART, CLEAR_SHARE, Router
from dataplane.intent.score import Reading
from dataplane.runtime.decision import Turn

CLEAR = CLEAR_LEAD / (1 - CLEAR_SHARE)
"""Of the only agent that is near at all."""


class Listening:
    """A scorer for which one of two agents always leads; it tells what it read."""

    method = "listening"

    def __init__(self, leads: int, lead: float, *, reads_alone: bool = False) -> None:
        self.reads_alone = reads_alone
        values = (lead, 0.0) if leads == 0 else (0.0, lead)
        self.reading = Reading(values, tuple(10 * v for v in values), (0.0, 0.0))
        self.part = self.reading
        self.heard: list[str] = []

    def read(self, text: str) -> Reading:
        self.heard.append(text)
        return self.reading

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        self.heard.append(text)
        return [self.reading, *(self.part for _ in parts)]


def decided(quick: Listening, thorough: Listening, *turns: Turn) -> str:
    others = Listening(0, 1.0)
    router = Router(["a", "b"], others, SEMANTIC_STATE, 0.0, (quick, thorough))
    return router.decide(turns).scores[0].agent


def test_a_message_is_read_once() -> None:
    scorer = Listening(0, 1.0)
    messages = Messages(scorer)
    assert messages.message("will it rain?") == messages.message("will it rain?")
    assert scorer.heard == ["will it rain?"]


def test_a_message_of_several_requests_is_read_in_parts() -> None:
    message = Messages(Listening(0, 1.0)).message("will it rain today? book me a flight")
    assert len(message.parts) == len(message.spans) == 2


def test_an_unclear_first_message_is_looked_at_again() -> None:
    assert decided(Listening(0, CLEAR - 0.1), Listening(1, 2.0), Turn("user", "hm?")) == "b"


def test_where_several_are_near_one_is_to_lead_by_more() -> None:
    quick, thorough = Listening(0, 9.0), Listening(1, 2.0)
    quick.reading = Reading((4.0 + CLEAR, 4.0), (1.0, 1.0), (0.0, 0.0))
    assert decided(quick, thorough, Turn("user", "hm?")) == "b"


def test_a_clear_one_is_not() -> None:
    thorough = Listening(1, 2.0)
    assert decided(Listening(0, CLEAR + 0.01), thorough, Turn("user", "hm?")) == "a"
    assert thorough.heard == []


def test_that_nobody_is_asked_for_is_looked_at_again() -> None:
    quick, thorough = Listening(0, 2.0), Listening(1, 2.0)
    quick.reading = Reading((2.0, 0.0), (-1.0, -9.0), (0.0, 0.0))
    router = Router(["a", "b"], Listening(0, 1.0), SEMANTIC_STATE, 0.5, (quick, thorough))
    assert router.decide([Turn("user", "hm?")]).agents == ("b",)


@pytest.mark.parametrize(("lead", "again"), [(CLEAR_PART, False), (CLEAR_PART - 0.1, True)])
def test_a_part_that_wants_somebody_else_is_to_be_clear_too(lead: float, *, again: bool) -> None:
    quick, thorough = Listening(0, CLEAR + 0.01, reads_alone=True), Listening(1, 2.0)
    quick.part = Reading((0.0, lead), (0.0, lead), (0.0, 0.0))
    decided(quick, thorough, Turn("user", "will it rain today? book me a flight"))
    assert bool(thorough.heard) is again


def test_later_messages_are_neithers() -> None:
    quick, thorough = Listening(1, 2.0), Listening(1, 2.0)
    turns = Turn("user", "hm?"), Turn("assistant", "Yes?"), Turn("user", "and now?")
    decided(quick, thorough, *turns)
    assert quick.heard == thorough.heard == []


@pytest.mark.parametrize(("reads_alone", "runs"), [(True, 0), (False, 1)])
def test_a_part_is_read_alone_where_its_scorer_has_not_done_so(
    *, reads_alone: bool, runs: int
) -> None:
    scorer = Listening(1, 1.0, reads_alone=reads_alone)
    assert Messages(scorer).asks_for("book it", scorer.reading, scorer.reading) == (1, 10.0)
    assert scorer.heard == ["book it"] * runs


def test_the_decision_names_who_had_the_say() -> None:
    others, quick, thorough = Listening(0, 0.1), Listening(0, 0.1), Listening(1, 2.0)
    thorough.method = "both"
    router = Router(["a", "b"], others, SEMANTIC_STATE, 0.0, (quick, thorough))
    assert router.decide([Turn("user", "hm?")]).method == "both"
    assert router.decide([]).method == "listening"


def test_a_part_read_alone_asks_for_whom_it_adds_to_the_whole() -> None:
    whole = Reading((4.0, 0.0), (4.0, -4.0), (0.0, 0.0))
    part = Reading((1.5, 1.0), (1.0, 0.5), (0.0, 0.0))
    assert Messages(Listening(0, 4.0, reads_alone=True)).asks_for("it", part, whole) == (1, 0.5)


def test_who_leads_the_whole_stays_first_where_a_part_agrees() -> None:
    class InTwoParts(Listening):
        def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
            own = Reading((2.0, 0.0), (1.0, -1.0), (0.0, 0.0))
            other = Reading((0.0, 2.0), (-1.0, 9.0), (0.0, 0.0))
            return [self.reading, own, other]

    router = Router(["b", "a"], InTwoParts(0, 0.1, reads_alone=True), SEMANTIC_STATE, 0.0)
    decision = router.decide([Turn("user", "will it rain today? book me a flight")])
    assert decision.agents == ("b", "a")
    assert [score.agent for score in decision.scores] == ["b", "a"]
