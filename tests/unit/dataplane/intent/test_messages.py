"""What a scorer makes of messages, and which scorer is asked."""

from collections.abc import Sequence

import pytest

from dataplane.intent.encoder import Span
from dataplane.intent.heads import SEMANTIC_STATE
from dataplane.intent.messages import Messages
from dataplane.intent.router import CLEAR_LEAD, Router
from dataplane.intent.score import Reading
from dataplane.runtime.decision import Turn


class Listening:
    """A scorer for which one of two agents always leads; it tells what it read."""

    method = "listening"

    def __init__(self, leads: int, lead: float, *, reads_alone: bool = False) -> None:
        self.reads_alone = reads_alone
        values = (lead, 0.0) if leads == 0 else (0.0, lead)
        self.reading = Reading(values, tuple(10 * v for v in values))
        self.heard: list[str] = []

    def read(self, text: str) -> Reading:
        self.heard.append(text)
        return self.reading

    def read_parts(self, text: str, parts: Sequence[Span]) -> list[Reading]:
        self.heard.append(text)
        return [self.reading] * (1 + len(parts))


def decided(first: Listening, second: Listening, *turns: Turn) -> str:
    router = Router(["a", "b"], first, SEMANTIC_STATE, 0.0, second)
    return router.decide(turns).scores[0].agent


def test_a_message_is_read_once() -> None:
    scorer = Listening(0, 1.0)
    messages = Messages(scorer)
    assert messages.message("will it rain?") == messages.message("will it rain?")
    assert scorer.heard == ["will it rain?"]


def test_a_message_of_several_requests_is_read_in_parts() -> None:
    message = Messages(Listening(0, 1.0)).message("will it rain today? book me a flight")
    assert len(message.parts) == len(message.spans) == 2


def test_an_unclear_first_message_has_a_second_opinion() -> None:
    assert decided(Listening(0, CLEAR_LEAD - 0.1), Listening(1, 2.0), Turn("user", "hm?")) == "b"


def test_a_clear_one_needs_none() -> None:
    second = Listening(1, 2.0)
    assert decided(Listening(0, CLEAR_LEAD), second, Turn("user", "hm?")) == "a"
    assert second.heard == []


def test_later_messages_have_none() -> None:
    second = Listening(1, 2.0)
    turns = Turn("user", "hm?"), Turn("assistant", "Yes?"), Turn("user", "and now?")
    decided(Listening(0, 0.1), second, *turns)
    assert second.heard == []


@pytest.mark.parametrize(("reads_alone", "runs"), [(True, 0), (False, 1)])
def test_a_part_is_read_alone_where_its_scorer_has_not_done_so(
    *, reads_alone: bool, runs: int
) -> None:
    scorer = Listening(1, 1.0, reads_alone=reads_alone)
    assert Messages(scorer).asks_for("book it", scorer.reading) == (1, 10.0)
    assert scorer.heard == ["book it"] * runs


def test_the_decision_names_who_had_the_say() -> None:
    first, second = Listening(0, 0.1), Listening(1, 2.0)
    second.method = "both"
    router = Router(["a", "b"], first, SEMANTIC_STATE, 0.0, second)
    assert router.decide([Turn("user", "hm?")]).method == "both"
    assert router.decide([]).method == "listening"
