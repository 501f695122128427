"""What is reserved for a request, and what of it is charged in the end."""

import asyncio
import json
import time
from typing import Any

import pytest

from dataplane.observe.record import ExchangeRecord
from dataplane.resilience.quota_book import Book
from dataplane.runtime.choosing import ModelRouting, Price
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.limits import Amount, Limit, Measure, Part, Per, Scope
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.principal import Principal
from dataplane.runtime.protocols import Operation, Protocol
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.gate import WAIT_S, Gate
from dataplane.server.limits.limiter import Asked, Limiter, Quotas, limiter_of
from dataplane.server.limits.matching import Caller, Place

PLACE = Place("models", "nick", "models/nick", ("house/m-1", "m", "m-1"))
PLENTY = 10**12
ASIDE = {"side_input_tokens": 30, "side_output_tokens": 10}
"""What models were asked for besides, on the exchange's account."""
CUT = ResponseDetail.UPSTREAM_TRUNCATED
GONE = ResponseDetail.DOWNSTREAM_GONE


class Clock:
    def __init__(self) -> None:
        self.stood_still_s = 0.0

    def now(self) -> float:
        return 1.0 + self.stood_still_s

    def wall(self) -> float:
        return 1_790_000_000.0


def _limiter(*measures: Measure, held: int = PLENTY, **limit: Any) -> tuple[Limiter, Quotas]:
    amounts = tuple(Amount(measure, PLENTY) for measure in measures)
    made = Limit("team", amounts, default_output_tokens=500, **limit)
    quotas = Quotas(Book(), Clock())
    quotas.book.opened()
    for holding in quotas.book.of(made, (), 1.0) or []:
        quotas.book.granted(holding.id, held, 0.0, 1.0)
    prices = ModelRouting(prices={"house/m-1": Price(1.0, 2.0)})
    config = RuntimeConfig(limits={"team": made}, model_routing=prices)
    limiter = limiter_of(quotas, config, "models")
    assert limiter is not None
    return limiter, quotas


def _no_header(_: str) -> None:
    """Nobody sends any."""


def _asked(operation: Operation | None = Operation.CHAT, **body: object) -> Asked:
    text = json.dumps({"prompt": "x" * 290, **body}).encode()
    return Asked(PLACE, Caller(None, _no_header), text, operation, Protocol.CHAT)


def _reserved(quotas: Quotas, measure: Measure) -> int:
    (holding,) = [h for h in quotas.book.holdings.values() if h.amount.measure is measure]
    return holding.reserved


@pytest.mark.parametrize(
    ("asked", "reserved"),
    [
        pytest.param(_asked(max_tokens=100), 107 + 100, id="as many as are asked for"),
        pytest.param(_asked(), 101 + 500, id="as many as the limit says"),
        pytest.param(_asked(max_tokens=100, n=3), 109 + 300, id="for each choice"),
        pytest.param(_asked(Operation.EMBEDDINGS), 101, id="embeddings have no answer"),
        pytest.param(_asked(Operation.COUNT_TOKENS), 0, id="counting takes nothing"),
        pytest.param(_asked(max_tokens="many"), 0, id="a mistake is its provider's to tell"),
    ],
)
def test_prompt_and_longest_answer_are_reserved(asked: Asked, reserved: int) -> None:
    limiter, quotas = _limiter(Measure.TOKENS)
    assert isinstance(limiter.begin(asked), Charge)
    found = _reserved(quotas, Measure.TOKENS)
    assert found == pytest.approx(reserved, abs=4) if reserved else found < 110


def test_other_scripts_are_reserved_more() -> None:
    limiter, quotas = _limiter(Measure.INPUT_TOKENS)
    text = json.dumps({"prompt": "天気" * 100}, ensure_ascii=False).encode()
    asked = _asked()
    asked.body = text
    limiter.begin(asked)
    assert 300 <= _reserved(quotas, Measure.INPUT_TOKENS) <= 320


@pytest.mark.parametrize(
    ("record", "charged"),
    [
        pytest.param({"status": 200, "input_tokens": 7, "output_tokens": 5}, 12, id="as told"),
        pytest.param({"status": 200}, 207, id="nothing told"),
        pytest.param(
            {"status": 200, "input_tokens": 37, "output_tokens": 15} | ASIDE, 52, id="with others"
        ),
        pytest.param(
            {"status": 200, "input_tokens": 30, "output_tokens": 10} | ASIDE,
            207 + 40,
            id="nothing told but by others",
        ),
        pytest.param(
            {"status": 500, "input_tokens": 30, "output_tokens": 10} | ASIDE,
            40,
            id="an error after others",
        ),
        pytest.param({"status": 500}, 0, id="an error"),
        pytest.param({"status": 200, "detail": CUT, "bytes_sent": 9}, 107, id="no stream, cut"),
        pytest.param(
            {"status": 200, "detail": CUT, "bytes_sent": 9, "stream": True}, 147, id="a cut stream"
        ),
        pytest.param(
            {"status": 200, "detail": CUT, "stream": True, "input_tokens": 7, "output_tokens": 1},
            47,
            id="a cut stream that told its prompt",
        ),
        pytest.param({"status": 499, "detail": GONE, "attempts": 1}, 107, id="left while waiting"),
        pytest.param({"status": 499, "detail": GONE}, 0, id="left before it was sent"),
        pytest.param({"status": 503, "detail": ResponseDetail.NO_USABLE_ENDPOINT}, 0, id="ours"),
    ],
)
def test_what_is_charged_in_the_end(record: dict[str, Any], charged: int) -> None:
    limiter, quotas = _limiter(Measure.TOKENS, Measure.CONCURRENT)
    charge = limiter.begin(_asked(max_tokens=100))
    assert isinstance(charge, Charge)
    for _ in range(40):
        charge.delivered(b"data: a\n\n")
    charge.close()
    assert _reserved(quotas, Measure.CONCURRENT) == 0
    charge.settle(ExchangeRecord(**record))
    charge.settle(ExchangeRecord(**record))
    assert _reserved(quotas, Measure.TOKENS) == 0
    spent = quotas.book.totals["team", "tokens"].spent
    # a stream is trued up on its way by what it surely is: 32 events less 8
    assert spent == pytest.approx(max(charged, 24), abs=4)


def test_money_is_reserved_and_charged_by_the_price_of_who_answered() -> None:
    limiter, quotas = _limiter(Measure.COST)
    charge = limiter.begin(_asked(max_tokens=100))
    assert isinstance(charge, Charge)
    assert _reserved(quotas, Measure.COST) == pytest.approx(107 * 1000 + 100 * 2000, abs=4000)
    record = ExchangeRecord(status=200, input_tokens=7, output_tokens=5, provider="house/m-1")
    charge.settle(record)
    assert quotas.book.totals["team", "cost"].spent == 7 * 1000 + 5 * 2000


def test_models_that_were_asked_besides_cost_their_own_price() -> None:
    """An embedder for the cache, a router: they are not as dear as who answers."""
    limiter, quotas = _limiter(Measure.COST)
    charge = limiter.begin(_asked(max_tokens=100))
    assert isinstance(charge, Charge)
    record = ExchangeRecord(status=200, input_tokens=7, output_tokens=5, provider="house/m-1")
    record.input_cached_tokens = 4
    aside = ExchangeRecord(input_tokens=30, output_tokens=10, input_cached_tokens=9)
    record.spend(aside, 0.000_002)
    charge.settle(record)
    assert quotas.book.totals["team", "cost"].spent == 7 * 1000 + 5 * 2000 + 2000


def test_a_run_pays_for_the_models_that_choose_its_agents() -> None:
    limiter, quotas = _limiter(Measure.COST)
    charge = limiter.begin(_asked(None))
    assert isinstance(charge, Charge)
    record = ExchangeRecord(status=200, input_tokens=900, output_tokens=900, agents=("writer",))
    record.spend(ExchangeRecord(input_tokens=30, output_tokens=10), 0.000_05)
    charge.settle(record)
    assert quotas.book.totals["team", "cost"].spent == 50_000


def test_a_request_whose_worker_holds_too_little_is_at_the_gate() -> None:
    limiter, quotas = _limiter(Measure.TOKENS, Measure.CONCURRENT, held=1)
    assert isinstance(limiter.begin(_asked()), Gate)
    assert _reserved(quotas, Measure.CONCURRENT) == 0


async def test_a_worker_that_stood_still_hears_the_answer_before_it_goes_by_itself() -> None:
    """The grant was there in time; it lies in a socket."""
    limiter, quotas = _limiter(Measure.TOKENS, held=1)
    assert isinstance(quotas.clock, Clock)
    gate = limiter.begin(_asked())
    assert isinstance(gate, Gate)
    decided: list[Charge | LocalReply] = []
    gate.open(decided.append)
    quotas.clock.stood_still_s = 2 * WAIT_S
    time.sleep(WAIT_S + 0.01)  # noqa: ASYNC251 - all of the process stands still
    (holding,) = quotas.book.holdings.values()
    for _ in range(3):  # a reply of the control plane takes a few turns of the loop
        await asyncio.sleep(0)
    quotas.book.granted(holding.id, PLENTY, 0.0, quotas.clock.now())
    assert [type(found) for found in decided] == [Charge]
    assert quotas.outcomes["team", "waited"] == 1


async def test_who_gets_no_answer_at_all_is_told_by_what_is_held() -> None:
    limiter, quotas = _limiter(Measure.TOKENS, held=1)
    gate = limiter.begin(_asked())
    assert isinstance(gate, Gate)
    decided: asyncio.Future[Charge | LocalReply] = asyncio.get_running_loop().create_future()
    gate.open(decided.set_result)
    assert isinstance(quotas.clock, Clock)
    quotas.clock.stood_still_s = 2 * WAIT_S
    assert isinstance(await decided, LocalReply)


def _from(principal: Principal) -> Asked:
    asked = _asked(max_tokens=100)
    asked.caller = Caller(principal, _no_header)
    return asked


def test_each_caller_takes_from_its_own_bucket_however_often_it_comes() -> None:
    limiter, quotas = _limiter(Measure.REQUESTS, per=(Per(Part.KEY),))
    (limit,) = (one.limit for one in quotas.book.holdings.values())
    for name in ("anna", "bert"):
        for holding in quotas.book.of(limit, (name,), 1.0) or []:
            quotas.book.granted(holding.id, 100, 0.0, 1.0)
    for name in ("anna", "bert", "anna", "bert", "anna"):
        assert isinstance(limiter.begin(_from(Principal(name))), Charge)
    spent = {one.id[2]: one.spent for one in quotas.book.holdings.values()}
    assert spent == {(): 0, ("anna",): 3, ("bert",): 2}
    assert quotas.outcomes == {("team", "granted"): 5}


def test_a_bucket_that_was_forgotten_is_not_taken_from_any_more() -> None:
    limiter, quotas = _limiter(Measure.REQUESTS)
    assert isinstance(limiter.begin(_asked()), Charge)
    (old,) = quotas.book.holdings.values()
    for now in (10.0, 20.0, 90.0, 91.0, 200.0):
        old.give_back()
        quotas.book.tick(now)
    assert old.forgotten
    assert isinstance(limiter.begin(_asked()), Gate)
    (new,) = quotas.book.holdings.values()
    assert new is not old


def test_a_bucket_is_held_to_what_the_operator_says_now() -> None:
    limiter, quotas = _limiter(Measure.REQUESTS)
    assert isinstance(limiter.begin(_asked()), Charge)
    wider = Limit("team", (Amount(Measure.REQUESTS, 2 * PLENTY),))
    newer = limiter_of(quotas, RuntimeConfig(limits={"team": wider}), "models")
    assert newer is not None
    charge = newer.begin(_asked())
    assert isinstance(charge, Charge)
    assert dict(charge.headers)["x-ratelimit-limit-requests"] == str(2 * PLENTY)
    charge = limiter.begin(_asked())  # (a request that began before the change)
    assert isinstance(charge, Charge)
    assert dict(charge.headers)["x-ratelimit-limit-requests"] == str(PLENTY)


def test_a_request_that_no_limit_is_for_takes_nothing() -> None:
    limiter, _ = _limiter(Measure.TOKENS, scope=Scope(keys=("*",)))
    assert limiter.begin(_asked()) is None


def test_an_unknown_price_is_refused() -> None:
    limiter, quotas = _limiter(Measure.COST)
    asked = _asked()
    asked.place = PLACE._replace(names=("other",))
    found = limiter.begin(asked)
    assert isinstance(found, LocalReply)
    assert quotas.outcomes["team", "refused"] == 1


def test_a_config_without_limits_has_no_limiter() -> None:
    assert limiter_of(None, RuntimeConfig(), "models") is None
