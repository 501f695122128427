"""What is remembered of a conversation with agents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.agents.session import Session, answered, decode, encode, named
from dataplane.runtime.decision import Turn


def test_a_turn_adds_to_what_was_before() -> None:
    first = answered(Session(), ("a",), {"a": "v1"}, 13, 5.0)
    second = answered(first, ("b",), {"b": "v2"}, 24, 9.0)
    assert second == Session(("b",), {"a": "v1", "b": "v2"}, 2, 37, 9.0)


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
