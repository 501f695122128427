"""Holds requests of a listener to its limits: reserves before the first attempt, or says why not.

The rule: a request never waits while its worker holds enough. When it does not, it waits WAIT_S at
most for a grant (gate.py), and then gets its 429. All of its limits are taken together, or none.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from dataplane.clock import Clock
from dataplane.llm.stakes import answer_limit, media_tokens, words_bytes
from dataplane.llm.wire.peeked import Survey, surveyed
from dataplane.resilience.quota_book import Book
from dataplane.resilience.quota_holding import Holding, Values
from dataplane.runtime.limits import Limit, Measure, UnknownPrice
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Operation, Protocol
from dataplane.server.limits import told
from dataplane.server.limits.charge import Charge, PriceOf
from dataplane.server.limits.gate import Gate
from dataplane.server.limits.matching import Caller, Matcher, Place, asks_who, bucket
from dataplane.server.limits.plan import Passed, Plan, is_counted
from dataplane.server.limits.sizes import Tokens, price_in, price_of, size

if TYPE_CHECKING:
    from dataplane.runtime.choosing import Price
    from dataplane.runtime.config import RuntimeConfig
    from dataplane.server.candidates import Candidate

BYTES_PER_TOKEN: Final = 3
"""Of a prompt with its JSON, when it is reserved: English has 4 to 5, code some 3. Other scripts
have 2 to 3 in UTF-8 and are taken to have 2.
"""
_HIGH: Final = bytes(range(128, 256))
MAX_KEPT = 2000
"""Models whose limits are kept; clients invent names where a provider is a wildcard."""
_GRANTED: Final = "granted"
_CHAT: Final = Operation.CHAT
_EMBEDDINGS: Final = Operation.EMBEDDINGS
_COUNTS: Final = (Operation.COUNT_TOKENS, Operation.GEMINI_COUNT_TOKENS)
_TOKENS: Final = Measure.TOKENS
_COST: Final = Measure.COST


class Quotas:
    """What all listeners of a worker share: its book, and what became of requests."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self.book = book
        self.clock = clock
        self._outcomes: dict[tuple[str, str], int] = {}
        self._passed: dict[str, Passed] = {}
        self.settle: Callable[[], None] = _nothing
        """Settles the charges of exchanges that have ended."""

    @property
    def outcomes(self) -> dict[tuple[str, str], int]:
        """By limit and what became of a request at it: granted, waited, refused, shadow_refused."""
        found = dict(self._outcomes)
        for name, passed in self._passed.items():
            if passed.count:
                found[name, _GRANTED] = found.get((name, _GRANTED), 0) + passed.count
        return found

    def count(self, outcome: tuple[str, str]) -> None:
        """One more of `outcomes`."""
        self._outcomes[outcome] = self._outcomes.get(outcome, 0) + 1

    def passed(self, limit: str) -> Passed:
        """Where requests are counted that a limit lets pass at once."""
        found = self._passed.get(limit)
        if found is None:
            found = self._passed[limit] = Passed()
        return found

    def settle_soon(self) -> None:
        """Before another request can come: what asks next may be a part of the same run."""
        asyncio.get_running_loop().call_soon(self.settle)


class Asked:
    """What a request would take."""

    __slots__ = ("body", "caller", "operation", "place", "speaks")

    def __init__(
        self,
        place: Place,
        caller: Caller,
        body: bytes,
        operation: Operation | None,
        speaks: Protocol,
    ) -> None:
        self.place = place
        self.caller = caller
        self.body = body
        self.operation = operation
        """None: of an agent."""
        self.speaks = speaks


class Spot:
    """A place, and what was worked out for the requests that go there."""

    __slots__ = ("limits", "place", "plan", "plans")

    def __init__(self, place: Place, limits: tuple[Limit, ...]) -> None:
        self.place = place
        self.limits = limits
        self.plan: Plan | None = None
        """That of the request before, where nothing depends on who calls."""
        self.plans: dict[tuple[Values | None, ...], Plan] | None = None
        """By the buckets that callers have of each limit, where something does."""
        if any(map(asks_who, limits)):
            self.plans = {}


class Limiter:
    """Of one listener under one configuration."""

    def __init__(self, quotas: Quotas, config: "RuntimeConfig", matcher: Matcher) -> None:
        self._quotas = quotas
        self._matcher = matcher
        self._config = config
        self._prices = config.model_routing.prices
        self._now = quotas.clock.now
        self._wall = quotas.clock.wall
        self._price_of: PriceOf = self.price
        self._spots: dict[Place, Spot] = {}
        self._asked: dict[tuple[Candidate, str | None], Spot] = {}
        """By what a relay knows."""

    def spot(self, listener: str, first: "Candidate", model: str | None) -> Spot:
        """Where a request for a model goes that `first` may answer."""
        found = self._asked.get((first, model))
        if found is None:
            if len(self._asked) >= MAX_KEPT:
                self._asked.clear()
            names = (f"{first.provider.provider}/{first.model}", first.name, first.model)
            found = self._spot(Place(listener, model or "", first.route_name, names))
            self._asked[first, model] = found
        return found

    def _spot(self, place: Place) -> Spot:
        found = self._spots.get(place)
        if found is None:
            if len(self._spots) >= MAX_KEPT:
                self._spots.clear()
            found = self._spots[place] = Spot(place, self._matcher.of(place))
        return found

    def begin(self, asked: Asked) -> Charge | LocalReply | Gate | None:
        """What was reserved, why it was not, or a gate that has not let it pass yet; None: no limit
        holds for the request.
        """
        spot = self._spot(asked.place)
        return self.take(spot, asked.caller, asked.body, asked.operation, asked.speaks)

    def take(
        self,
        spot: Spot,
        caller: Caller,
        body: bytes,
        operation: Operation | None,
        speaks: Protocol,
        survey: Survey | None = None,
    ) -> Charge | LocalReply | Gate | None:
        """The same, of a request whose spot is known.

        :param survey: what the body says, if somebody has read it.
        """
        now = self._now()
        plan = spot.plan
        if plan is None or not plan.is_good():
            found = self._plan(spot, caller, now)
            if isinstance(found, LocalReply):
                return found
            plan = found
        wants = plan.ones
        if not wants:
            return None
        prompt = 0
        if plan.is_sized:
            prompt, answer = _size(operation, body, survey)
            sized = self._sized(plan, spot.place, operation, prompt, answer)
            if isinstance(sized, LocalReply):
                return sized
            wants = sized
        quotas = self._quotas
        parts = quotas.book.reserve(wants, now)
        if isinstance(parts, Holding):
            return Gate(quotas, wants, prompt, speaks, self._price_of)
        for passed in plan.passed:
            passed.count += 1
        lines = plan.lines.told(speaks, now, self._wall)
        hurry = quotas.settle_soon if plan.hurries else None
        return Charge(quotas.book, parts, prompt, self._price_of, lines, hurry)

    def _plan(self, spot: Spot, caller: Caller, now: float) -> Plan | LocalReply:
        """The buckets that a request takes from; or there are too many."""
        values = tuple([bucket(limit, spot.place, caller) for limit in spot.limits])
        plans = spot.plans
        if plans is not None:
            found = plans.get(values)
            if found is not None and found.is_good():
                return found
            if len(plans) >= MAX_KEPT:
                plans.clear()
        book = self._quotas.book
        buckets: list[tuple[Limit, list[Holding]]] = []
        for limit, separated in zip(spot.limits, values, strict=True):
            if separated is not None:
                holdings = book.of(limit, separated, now)
                if holdings is None:
                    return told.too_many(limit.name)
                buckets.append((limit, holdings))
        made = Plan(buckets, self._quotas.passed)
        if plans is None:
            spot.plan = made
        else:
            plans[values] = made
        return made

    def _sized(
        self, plan: Plan, place: Place, operation: Operation | None, prompt: int, answer: int | None
    ) -> list[tuple[Holding, int]] | LocalReply:
        """How much of each bucket a request takes.

        :param prompt: tokens. :param answer: likewise; None: nobody limits it.
        """
        wants: list[tuple[Holding, int]] = []
        for at, one in enumerate(plan.ones):
            holding = one[0]
            measure = holding.measure
            limit = plan.limits[at]
            price = None
            if measure is _COST and operation is not None:
                price = price_of(self._prices, place.names)
                if price is None and (refusal := self._no_price(limit, place)) is not None:
                    return refusal
            # an agent has no price, but models are asked on its account
            begins = limit.run_of or (measure is _COST and operation is None)
            if begins or is_counted(holding):
                wants.append(one)
                continue
            tokens = limit.default_output_tokens if answer is None else answer
            if measure is _TOKENS:
                wants.append((holding, prompt + tokens))
            else:
                wants.append((holding, size(measure, Tokens(prompt, tokens), price)))
        return wants

    async def admitted(self, asked: Asked) -> Charge | LocalReply | None:
        """As `begin`, and past the gate."""
        found = self.begin(asked)
        if not isinstance(found, Gate):
            return found
        decided: asyncio.Future[Charge | LocalReply] = asyncio.get_running_loop().create_future()
        found.open(partial(_set, decided))
        try:
            return await decided
        except asyncio.CancelledError:
            found.close()
            raise

    def price(self, provider: str, model: str) -> "Price | None":
        """What a provider's model costs."""
        return price_in(self._config, provider, model)

    def _no_price(self, limit: Limit, place: Place) -> LocalReply | None:
        if limit.unknown_price is UnknownPrice.FREE:
            return None
        outcome = "shadow_refused" if limit.shadow else "refused"
        self._quotas.count((limit.name, outcome))
        return None if limit.shadow else told.no_price(limit.name, place.model)


def _size(
    operation: Operation | None, body: bytes, survey: Survey | None
) -> tuple[int, int | None]:
    """Tokens of the prompt, and of the answer if somebody limits it."""
    if operation is not _CHAT and operation in _COUNTS:
        return 0, 0
    media = media_tokens(body)
    length = words_bytes(body) if media else len(body)
    if not body.isascii():
        length += (len(body) - len(body.translate(None, _HIGH))) // 2
    prompt = length // BYTES_PER_TOKEN + media
    answer: int | None = 0
    if operation is not _EMBEDDINGS:
        answer = answer_limit(survey or surveyed(body))
    return prompt, answer


def _set(decided: "asyncio.Future[Charge | LocalReply]", found: Charge | LocalReply) -> None:
    if not decided.done():
        decided.set_result(found)


def _nothing() -> None:
    """Who settles later."""


def of_requests(limit: Limit) -> bool:
    """Limits that hold whether a request is a part of a run or not."""
    return not limit.run_of


def of_runs(limit: Limit) -> bool:
    """Budgets of runs."""
    return bool(limit.run_of)


def of_all(limit: Limit) -> bool:
    """Whatever holds for requests within runs."""
    return True


def limiter_of(
    quotas: Quotas | None,
    config: "RuntimeConfig",
    listener: str,
    whose: Callable[[Limit], bool] = of_requests,
) -> Limiter | None:
    """For a listener; None when no limit can hold there: then requests pay nothing."""
    if not config.limits:
        return None
    matcher = Matcher(listener, config.limits.values(), whose)
    if not matcher:
        return None
    assert quotas is not None, "a worker that is given limits can keep them"
    return Limiter(quotas, config, matcher)
