"""What an operator allows: limits, as requests are held to them. Values only.

`dataplane.xds.limits` is the only maker. How a limit is kept is told in resilience/quota_book.py.
"""

from dataclasses import dataclass, field
from enum import Enum

from dataplane.runtime.secret import Secret

NANO = 1_000_000_000
"""Cost is counted in billionths of a US dollar: a token of $0.15 a million is 150 of them."""


class Measure(Enum):
    """What is counted. The values are the words of the config."""

    __hash__ = object.__hash__

    REQUESTS = "requests"
    TOKENS = "tokens"
    """Input and output together."""
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    COST = "cost"
    """In units of 1/NANO US dollars."""
    CONCURRENT = "concurrent"
    """Requests at the same time; what is taken comes back."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of something: a token bucket, or so many at once."""

    measure: Measure
    limit: int
    """In `window_s`; of CONCURRENT at any time."""
    window_s: float = 60.0
    burst: int = 0
    """What the bucket holds; 0: `limit`."""

    @property
    def capacity(self) -> int:
        """The most that can be taken at once."""
        return self.burst or self.limit

    @property
    def rate(self) -> float:
        """What comes back in a second by itself."""
        return 0.0 if self.measure is Measure.CONCURRENT else self.limit / self.window_s


class Part(Enum):
    """What of a request separates buckets. The values are the words of the config."""

    __hash__ = object.__hash__

    KEY = "key"
    TENANT = "tenant"
    MODEL = "model"
    LISTENER = "listener"
    ROUTE = "route"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Per:
    """One part; the header's name in lower case, of HEADER only."""

    part: Part
    header: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which requests a limit is for: those that fit each list that is not empty.

    Patterns are a whole word, `begin*`, or `*`: anything that is there at all.
    """

    listeners: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """By the name that was asked for, or any name of the first model that may answer."""
    routes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    """By Principal.id."""
    tenants: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case, patterns; all must fit."""


class UnknownPrice(Enum):
    """What a cost limit does with a model whose price nobody knows. The words of the config."""

    REFUSE = "refuse"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Limit:
    """What some requests may use up, together or by what separates them."""

    name: str
    amounts: tuple[Amount, ...]
    scope: Scope = field(default_factory=Scope)
    per: tuple[Per, ...] = ()
    """One bucket for each combination of values; none: one for all."""
    shadow: bool = False
    """Counted and told, never refused."""
    tenant_header: str = ""
    """Lower case: says the tenant of callers that no credential tells it of."""
    default_output_tokens: int = 1024
    """Reserved for an answer whose length the client does not limit."""
    unknown_price: UnknownPrice = UnknownPrice.REFUSE
    run_of: str = ""
    """The agent listener whose runs it is the budget of, each with a bucket of its own. Of such
    buckets one is taken to begin, and what was used when that is known: nothing is begun beyond
    the budget, and what was begun may end beyond it.
    """
    forget_s: float = 0.0
    """Buckets are forgotten when nobody has used them for so long; 0: when they are full."""


class StoreFailure(Enum):
    """What holds while the shared store does not answer. The values are the words of the config."""

    SHARE = "share"
    """Each worker goes on with an equal share of every limit."""
    OPEN = "open"
    """Nothing is limited."""
    CLOSED = "closed"
    """What is limited is refused."""


@dataclass(frozen=True, slots=True)
class LimitsStorage:
    """Where limits are kept; without Redis they are leased by the control plane."""

    redis: Secret | None = None
    """A URL."""
    on_failure: StoreFailure = StoreFailure.SHARE
