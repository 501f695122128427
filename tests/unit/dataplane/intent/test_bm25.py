"""The lexical score."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.intent.bm25 import Bm25

WORDS = st.lists(st.sampled_from("abcdefg"), max_size=8)


def test_a_rare_word_says_more_than_a_common_one() -> None:
    index = Bm25([["card", "fee"], ["card", "lost"], ["card"]])
    card, lost = index.shares(["card"])[1], index.shares(["lost"])[1]
    assert lost > card


def test_no_shared_word_is_a_share_of_nothing() -> None:
    assert Bm25([["a"], ["b"]]).shares(["z"]) == [0.0, 0.0]


def test_words_that_no_agent_knows_lower_the_share() -> None:
    index = Bm25([["rain"], ["plane"]])
    assert index.shares(["rain"])[0] > index.shares(["rain", "x", "y"])[0]


def test_one_of_two_agents_is_told_by_its_word_as_one_of_many() -> None:
    two = Bm25([["rain"], ["plane"]]).shares(["rain"])[0]
    six = Bm25([["rain"], *([c] for c in "abcde")]).shares(["rain"])[0]
    assert two == six


def test_no_documents_have_no_shares() -> None:
    assert Bm25([]).shares(["a"]) == []


@given(st.lists(WORDS, max_size=5), WORDS)
def test_shares_are_from_zero_to_one(documents: list[list[str]], request: list[str]) -> None:
    shares = Bm25(documents).shares(request)
    assert len(shares) == len(documents)
    assert all(0 <= share <= 1 for share in shares)
