"""A token bucket."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.resilience.quota import GRANTED, NEVER, Bucket, Wait


def test_a_full_bucket_gives_all_it_holds_at_once() -> None:
    bucket = Bucket(10, 1.0, 0.0)
    assert bucket.take(10, 0.0) == GRANTED
    assert bucket.take(4, 0.0) == Wait(4.0)


def test_more_than_it_holds_is_never_given() -> None:
    assert Bucket(10, 1.0, 0.0).take(11, 0.0) == NEVER


def test_without_a_rate_nothing_comes_back_by_itself() -> None:
    bucket = Bucket(1, 0.0, 0.0, level=0)
    assert bucket.take(1, 1e9) == NEVER
    bucket.give_back(1)
    assert bucket.take(1, 1e9) == GRANTED


def test_what_is_owed_is_paid_back_first() -> None:
    bucket = Bucket(10, 1.0, 0.0)
    bucket.owe(15)
    assert bucket.take(1, 0.0) == Wait(6.0)
    assert bucket.take(1, 6.0) == GRANTED


def test_nothing_is_kept_beyond_what_it_holds() -> None:
    bucket = Bucket(10, 1.0, 0.0)
    bucket.give_back(5)
    assert bucket.level(100.0) == 10


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 5)), max_size=60))
def test_never_more_than_what_it_holds_and_what_comes_back(
    asked: list[tuple[int, float]],
) -> None:
    bucket, now, taken = Bucket(10, 2.0, 0.0), 0.0, 0
    for n, later in asked:
        now += later
        if bucket.take(n, now) == GRANTED:
            taken += n
        assert bucket.level(now) >= 0
        assert taken <= 10 + 2.0 * now + 1e-6
