from dataplane.resilience.throughput import Throughput
from dataplane.runtime.retry import RetryPolicy

NOW = 1000.0
BYTES = RetryPolicy(min_bytes_per_second=10.0, throughput_window_s=5.0)
TOKENS = RetryPolicy(min_tokens_per_second=2.0, throughput_window_s=5.0)


def test_it_is_wanted_only_with_a_minimum() -> None:
    assert not Throughput.wanted(RetryPolicy())
    assert Throughput.wanted(BYTES)
    assert Throughput.wanted(TOKENS)


def test_a_window_with_too_few_bytes_is_slow() -> None:
    pace = Throughput(BYTES, NOW)
    pace.feed(b"x" * 49)
    assert pace.is_slow(NOW + 5)


def test_a_window_with_enough_bytes_is_not_slow() -> None:
    pace = Throughput(BYTES, NOW)
    pace.feed(b"x" * 50)
    assert not pace.is_slow(NOW + 5)


def test_tokens_are_counted_by_events() -> None:
    pace = Throughput(TOKENS, NOW)
    pace.feed(b"data: {}\n\n" * 9)
    assert pace.is_slow(NOW + 5)
    pace.feed(b"data: {}\n\n" * 10)
    assert not pace.is_slow(NOW + 10)


def test_a_window_that_is_not_over_is_not_judged() -> None:
    assert not Throughput(BYTES, NOW).is_slow(NOW + 4.9)


def test_each_window_is_judged_by_itself() -> None:
    pace = Throughput(BYTES, NOW)
    pace.feed(b"x" * 1000)
    assert not pace.is_slow(NOW + 5)
    assert pace.is_slow(NOW + 10)


def test_time_in_which_the_client_does_not_read_does_not_count() -> None:
    pace = Throughput(BYTES, NOW)
    pace.feed(b"x" * 20)
    pace.paused(NOW + 1)
    assert not pace.is_slow(NOW + 100)
    pace.resumed(NOW + 101)
    assert not pace.is_slow(NOW + 104.9)
    assert pace.is_slow(NOW + 105)
