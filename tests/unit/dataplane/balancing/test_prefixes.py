from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.prefixes import MAX_MISSES, Prefixes

LONG = 2000
"""Tokens of a prompt that should be cached."""


def told() -> Prefixes:
    """Of a cluster whose answers tell of cached tokens."""
    prefixes = Prefixes()
    prefixes.answered((99,), "x", LONG, 500)
    return prefixes


def test_who_has_answered_has_it() -> None:
    prefixes = Prefixes()
    prefixes.answered((1, 2), "a", LONG, 0)
    assert [prefixes.holder(block) for block in (1, 2, 3)] == ["a", "a", ""]


def test_who_keeps_saying_that_nothing_was_cached_loses_it() -> None:
    prefixes = told()
    for _ in range(MAX_MISSES):
        prefixes.answered((1,), "a", LONG, 0)
        assert prefixes.holder(1) == "a"
    prefixes.answered((1,), "a", LONG, 0)
    assert prefixes.holder(1) == ""
    assert prefixes.lost(1) == ("a",)
    assert prefixes.losses == 1
    prefixes.answered((1,), "b", LONG, 0)
    assert prefixes.holder(1) == "b"


def test_one_hit_is_enough_to_keep_it() -> None:
    prefixes = told()
    for cached in (0, 0, 0, 1000, 0, 0):
        prefixes.answered((1,), "a", LONG, cached)
    assert prefixes.holder(1) == "a"


def test_who_has_lost_it_gets_it_back_by_a_hit() -> None:
    prefixes = told()
    for _ in range(MAX_MISSES + 1):
        prefixes.answered((1,), "a", LONG, 0)
    prefixes.answered((1,), "a", LONG, 1500)
    assert prefixes.holder(1) == "a"
    assert prefixes.lost(1) == ()


def test_nobody_is_judged_where_no_answer_ever_told_of_cached_tokens() -> None:
    prefixes = Prefixes()
    for _ in range(20):
        prefixes.answered((1,), "a", LONG, 0)
    assert prefixes.holder(1) == "a"
    assert prefixes.misses == 0


def test_short_prompts_are_not_expected_to_be_cached() -> None:
    prefixes = told()
    for _ in range(20):
        prefixes.answered((1,), "a", 100, 0)
    assert prefixes.holder(1) == "a"


def test_whoever_spills_over_does_not_take_it_from_the_first() -> None:
    prefixes = told()
    prefixes.answered((1,), "a", LONG, 900)
    prefixes.answered((1,), "b", LONG, 0)
    assert prefixes.holder(1) == "a"


def test_endpoints_that_are_gone_hold_nothing() -> None:
    prefixes = Prefixes()
    prefixes.answered((1,), "a", LONG, 0)
    prefixes.answered((2,), "b", LONG, 0)
    prefixes.forget(["a"])
    assert [prefixes.holder(block) for block in (1, 2)] == ["", "b"]


def test_what_was_asked_for_longest_ago_is_forgotten() -> None:
    prefixes = Prefixes(max_prefixes=2)
    for block in (1, 2, 1, 3):
        prefixes.answered((block,), "a", LONG, 0)
    assert [prefixes.holder(block) for block in (1, 2, 3)] == ["a", "", "a"]


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(0, 9), min_size=1, max_size=3),
            st.sampled_from("abc"),
            st.sampled_from((0, 800)),
        ),
        max_size=60,
    )
)
def test_holder_has_never_lost_it_and_memory_is_bounded(
    answers: list[tuple[list[int], str, int]],
) -> None:
    prefixes = Prefixes(max_prefixes=5)
    for key, name, cached in answers:
        prefixes.answered(key, name, LONG, cached)
        assert prefixes.count <= 5
        for block in range(10):
            assert not prefixes.holder(block) or prefixes.holder(block) not in prefixes.lost(block)
