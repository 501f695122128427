"""What a session remembers."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.routing.binding import (
    MAX_VISITS,
    Binding,
    answered,
    decode,
    encode,
    idle,
    is_cached,
    moved,
)

HERE = Binding("a", "asked", "asked", "code", "prefix", last_used=100.0, cached_tokens=50)


def test_binding_comes_back_as_it_was_kept() -> None:
    whole = moved(HERE, "b", "chat", 120.0)
    assert decode(encode(whole)) == whole


@given(st.binary(max_size=64))
def test_whatever_a_store_holds_is_a_binding_or_none(data: bytes) -> None:
    found = decode(data)
    assert found is None or isinstance(found, Binding)


def test_prompt_is_cached_for_five_minutes_and_for_its_prefix_only() -> None:
    assert is_cached(HERE, 400.0, "prefix")
    assert not is_cached(HERE, 400.1, "prefix")
    assert not is_cached(HERE, 101.0, "another")


def test_clock_that_is_behind_another_machines_is_not_the_past() -> None:
    assert idle(HERE, 90.0) == 0.0


def test_model_that_is_left_is_remembered_with_its_tokens() -> None:
    there = moved(HERE, "b", "chat", 120.0)
    assert (there.anchor_model, there.route_name, there.cached_tokens) == ("b", "chat", 0)
    (visit,) = there.history
    assert (visit.model, visit.last_used, visit.cached_tokens) == ("a", 100.0, 50)


def test_model_that_is_met_again_leaves_the_history() -> None:
    back = moved(moved(HERE, "b", "chat", 120.0), "a", "code", 130.0)
    assert [visit.model for visit in back.history] == ["b"]


def test_history_is_bounded() -> None:
    binding = HERE
    for number in range(3 * MAX_VISITS):
        binding = moved(binding, f"m{number}", "", 100.0 + number)
    assert len(binding.history) == MAX_VISITS


def test_answer_counts_tokens_and_cost() -> None:
    after = answered(answered(HERE, 70, 0.25, 110.0), 0, 0.5, 120.0)
    assert (after.cached_tokens, after.session_cost_usd, after.last_used) == (70, 0.75, 120.0)
