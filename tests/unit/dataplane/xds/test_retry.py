"""How policies of trying again come over the wire."""

import pytest
from outriderpb.v1 import model_pb2, retry_pb2, route_pb2

from dataplane.runtime.retry import DEFAULT, Recovery, RetryPolicy, laid_over
from dataplane.xds.fields import BadFieldError
from dataplane.xds.retry import changes, route_policy


def policy(**said: object) -> RetryPolicy:
    message = retry_pb2.RetryPolicy(**said)  # type: ignore[arg-type] # by name
    return route_policy(route_pb2.Route(retry=message))


def test_a_route_that_says_nothing_has_the_default_itself() -> None:
    assert route_policy(route_pb2.Route()) is DEFAULT


def test_what_is_not_said_keeps_its_default() -> None:
    assert policy(num_retries=5) == RetryPolicy(num_retries=5)


def test_zero_is_said_too() -> None:
    assert policy(num_retries=0).num_retries == 0


def test_everything_that_is_said_is_taken() -> None:
    assert policy(
        num_retries=1,
        per_try_timeout_ms=2000,
        idle_timeout_ms=3000,
        first_token_timeout_ms=4000,
        min_throughput=retry_pb2.MinThroughput(tokens_per_second=2.5, window_ms=5000),
        back_off=retry_pb2.BackOff(base_interval_ms=250, max_interval_ms=6000),
        max_retry_after_ms=7000,
        retry_budget=retry_pb2.RetryBudget(budget_percent=50, min_retry_concurrency=0),
        hedge=retry_pb2.Hedge(after_ms=1500, max_tokens=9, tools=True),
        stream_recovery=retry_pb2.STREAM_RECOVERY_ERROR,
    ) == RetryPolicy(
        num_retries=1,
        per_try_timeout_s=2.0,
        idle_timeout_s=3.0,
        first_token_timeout_s=4.0,
        min_tokens_per_second=2.5,
        throughput_window_s=5.0,
        back_off_base_s=0.25,
        back_off_max_s=6.0,
        max_retry_after_s=7.0,
        budget_percent=50.0,
        min_retry_concurrency=0,
        hedge_after_s=1.5,
        hedge_max_tokens=9,
        hedge_tools=True,
        stream_recovery=Recovery.ERROR,
    )


def test_a_pace_in_tokens_takes_the_place_of_one_in_bytes() -> None:
    rate = retry_pb2.RetryPolicy(min_throughput=retry_pb2.MinThroughput(tokens_per_second=2))
    said = changes(model_pb2.ModelProvider(retry=rate))
    found = laid_over(RetryPolicy(min_bytes_per_second=100), said)
    assert (found.min_bytes_per_second, found.min_tokens_per_second) == (0.0, 2.0)


@pytest.mark.parametrize(
    "said",
    [
        {"num_retries": 1000},
        {"stream_recovery": 99},
        {"retry_budget": retry_pb2.RetryBudget(budget_percent=101)},
        {"retry_budget": retry_pb2.RetryBudget(budget_percent=float("nan"))},
        {"min_throughput": retry_pb2.MinThroughput(bytes_per_second=-1)},
    ],
    ids=["retries", "recovery", "percent", "nan", "pace"],
)
def test_what_makes_no_sense_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(BadFieldError):
        policy(**said)
