"""How much a request may take of each measure, and how much it has taken. Pure.

The decisions: tokens that a provider had in its cache count as others do, and cost their own price
where it is known; thinking counts as output; attempts that were thrown away count nothing unless
their answer reached the client; what nobody tells of a whole answer counts as reserved.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.choosing import Price
from dataplane.runtime.limits import NANO, Measure

if TYPE_CHECKING:
    from dataplane.runtime.config import RuntimeConfig

NANO_PER_MILLION = 1000.0
"""Billionths of a dollar for a token that costs a dollar a million."""
FRAME_BYTES: Final = 200
"""Of a streamed event, what is not its words: chat's have 150 to 250."""
BYTES_PER_TOKEN: Final = 4
QUIET_EVENTS: Final = 8
"""Of a stream, those that may be no token: its begin and end, its usage."""

_TOKENS: Final = Measure.TOKENS
_INPUT_TOKENS: Final = Measure.INPUT_TOKENS
_OUTPUT_TOKENS: Final = Measure.OUTPUT_TOKENS
_COST: Final = Measure.COST


class Tokens:
    """Of a request and its answer."""

    __slots__ = ("cached", "input", "output")

    def __init__(self, input: int, output: int, cached: int = 0) -> None:  # noqa: A002 - theirs
        self.input = input
        self.output = output
        self.cached = cached
        """Of `input`."""


def price_of(prices: Mapping[str, Price], names: tuple[str, ...]) -> Price | None:
    """By any name that the model has."""
    for name in names:
        found = prices.get(name)
        if found is not None:
            return found
    return None


def price_in(config: "RuntimeConfig", provider: str, model: str) -> Price | None:
    """What a provider's model costs."""
    found = config.providers.get(provider)
    vendor = found.provider if found is not None else ""
    return price_of(config.model_routing.prices, (f"{vendor}/{model}", provider, model))


def spent_usd(config: "RuntimeConfig", record: ExchangeRecord) -> float:
    """What the model has cost that answered, without what was asked beside it; 0 when its price is
    not known.
    """
    tokens = Tokens(
        record.input_tokens - record.side_input_tokens,
        record.output_tokens - record.side_output_tokens,
        record.input_cached_tokens - record.side_cached_tokens,
    )
    if not (tokens.input or tokens.output):
        return 0.0
    return cost(tokens, price_in(config, record.provider, record.upstream_model)) / NANO


def cost(tokens: Tokens, price: Price | None) -> int:
    """In billionths of a dollar, rounded up."""
    if price is None:
        return 0
    cached_price = price.input if price.cached is None else price.cached
    dollars = (
        (tokens.input - tokens.cached) * price.input
        + tokens.cached * cached_price
        + tokens.output * price.output
    )
    return -int(-dollars * NANO_PER_MILLION // 1)


def size(measure: Measure, tokens: Tokens, price: Price | None) -> int:
    """How much of a measure so many tokens are."""
    if measure is _TOKENS:
        return tokens.input + tokens.output
    if measure is _INPUT_TOKENS:
        return tokens.input
    if measure is _OUTPUT_TOKENS:
        return tokens.output
    if measure is _COST:
        return cost(tokens, price)
    return 1  # (a request)


def surely(events: int) -> int:
    """Tokens that a stream of so many events has at least."""
    return max(events - QUIET_EVENTS, 0)


def about(events: int, received: int) -> int:
    """Tokens of a stream that broke off: an event each, more where events are long."""
    return max(events, (received - FRAME_BYTES * events) // BYTES_PER_TOKEN, 0)
