"""Comparing token vectors."""

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent.encoder import Span  # noqa: E402
from dataplane.intent.units import agent_texts  # noqa: E402
from dataplane.intent.views import (  # noqa: E402
    WORDS_PER_AGENT,
    Parts,
    Tokens,
    ViewIndex,
    in_parts,
    rarity,
    telling,
)
from dataplane.runtime.config import AgentTarget  # noqa: E402

VOCABULARY = ["rain", "plane", "book", "cheap", "room"]


def read(text: str) -> Tokens:
    """One axis per known word; markers and unknown words have one of their own."""
    ids, rows, offsets = [101], [np.eye(8)[6]], [(0, 0)]
    at = 0
    for word in text.split():
        at = text.index(word, at)
        known = VOCABULARY.index(word) if word in VOCABULARY else 7
        ids.append(20_000 + known)
        rows.append(np.eye(8)[known])
        offsets.append((at, at + len(word)))
    return Tokens(np.array(ids), np.array(rows, np.float32), tuple(offsets))


def read_briefly(text: str, parts: tuple[Span, ...]) -> Parts:
    return in_parts(read(text.rpartition(" ")[2]), parts)


def index(*agents: AgentTarget) -> ViewIndex:
    return ViewIndex([agent_texts(a) for a in agents], read, read, read_briefly)


RAIN, PLANE = AgentTarget("a", "rain"), AgentTarget("b", "cheap plane")


def test_the_nearer_agent_is_nearer_in_every_view() -> None:
    rain, plane = index(RAIN, PLANE).views("book plane")
    assert all(p > r for r, p in zip(rain, plane, strict=True))


def test_a_part_is_seen_apart_from_the_rest() -> None:
    whole, first, second = index(RAIN, PLANE).part_views("rain plane", [(0, 4), (5, 10)])
    assert whole[0].unit == pytest.approx(whole[1].unit, abs=0.3)
    assert first[0].unit > first[1].unit
    assert second[1].unit > second[0].unit


def test_a_part_that_was_not_read_counts_as_the_whole() -> None:
    whole, part = index(RAIN, PLANE).part_views("rain", [(100, 110)])
    assert whole == part


def test_examples_count_where_an_agent_has_them() -> None:
    with_examples = AgentTarget("b", "cheap plane", examples=("book room", "room"))
    rain, plane = index(RAIN, with_examples).views("book room")
    assert plane.example > plane.unit
    assert rain.example == rain.unit


def test_no_agent_keeps_more_words_than_it_may() -> None:
    long = AgentTarget("c", "rain " * 2 * WORDS_PER_AGENT)
    assert index(long, RAIN)._word_starts.tolist() == [0, WORDS_PER_AGENT]


def test_rare_words_weigh_more_and_markers_nothing() -> None:
    marker, mark, common, rare = rarity(np.array([101, 1010, 1996, 25_000])).tolist()
    assert marker == 0 < mark == common < rare


def test_a_text_can_be_read_briefly() -> None:
    (brief,) = index(RAIN, PLANE).brief_views("rain plane", ())
    assert brief == [(v.whole, v.unit, v.words) for v in index(RAIN, PLANE).views("plane")]


MARKS, THE, WORDS = (101, 102), 1996, range(10_000, 10_006)


def test_of_many_tokens_those_that_say_most_are_read_in_their_order() -> None:
    first, last = MARKS
    ids = np.array([first, THE, WORDS[0], THE, WORDS[1], THE, last])
    assert telling(ids, 4) == [0, 2, 4, 6]


def test_of_tokens_that_all_say_enough_those_at_the_ends_are_read() -> None:
    first, last = MARKS
    ids = np.array([first, WORDS[0], WORDS[1], 29_000, WORDS[3], WORDS[4], last])
    assert telling(ids, 4) == [0, 1, 5, 6]
