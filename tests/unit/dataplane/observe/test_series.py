"""Exchanges are counted by how they ended, however many of them ended alike."""

from dataplane.observe.record import ExchangeRecord
from dataplane.observe.series import DURATION_BUCKETS, Series
from dataplane.runtime.messages import ResponseDetail

VIA, GONE = ResponseDetail.VIA_UPSTREAM, ResponseDetail.DOWNSTREAM_GONE


def ended(status: int, detail: ResponseDetail = VIA, **more: float | int) -> ExchangeRecord:
    return ExchangeRecord(status=status, detail=detail, **more)  # type: ignore[arg-type]


def test_each_outcome_has_its_count() -> None:
    series = Series()
    series.observe([ended(200), ended(200), ended(201), ended(499, GONE), ended(200)])
    series.observe([ended(200), ended(499)])
    assert series.requests == {(2, VIA): 5, (4, GONE): 1, (4, VIA): 1}


def test_nothing_is_counted_of_nothing() -> None:
    series = Series()
    series.observe([])
    assert series.requests == {}


def test_one_that_was_refused_counts_with_those_that_were_told_so_before() -> None:
    series = Series()
    series.refused(503, 0.002)
    series.refused(503, 0.002)
    assert series.requests == {(5, ResponseDetail.OVERLOADED): 2}
    assert series.duration_sum == 0.004


def test_times_and_tokens_are_summed() -> None:
    series = Series()
    series.observe(
        [
            ended(200, duration_s=0.003, first_byte_s=0.001, input_tokens=7, output_tokens=2),
            ended(200, duration_s=400.0, input_tokens=1, input_cached_tokens=1, reasoning_tokens=3),
        ]
    )
    assert series.duration_sum == 400.003
    assert series.first_byte_sum == 0.001
    assert sum(series.first_byte) == 1
    assert series.duration[DURATION_BUCKETS.index(0.005)] == series.duration[-1] == 1
    assert (series.input_tokens, series.output_tokens) == (8, 2)
    assert (series.input_cached_tokens, series.reasoning_tokens) == (1, 3)
