"""What is remembered of a conversation with agents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.agents.session import Session, answered, decode, encode


def test_a_turn_adds_to_what_was_before() -> None:
    first = answered(Session(), ("a",), {"a": "v1"}, (10, 3), 5.0)
    second = answered(first, ("b",), {"b": "v2"}, (20, 4), 9.0)
    assert second == Session(("b",), {"a": "v1", "b": "v2"}, 2, 30, 7, 9.0)


@given(st.lists(st.text()), st.dictionaries(st.text(), st.text()), st.integers(0, 1 << 60))
def test_what_is_kept_is_read_again(agents: list[str], versions: dict[str, str], n: int) -> None:
    session = Session(tuple(agents), versions, n, n, n, float(n))
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
