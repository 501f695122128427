"""One message -> its parts."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.intent.clauses import MAX_CLAUSES, clauses


def parts(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Find me a flight on Friday and tell me the weather there",
            ["Find me a flight on Friday", "tell me the weather there"],
        ),
        (
            "pay my phone bill. Also, did my leave get approved?",
            ["pay my phone bill.", "did my leave get approved?"],
        ),
        (
            "book a big room, then order some lunch, plus call a taxi",
            ["book a big room", "order some lunch", "call a taxi"],
        ),
        ("check my balance\npay the rent now", ["check my balance", "pay the rent now"]),
        ("天气怎么样\uff1f帮我订一张机票。", ["天气怎么样\uff1f", "帮我订一张机票。"]),
    ],
    ids=["and", "sentence", "commas", "lines", "no spaces"],
)
def test_requests_are_told_apart(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "are rooms free from one to two and three pm",
        "hi, how are you?",
        "a table for four, at 7, please",
        "weather",
        "send 1,000 to Ann",
    ],
)
def test_a_fragment_stays_with_what_is_beside_it(text: str) -> None:
    assert parts(text) == [text]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "and and and"])
def test_nothing_has_no_parts(text: str) -> None:
    assert clauses(text) == []


def test_what_follows_the_last_part_belongs_to_it() -> None:
    found = parts(". ".join(["one two three"] * 20))
    assert len(found) == MAX_CLAUSES
    assert found[-1].count("one") == 20 - MAX_CLAUSES + 1


@given(st.text(alphabet="ab ,.?!\n\t;and天", max_size=120))
def test_parts_are_in_order_and_apart(text: str) -> None:
    spans = clauses(text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))
