"""What clients are told of limits: headers in the words of their API, and the 429. Pure.

The rule: of each kind of limit the tightest is told, the one of which the smallest part is left.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from math import ceil, inf
from typing import Final

from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.limits import NANO, Amount, Measure
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

_ANTHROPIC = {
    Measure.REQUESTS: "requests",
    Measure.TOKENS: "tokens",
    Measure.INPUT_TOKENS: "input-tokens",
    Measure.OUTPUT_TOKENS: "output-tokens",
}
_OPENAI = {
    **_ANTHROPIC,
    Measure.COST: "cost",
    Measure.CONCURRENT: "concurrent",
}
_COST: Final = Measure.COST
_MESSAGES: Final = Protocol.MESSAGES
_UNITS = ((3600, "h"), (60, "m"), (1, "s"))


def headers(holdings: Iterable[Holding], speaks: Protocol, now: float, wall: float) -> Headers:
    """How much is left, and when all of it will be there again."""
    tightest: dict[Measure, Holding] = {}
    for holding in holdings:
        measure = holding.amount.measure
        other = tightest.get(measure)
        if other is None or _part_left(holding, now) < _part_left(other, now):
            tightest[measure] = holding
    told: list[tuple[str, str]] = []
    for measure, holding in tightest.items():
        left, full_s = holding.remaining(now), holding.full_s(now)
        if speaks is Protocol.MESSAGES:
            name = _ANTHROPIC.get(measure)
            if name is not None:
                begin = f"anthropic-ratelimit-{name}"
                told += [
                    (f"{begin}-limit", _shown(measure, holding.amount.limit)),
                    (f"{begin}-remaining", _shown(measure, left)),
                    (f"{begin}-reset", _moment(wall + full_s)),
                ]
        else:
            name = _OPENAI[measure]
            told += [
                (f"x-ratelimit-limit-{name}", _shown(measure, holding.amount.limit)),
                (f"x-ratelimit-remaining-{name}", _shown(measure, left)),
                (f"x-ratelimit-reset-{name}", span(full_s)),
            ]
    return tuple(told)


class Lines:
    """The same as lines of a head. Where one limit holds, as for most, they are a text with holes
    that is made once.
    """

    __slots__ = ("_holdings", "_text")

    def __init__(self, holdings: Sequence[Holding]) -> None:
        self._holdings = holdings
        self._text = b""
        if holdings and all(one.limit is holdings[0].limit for one in holdings):
            self._text = b"".join([_with_holes(one.amount) for one in holdings])

    def told(self, speaks: Protocol, now: float, wall: Callable[[], float]) -> bytes:
        """What there is to tell now."""
        holdings = self._holdings
        if not self._text or speaks is _MESSAGES:
            if not holdings:
                return b""
            shown = headers(holdings, speaks, now, wall())
            return "".join(f"{name}: {value}\r\n" for name, value in shown).encode()
        values: list[object] = []
        for holding in holdings:
            rate, capacity = holding.rate, holding.capacity
            there = holding.level + rate * (now - holding.told_at) + holding.held
            left = 0 if there < 0.0 else capacity if there > capacity else int(there)
            full = b"0ms"
            if left < capacity and rate:
                seconds = (capacity - left) / rate
                full = b"%dms" % ceil(seconds * 1000) if seconds < 1 else span(seconds).encode()
            values.append(_shown(_COST, left).encode() if holding.measure is _COST else left)
            values.append(full)
        return self._text % tuple(values)


def _with_holes(amount: Amount) -> bytes:
    """The lines of one bucket, with holes for what is left and until when."""
    measure = amount.measure
    name, limit = _OPENAI[measure], _shown(measure, amount.limit)
    hole = "%b" if measure is Measure.COST else "%d"
    return (
        f"x-ratelimit-limit-{name}: {limit}\r\n"
        f"x-ratelimit-remaining-{name}: {hole}\r\n"
        f"x-ratelimit-reset-{name}: %b\r\n"
    ).encode()


def refusal(holding: Holding, n: int, now: float, more: Headers) -> LocalReply:
    """429: so much is not there."""
    amount, name = holding.amount, holding.id[0]
    measure = amount.measure
    if holding.limit.run_of:
        return _run_is_over(holding, more)
    what = f"Limit '{name}': {_allowed(holding)}"
    if n > holding.capacity and measure is not Measure.CONCURRENT:
        message = f"{what}, and this request may take {_shown(measure, n)}: it is too large."
        more = (*more, ("x-should-retry", "false"))
        return _reply(measure, message, more)
    wait_s = retry_s(holding, n, now)
    if measure is Measure.CONCURRENT:
        return _reply(measure, f"{what} and all are taken.", (*_after(wait_s), *more))
    message = f"{what}, and {_shown(measure, n)} more are not there; try again in {span(wait_s)}."
    return _reply(measure, message, (*_after(wait_s), *more))


_OF_RUN = {Measure.TOKENS: "tokens", Measure.REQUESTS: "calls"}
"""What a run's budget is counted in, in its own words."""


def _run_is_over(holding: Holding, more: Headers) -> LocalReply:
    """429: nothing more may be begun in a run."""
    measure = holding.amount.measure
    shown = _shown(measure, holding.amount.limit)
    budget = f"${shown}" if measure is Measure.COST else f"{shown} {_OF_RUN[measure]}"
    message = f"The budget of this run, {budget}, is used up."
    more = (*more, ("x-should-retry", "false"))
    return LocalReply(429, message, ResponseDetail.RUN_LIMIT, more, kind=measure.value)


def no_price(limit: str, model: str) -> LocalReply:
    """429: what a request costs is not known, and may not be."""
    message = f"Limit '{limit}' is one of cost, and the price of model '{model}' is not known."
    return _reply(Measure.COST, message, (("x-should-retry", "false"),))


def too_many(limit: str) -> LocalReply:
    """429: the worker holds too many buckets."""
    message = f"Limit '{limit}' is kept for too many callers at the same time."
    return _reply(Measure.REQUESTS, message, _after(1.0))


def _reply(measure: Measure, message: str, more: Headers) -> LocalReply:
    return LocalReply(429, message, ResponseDetail.RATE_LIMITED, more, kind=measure.value)


def retry_s(holding: Holding, n: int, now: float) -> float:
    """When it may be there."""
    share = holding.share
    if share is not None and share.rate > 0:
        return max((min(n, share.capacity) - share.level(now)) / share.rate, 0.0)
    return holding.wait_s(n, now)


def _after(seconds: float) -> Headers:
    if seconds == inf:
        return ()
    ms = max(ceil(seconds * 1000), 1)
    return (("retry-after", str(ceil(ms / 1000))), ("retry-after-ms", str(ms)))


def _part_left(holding: Holding, now: float) -> float:
    return holding.remaining(now) / holding.capacity


def _allowed(holding: Holding) -> str:
    amount = holding.amount
    what = amount.measure.value.replace("_", " ")
    if amount.measure is Measure.CONCURRENT:
        return f"{amount.limit} requests at the same time are allowed"
    if amount.measure is Measure.COST:
        what = "dollars"
    return f"{_shown(amount.measure, amount.limit)} {what} in {span(amount.window_s)} are allowed"


def _shown(measure: Measure, n: int) -> str:
    return f"{n / NANO:.6f}" if measure is Measure.COST else str(n)


def span(seconds: float) -> str:
    """As OpenAI writes it: `20ms`, `1s`, `6m0s`, `1h0m0s`."""
    if seconds < 1:
        return f"{ceil(seconds * 1000)}ms"
    left, text = ceil(seconds), ""
    for unit, name in _UNITS:
        n, left = divmod(left, unit)
        if n or text or unit == 1:
            text += f"{n}{name}"
    return text


def _moment(wall: float) -> str:
    """RFC 3339, in seconds."""
    return datetime.fromtimestamp(ceil(wall), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
