from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.latency import LEAST_S, TYPICAL_TOKENS, Latencies, Latency

DECAY_S = 10.0


def test_longer_wait_counts_at_once_and_a_shorter_one_by_and_by() -> None:
    latency = Latency()
    latency.waited(0.1, 0.0, DECAY_S)
    latency.waited(1.0, 1.0, DECAY_S)
    assert latency.first_s(1.0, DECAY_S) == 1.0
    latency.waited(0.1, 2.0, DECAY_S)
    assert latency.first_s(2.0, DECAY_S) == pytest.approx(exp(-0.1) + 0.1 * (1 - exp(-0.1)))


def test_what_is_not_heard_of_fades() -> None:
    latency = Latency()
    latency.waited(1.0, 0.0, DECAY_S)
    assert latency.first_s(10.0, DECAY_S) == pytest.approx(exp(-1))


def test_long_answer_does_not_make_an_endpoint_slow() -> None:
    latencies = Latencies(DECAY_S)
    brief, long = Latency(), Latency()
    for _ in range(20):
        latencies.answered(brief, 0.0, 0.2, 0.2 + 9 * 0.01, 10, streamed=True)
        latencies.answered(long, 0.0, 0.2, 0.2 + 999 * 0.01, 1000, streamed=True)
    assert latencies.expected_s(long, 0.0) == pytest.approx(latencies.expected_s(brief, 0.0))


def test_wait_and_pace_are_kept_apart() -> None:
    latencies = Latencies(DECAY_S)
    one = Latency()
    latencies.answered(one, 0.0, 0.5, 1.5, 101, streamed=True)
    assert one.known() == (0.5, 0.01)


def test_whole_answer_tells_the_pace_after_the_wait_that_streams_had() -> None:
    latencies = Latencies(DECAY_S)
    one = Latency()
    latencies.answered(one, 0.0, 1.0, 1.0, 100, streamed=False)
    assert one.known() == (0.0, 0.01)
    other = Latency()
    latencies.answered(other, 0.0, 0.5, 1.5, 101, streamed=True)
    latencies.answered(other, 0.0, 1.5, 1.5, 100, streamed=False)
    assert other.known()[1] == pytest.approx(0.01)


def test_answer_without_tokens_is_a_wait() -> None:
    latencies = Latencies(DECAY_S)
    one = Latency()
    latencies.answered(one, 0.0, 0.3, 0.4, 0, streamed=False)
    assert one.known() == (0.4, 0.0)


def test_stream_without_usage_is_measured_by_its_bytes() -> None:
    latencies = Latencies(DECAY_S)
    one = Latency()
    latencies.answered(one, 0.0, 0.1, 1.1, 0, streamed=True, size=22_220)
    assert one.known() == (0.1, 0.01)


def test_unknown_endpoint_is_taken_for_the_mean() -> None:
    latencies = Latencies(DECAY_S)
    assert latencies.expected_s(Latency(), 0.0) == LEAST_S
    latencies.answered(Latency(), 0.0, 0.5, 0.5, 0, streamed=True)
    assert latencies.expected_s(Latency(), 0.0) == pytest.approx(0.5)


def test_failing_fast_is_not_being_fast() -> None:
    latencies = Latencies(DECAY_S)
    good, bad = Latency(), Latency()
    for latency in (good, bad):
        latencies.answered(latency, 0.0, 0.5, 0.5, 0, streamed=True)
    latencies.failed(bad, 0.0, 0.001)
    assert latencies.expected_s(bad, 0.0) > 1.9 * latencies.expected_s(good, 0.0)


def test_penalty_for_failing_has_an_end() -> None:
    latencies = Latencies(DECAY_S)
    good, bad = Latency(), Latency()
    latencies.answered(good, 0.0, 0.5, 0.5, 0, streamed=True)
    for _ in range(1000):
        latencies.failed(bad, 0.0, 0.0)
    assert latencies.expected_s(bad, 0.0) == pytest.approx(10.0)
    assert latencies.expected_s(bad, 31.0) < 0.5


@given(
    st.lists(
        st.tuples(
            st.floats(0, 60), st.floats(0, 60), st.integers(0, 5000), st.booleans(), st.floats(0, 9)
        ),
        max_size=20,
    )
)
def test_expectation_is_always_a_sane_number(
    answers: list[tuple[float, float, int, bool, float]],
) -> None:
    latencies = Latencies(DECAY_S)
    one, now = Latency(), 0.0
    for first, more, tokens, streamed, later in answers:
        now += later
        latencies.answered(one, now, first, first + more, tokens, streamed)
    for latency in (one, Latency()):
        assert LEAST_S <= latencies.expected_s(latency, now) < 60 + 60 * 5000
    assert 0 < latencies.tokens <= max(TYPICAL_TOKENS, 5000)
