"""How fast providers have been."""

import pytest

from dataplane.observe.latency import FRESH_S, Latencies


class Clock:
    """Time by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_mean_follows_what_is_seen() -> None:
    seen = Latencies(Clock())
    seen.saw("a", False, 1.0)
    assert seen.table(False) == {"a": 1.0}
    seen.saw("a", False, 2.0)
    assert seen.table(False)["a"] == pytest.approx(1.2)


def test_streams_are_measured_apart() -> None:
    seen = Latencies(Clock())
    seen.saw("a", True, 0.1)
    seen.saw("a", False, 3.0)
    assert (seen.table(True), seen.table(False)) == ({"a": 0.1}, {"a": 3.0})


def test_what_was_seen_long_ago_says_nothing() -> None:
    clock = Clock()
    seen = Latencies(clock)
    seen.saw("a", False, 9.0)
    clock.now = FRESH_S + 1
    assert seen.table(False) == {}
    seen.saw("a", False, 1.0)
    assert seen.table(False) == {"a": 1.0}


def test_providers_that_are_gone_are_forgotten() -> None:
    seen = Latencies(Clock())
    seen.saw("a", False, 1.0)
    seen.saw("b", False, 1.0)
    seen.keep(frozenset("b"))
    assert seen.table(False) == {"b": 1.0}
