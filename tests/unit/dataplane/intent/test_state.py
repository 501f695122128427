"""What came before decides with."""

from dataplane.intent.conversation import Asked
from dataplane.intent.heads import SEMANTIC_STATE
from dataplane.intent.score import Reading
from dataplane.intent.state import Belief, believe, confidence, heard, look, told

WEATHER, FLIGHTS, NEITHER = (
    Reading((6.0, 1.0), (4.0, -4.0), (0.5, 0.0)),
    Reading((1.0, 6.0), (-4.0, 4.0), (0.0, 0.5)),
    Reading((1.0, 0.9), (-1.5, -1.6), (0.0, 0.0)),
)
HAD_IT = Belief((0.97, 0.03), (0.98, 0.02))


def test_the_first_message_stands_for_itself() -> None:
    outlook = look(Asked("rain?"), WEATHER, None, Belief(), SEMANTIC_STATE)
    assert outlook.logits == WEATHER.logits
    assert outlook.best == 0


def test_a_short_follow_up_stays() -> None:
    now = Asked("and tomorrow?", "Sunny.")
    outlook = look(now, NEITHER, WEATHER, HAD_IT, SEMANTIC_STATE)
    assert outlook.best == 0
    assert outlook.asks > 0.5


def test_a_clear_change_of_topic_moves() -> None:
    now = Asked("now find me a flight to Rome on Friday morning please", "Sunny.")
    assert look(now, FLIGHTS, WEATHER, HAD_IT, SEMANTIC_STATE).best == 1


def test_a_no_to_an_offer_asks_for_nobody() -> None:
    now = Asked("No, thanks.", "Can I help you with anything else?")
    assert look(now, NEITHER, NEITHER, HAD_IT, SEMANTIC_STATE).asks < 0.5


def test_a_goodbye_asks_for_nobody_even_first() -> None:
    assert look(Asked("bye"), WEATHER, None, Belief(), SEMANTIC_STATE).asks == 0.0


def test_who_answers_is_remembered_and_wishes_fade() -> None:
    first = believe(Belief(), WEATHER, look(Asked("a"), WEATHER, None, Belief(), SEMANTIC_STATE))
    assert first.previous == 0
    outlook = look(Asked("b b b b b b"), FLIGHTS, None, first, SEMANTIC_STATE)
    second = believe(first, FLIGHTS, outlook)
    assert second.wanted[0] < first.wanted[0]
    assert second.wanted[1] > 0.9


def test_a_message_for_nobody_leaves_the_conversation_where_it_was() -> None:
    outlook = look(Asked("bye"), NEITHER, None, HAD_IT, SEMANTIC_STATE)
    assert believe(HAD_IT, NEITHER, outlook).previous == 0


def test_a_start_that_asks_for_nobody_leaves_the_conversation_without_an_agent() -> None:
    outlook = look(Asked("bye"), NEITHER, None, Belief(), SEMANTIC_STATE)
    assert believe(Belief(), NEITHER, outlook).previous is None


def test_an_answer_tells_who_gave_it() -> None:
    doubtful = Belief((0.6, 0.4), (0.5, 0.4))
    assert doubtful.previous == 0
    assert heard(doubtful, FLIGHTS, SEMANTIC_STATE).previous == 1
    assert heard(doubtful, NEITHER, SEMANTIC_STATE).previous == 0


def test_a_greeting_is_nobodys_answer() -> None:
    assert heard(Belief(), FLIGHTS, SEMANTIC_STATE) == Belief()


def test_a_named_answer_leaves_no_doubt() -> None:
    assert told(HAD_IT, 1, 2) == Belief((0.0, 1.0), HAD_IT.wanted)


def test_what_was_known_for_certain_can_be_left_again() -> None:
    assert heard(told(HAD_IT, 1, 2), WEATHER, SEMANTIC_STATE).held[0] > 0.1


def test_a_request_for_either_of_two_is_not_one_for_nobody() -> None:
    assert confidence((-0.4, -0.4, -5.0)) > 0.5 > confidence((-0.4, -5.0, -5.0))
    assert confidence((9.0, 9.0)) == 1.0
