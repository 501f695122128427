"""What an operator writes about limits: how much of what, for whom, and where it is kept.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from controlplane.config import values
from controlplane.config.fields import Block, ModelName, SecretText
from controlplane.config.schema_routing import HeaderName

LIMIT_NAME = r"^[A-Za-z0-9_]([A-Za-z0-9_. -]{0,62}[A-Za-z0-9_.-])?$"
PATTERN = r"^[!-~]([ -~]{0,254}[!-~])?$"
PER = r"^(key|tenant|model|listener|route|header:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128})$"


def _window(text: str) -> str:
    """A window in range, kept as it is written."""
    try:
        values.window_ms(text)
    except values.BadValueError as e:
        raise PydanticCustomError("outrider", "{said}", {"said": e.message, "hint": e.hint}) from e
    return text


Window = Annotated[
    str,
    AfterValidator(_window),
    Field(json_schema_extra={"pattern": values.WINDOW, "examples": ["1m", "1h", "1d"]}),
]
Count = Annotated[int, Field(ge=1, le=10**15)]
Dollars = Annotated[float, Field(gt=0.0, le=1e6)]
Pattern = Annotated[str, StringConstraints(pattern=PATTERN)]
Patterns = Annotated[tuple[Pattern, ...], Strict(False), Field(min_length=1, max_length=1000)]


class LimitScope(Block):
    """Which requests; what is not written fits all. `begin*` and `*` are wildcards."""

    listeners: Patterns | None = None
    """Names of listeners."""
    models: Patterns | None = None
    """Models, by what clients ask for or by any name of the first model that may answer."""
    routes: Patterns | None = None
    """Names of routes: `LISTENER/NAME`, the name that was asked for."""
    keys: Patterns | None = None
    """Names of callers, as the listener's authentication calls them; `*`: all that have one."""
    tenants: Patterns | None = None
    """Whose requests; `*`: all that have a tenant."""
    headers: Annotated[dict[HeaderName, Pattern], Field(max_length=20)] = Field(
        default_factory=dict
    )
    """Headers of the request, with what they must say."""


class LimitCount(Block):
    """A token bucket: it holds `burst`, and `limit` of them come back in each `window`."""

    limit: Count
    """How many in a window."""
    window: Window = "1m"
    """In how long: `1s`, `1m`, `1h`, `1d`; 366 days at most."""
    burst: Count | None = None
    """How many at once; else as many as `limit`."""


class LimitCost(Block):
    """As of `requests`, in US dollars, by the prices of `model_metrics_sources`."""

    limit: Dollars
    """US dollars in a window."""
    window: Window = "1d"
    """In how long: `1h`, `1d`, `30d`; 366 days at most."""
    burst: Dollars | None = None
    """US dollars at once; else as many as `limit`."""


class Limit(Block):
    """How much some requests may use up, together or by what separates them."""

    name: Annotated[str, StringConstraints(pattern=LIMIT_NAME)]
    """What logs, metrics and answers call it. Unique."""
    scope: LimitScope = LimitScope()
    """Which requests; without it all of them."""
    per: Annotated[
        tuple[Annotated[str, StringConstraints(pattern=PER)], ...],
        Strict(False),
        Field(max_length=6),
    ] = ()
    """A bucket for each `key`, `tenant`, `model`, `listener`, `route`, `header:NAME`; else one."""
    requests: LimitCount | None = None
    """How many requests."""
    tokens: LimitCount | None = None
    """How many tokens, input and output together."""
    input_tokens: LimitCount | None = None
    """How many tokens of prompts."""
    output_tokens: LimitCount | None = None
    """How many tokens of answers."""
    cost: LimitCost | None = None
    """How much money."""
    concurrent: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """How many requests at the same time."""
    mode: Literal["enforce", "shadow"] = "enforce"
    """`enforce`: what is too much is answered 429. `shadow`: it is counted and let through."""
    tenant_header: HeaderName | None = None
    """A request header that says the tenant of callers that no credential tells it of."""
    default_output_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 1024
    """Reserved for an answer when the client says no `max_tokens`; the rest is refunded."""
    on_unknown_price: Literal["refuse", "free"] = "refuse"
    """`cost`: a model without a price is answered 429 (`refuse`), or costs nothing (`free`)."""


class LimitsStorage(Block):
    """Where limits are kept."""

    type: Literal["memory", "redis"] = "memory"
    """`memory`: in the control plane, which leases them to data planes. `redis`: there."""
    url: SecretText | None = None
    """`redis`: where it is, such as `redis://:$PASSWORD@HOST:6379/0`."""
    on_failure: Literal["share", "open", "closed"] = "share"
    """Redis is gone: an equal `share` for each worker, `open`: no limits, `closed`: 429."""


class RateLimitSelector(Block):
    """Whose requests, by a header."""

    key: HeaderName
    """The name of a header."""
    value: Pattern | None = None
    """What it says; without it each value has a bucket of its own."""


class RateLimitTokens(Block):
    """How many tokens of prompts."""

    tokens: Count
    """So many in each `unit`."""
    unit: Literal["second", "minute", "hour", "day"]
    """In how long."""


class RateLimit(Block):
    """Plano's word for a limit of `input_tokens` of one model."""

    model: ModelName
    """The model, by any of its names."""
    selector: RateLimitSelector
    """Whose requests."""
    limit: RateLimitTokens
    """How many tokens."""
