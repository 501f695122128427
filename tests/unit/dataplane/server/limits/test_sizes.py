"""How much a request takes of each measure."""

import pytest

from dataplane.runtime.choosing import Price
from dataplane.runtime.limits import Measure
from dataplane.server.limits.sizes import Tokens, about, cost, price_of, size, surely

USED = Tokens(100, 20, cached=60)


@pytest.mark.parametrize(
    ("measure", "n"),
    [
        (Measure.REQUESTS, 1),
        (Measure.CONCURRENT, 1),
        (Measure.TOKENS, 120),
        (Measure.INPUT_TOKENS, 100),
        (Measure.OUTPUT_TOKENS, 20),
        (Measure.COST, 100 * 2000 + 20 * 8000),
    ],
)
def test_every_measure_has_its_size(measure: Measure, n: int) -> None:
    assert size(measure, USED, Price(2.0, 8.0)) == n


def test_cached_tokens_cost_their_own_price_where_it_is_known() -> None:
    assert cost(USED, Price(2.0, 8.0, cached=0.5)) == 40 * 2000 + 60 * 500 + 20 * 8000


def test_a_cost_is_rounded_up_and_nothing_without_a_price() -> None:
    assert cost(Tokens(1, 0), Price(0.0001, 0.0)) == 1
    assert cost(USED, None) == 0


def test_a_price_is_found_by_any_name() -> None:
    assert price_of({"gpt-4o": Price(1, 2)}, ("openai/gpt-4o", "gpt-4o")) == Price(1, 2)
    assert price_of({}, ("gpt-4o",)) is None


def test_a_stream_has_at_least_its_events_but_those_that_may_say_nothing() -> None:
    assert (surely(3), surely(100)) == (0, 92)


def test_a_broken_stream_is_estimated_by_events_and_by_bytes_when_those_are_long() -> None:
    assert about(50, 50 * 210) == 125
    assert about(50, 50 * 150) == 50
    assert about(0, 0) == 0
