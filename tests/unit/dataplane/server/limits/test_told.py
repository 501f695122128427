"""What clients are told of limits."""

import pytest

from dataplane.resilience.quota import Bucket
from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.limits import NANO, Amount, Limit, Measure
from dataplane.runtime.messages import ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.limits.told import Lines, headers, no_price, refusal, span, too_many

WALL = 1_790_000_000.0


def _holding(measure: Measure, limit: int, level: float, window_s: float = 60.0) -> Holding:
    amount = Amount(measure, limit, window_s)
    holding = Holding(("team", measure.value, ()), Limit("team", (amount,)), amount, 0.0)
    holding.level = level
    return holding


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0ms"), (0.0201, "21ms"), (1.0, "1s"), (59.2, "1m0s"), (360, "6m0s"), (3661, "1h1m1s")],
)
def test_spans_are_written_as_openai_writes_them(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_the_tightest_limit_of_a_kind_is_told() -> None:
    wide, narrow = _holding(Measure.REQUESTS, 100, 50), _holding(Measure.REQUESTS, 10, 1)
    assert headers([wide, narrow], Protocol.CHAT, 0.0, WALL) == (
        ("x-ratelimit-limit-requests", "10"),
        ("x-ratelimit-remaining-requests", "1"),
        ("x-ratelimit-reset-requests", "54s"),
    )


def test_anthropics_clients_are_told_in_anthropics_words() -> None:
    told = dict(headers([_holding(Measure.INPUT_TOKENS, 60, 30)], Protocol.MESSAGES, 0.0, WALL))
    assert told == {
        "anthropic-ratelimit-input-tokens-limit": "60",
        "anthropic-ratelimit-input-tokens-remaining": "30",
        "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:13:50Z",
    }


def test_a_refusal_tells_when_to_come_again_exactly() -> None:
    reply = refusal(_holding(Measure.TOKENS, 60, 10.0), 25, 0.0, ())
    assert (reply.status, reply.detail, reply.kind) == (429, ResponseDetail.RATE_LIMITED, "tokens")
    assert dict(reply.headers) == {"retry-after": "15", "retry-after-ms": "15000"}
    assert "60 tokens in 1m0s are allowed" in reply.message


def test_a_share_tells_its_own_time() -> None:
    holding = _holding(Measure.REQUESTS, 60, 60.0)
    holding.share = Bucket(30, 0.5, 0.0, level=0.0)
    assert dict(refusal(holding, 1, 0.0, ()).headers)["retry-after"] == "2"


def test_what_never_fits_is_not_to_be_tried_again() -> None:
    reply = refusal(_holding(Measure.TOKENS, 60, 60.0), 61, 0.0, ())
    assert dict(reply.headers) == {"x-should-retry": "false"}
    assert "too large" in reply.message


def test_money_is_told_in_dollars() -> None:
    reply = refusal(_holding(Measure.COST, 50 * NANO, 0.0, 86_400), NANO // 2, 0.0, ())
    assert "50.000000 dollars in 24h0m0s are allowed" in reply.message
    assert reply.kind == "cost"


def test_all_that_run_at_the_same_time_may_end_at_any_time() -> None:
    reply = refusal(_holding(Measure.CONCURRENT, 5, 0.0), 1, 0.0, ())
    assert dict(reply.headers)["retry-after"] == "1"
    assert "5 requests at the same time" in reply.message


def test_other_refusals_say_why() -> None:
    assert "price of model 'gpt'" in no_price("team", "gpt").message
    assert "too many callers" in too_many("team").message


@pytest.mark.parametrize("speaks", [Protocol.CHAT, Protocol.MESSAGES])
@pytest.mark.parametrize("measure", Measure)
def test_lines_of_a_head_say_the_same(measure: Measure, speaks: Protocol) -> None:
    holding = _holding(measure, 60 * NANO, 12.5 * NANO)
    told = headers([holding], speaks, 3.0, WALL)
    text = "".join(f"{name}: {value}\r\n" for name, value in told).encode()
    assert Lines([holding]).told(speaks, 3.0, lambda: WALL) == text


def test_lines_tell_of_the_tightest_too() -> None:
    wide, narrow = _holding(Measure.REQUESTS, 100, 50), _holding(Measure.REQUESTS, 10, 1)
    told = Lines([wide, narrow]).told(Protocol.CHAT, 0.0, lambda: WALL)
    assert b"limit-requests: 10\r\n" in told
