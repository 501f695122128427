"""Holds requests of a listener to its limits: reserves before the first attempt, or says why not.

The rule: a request never waits while its worker holds enough. When it does not, it waits WAIT_S at
most for a grant (gate.py), and then gets its 429. All of its limits are taken together, or none.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from dataplane.clock import Clock
from dataplane.llm.stakes import answer_limit, media_tokens, words_bytes
from dataplane.resilience.quota_book import Book
from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.limits import Limit, Measure, UnknownPrice
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Operation, Protocol
from dataplane.server.limits import told
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.gate import Gate, granted
from dataplane.server.limits.matching import Caller, Matcher, Place, bucket
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
_CHAT: Final = Operation.CHAT
_EMBEDDINGS: Final = Operation.EMBEDDINGS
_COUNTS: Final = (Operation.COUNT_TOKENS, Operation.GEMINI_COUNT_TOKENS)
_REQUESTS: Final = Measure.REQUESTS
_CONCURRENT: Final = Measure.CONCURRENT
_COST: Final = Measure.COST


class Quotas:
    """What all listeners of a worker share: its book, and what became of requests."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self.book = book
        self.clock = clock
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """By limit and what became of a request at it: granted, waited, refused, shadow_refused."""
        self.settle: Callable[[], None] = _nothing
        """Settles the charges of exchanges that have ended."""

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


class Limiter:
    """Of one listener under one configuration."""

    def __init__(self, quotas: Quotas, config: "RuntimeConfig", matcher: Matcher) -> None:
        self._quotas = quotas
        self._matcher = matcher
        self._config = config
        self._prices = config.model_routing.prices
        self._places: dict[tuple[Candidate, str | None], Place] = {}

    def place(self, listener: str, first: "Candidate", model: str | None) -> Place:
        """Where a request for a model goes that `first` may answer."""
        found = self._places.get((first, model))
        if found is None:
            if len(self._places) >= MAX_KEPT:
                self._places.clear()
            names = (f"{first.provider.provider}/{first.model}", first.name, first.model)
            found = Place(listener, model or "", first.route_name, names)
            self._places[first, model] = found
        return found

    def begin(self, asked: Asked) -> Charge | LocalReply | Gate | None:
        """What was reserved, why it was not, or a gate that has not let it pass yet; None: no limit
        holds for the request.
        """
        limits = self._matcher.of(asked.place)
        if not limits:
            return None
        quotas = self._quotas
        now = quotas.clock.now()
        wants: list[tuple[Holding, int]] = []
        prompt = 0
        answer: int | None = -1
        for limit in limits:
            values = bucket(limit, asked.place, asked.caller)
            if values is None:
                continue
            holdings = quotas.book.of(limit, values, now)
            if holdings is None:
                return told.too_many(limit.name)
            for holding in holdings:
                measure = holding.measure
                if measure is _REQUESTS or measure is _CONCURRENT:
                    wants.append((holding, 1))
                    continue
                if answer == -1:
                    prompt, answer = _size(asked)
                tokens = Tokens(prompt, limit.default_output_tokens if answer is None else answer)
                price = None
                if measure is _COST and asked.operation is not None:
                    price = price_of(self._prices, asked.place.names)
                    if price is None and (refusal := self._no_price(limit, asked)) is not None:
                        return refusal
                # an agent has no price, but models are asked on its account
                begins = limit.run_of or (measure is _COST and asked.operation is None)
                wants.append((holding, 1 if begins else size(measure, tokens, price)))
        if not wants:
            return None
        found = quotas.book.reserve(wants, now)
        if isinstance(found, Holding):
            return Gate(quotas, wants, prompt, asked.speaks, self.price)
        return granted(quotas, found, wants, prompt, asked.speaks, self.price, "granted", now)

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

    def _no_price(self, limit: Limit, asked: Asked) -> LocalReply | None:
        if limit.unknown_price is UnknownPrice.FREE:
            return None
        outcome = "shadow_refused" if limit.shadow else "refused"
        self._quotas.outcomes[limit.name, outcome] += 1
        return None if limit.shadow else told.no_price(limit.name, asked.place.model)


def _size(asked: Asked) -> tuple[int, int | None]:
    """Tokens of the prompt, and of the answer if somebody limits it."""
    operation, body = asked.operation, asked.body
    if operation is not _CHAT and operation in _COUNTS:
        return 0, 0
    media = media_tokens(body)
    length = words_bytes(body) if media else len(body)
    if not body.isascii():
        length += (len(body) - len(body.translate(None, _HIGH))) // 2
    prompt = length // BYTES_PER_TOKEN + media
    return prompt, 0 if operation is _EMBEDDINGS else answer_limit(body)


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
