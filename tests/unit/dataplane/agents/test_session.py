"""What is remembered of a conversation with agents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.agents.session import (
    Asking,
    Session,
    added_up,
    answered,
    decode,
    encode,
    named,
    waiting,
)
from dataplane.runtime.decision import Turn


def test_a_turn_adds_to_what_was_before() -> None:
    first = answered(Session(), ("a",), {"a": "v1"}, 13, 5.0)
    second = answered(first, ("b",), {"b": "v2"}, 24, 9.0)
    assert second == Session(("b",), {"a": "v1", "b": "v2"}, 2, 37, 9.0)


def test_what_a_run_has_cost_is_added_when_the_next_turn_begins() -> None:
    """What was asked within a run may be counted after its answer, and by another worker."""
    first = answered(Session(), ("a",), {}, 13, 5.0, 0.25, "run-1")
    begun = added_up(first, [b"0.500000000", b"1.000000001"])
    assert (begun.cost_usd, begun.run) == (1.750000001, "")
    assert answered(begun, ("a",), {}, 1, 6.0, 0.5, "run-2").cost_usd == 2.250000001


@pytest.mark.parametrize("line", [b"", b"nan", b"-1", b"1e9", b"\xff", b"9" * 99])
def test_a_line_that_is_no_amount_costs_nothing(line: bytes) -> None:
    assert added_up(Session(), [line, b"1.5"]).cost_usd == 1.5


@given(st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.integers(0, 1 << 60))
def test_what_is_kept_is_read_again(agents: list[str], versions: dict[str, str], n: int) -> None:
    session = Session(tuple(agents), versions, n, n, float(n))
    assert decode(encode(session)) == session


@pytest.mark.parametrize(
    "kept",
    [None, b"", b"\xff", b"[]", b'{"agents":1}', b'{"turns":"many"}'],
    ids=["nothing", "empty", "no text", "a list", "no agents", "no number"],
)
def test_what_cannot_be_read_is_no_session(kept: bytes | None) -> None:
    assert decode(kept) == Session()


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert decode(b'{"turns":2,"mood":"good"}') == Session(turns=2)


TALK = (Turn("user", "hi"), Turn("assistant", "Hello."), Turn("user", "more"))
HAD = Session(("weather", "desk"), turns=1)


@pytest.mark.parametrize("explicit", [True, False])
def test_the_last_answer_says_whose_it_is(explicit: bool) -> None:
    found = named(TALK, HAD, explicit=explicit)
    assert found == (TALK[0], Turn("assistant", "Hello.", "desk"), TALK[2])


def test_a_session_of_another_length_may_be_a_strangers() -> None:
    later = Session(("desk",), turns=5)
    assert named(TALK, later, explicit=False) == TALK
    assert named(TALK, later, explicit=True)[1].name == "desk"


@pytest.mark.parametrize(
    ("turns", "session"),
    [
        (TALK[:1], HAD),
        (TALK, Session()),
        ((TALK[0], Turn("assistant", "Hello.", "flights")), HAD),
    ],
    ids=["no answer yet", "no session", "the client says it"],
)
def test_what_nobody_knows_is_not_told(turns: tuple[Turn, ...], session: Session) -> None:
    assert named(turns, session, explicit=True) == turns


ASKING = Asking("desk", 1, ("writer",))


def test_who_has_asked_is_kept_until_the_next_turn() -> None:
    session = answered(Session(), ("desk",), {}, 0, 1.0, asking=ASKING)
    assert decode(encode(session)).asking == ASKING
    assert answered(session, ("desk",), {}, 0, 2.0).asking is None


@pytest.mark.parametrize(
    ("turns", "explicit", "found"),
    [
        pytest.param(TALK, False, True, id="the next turn"),
        pytest.param(TALK[:1], False, False, id="begun anew"),
        pytest.param(TALK[:1], True, False, id="begun anew in the same session"),
        pytest.param((*TALK, *TALK[1:]), True, True, id="the client says which session it is"),
        pytest.param((*TALK, *TALK[1:]), False, False, id="another's who began in the same way"),
        pytest.param(TALK[:2], False, False, id="nothing said by the client"),
    ],
)
def test_words_of_the_client_answer_a_question_of_the_last_turn(
    turns: tuple[Turn, ...], explicit: bool, found: bool
) -> None:
    session = Session(("desk",), turns=1, asking=ASKING)
    assert (waiting(turns, session, explicit=explicit) is not None) is found
