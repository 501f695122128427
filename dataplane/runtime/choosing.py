"""What a data plane knows for choosing a model: preferences, sessions, budget, prices, latencies.

Values only; part of RuntimeConfig. `dataplane.xds.choosing` is the only maker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from dataplane.runtime.orchestrator import RoutingModel
from dataplane.runtime.secret import Secret


class Prefer(Enum):
    """How the models of a preference are ranked. The values are the words of the config."""

    NONE = "none"
    """As they are listed."""
    CHEAPEST = "cheapest"
    FASTEST = "fastest"


@dataclass(frozen=True, slots=True)
class Preference:
    """A kind of request, and the models for it."""

    name: str
    description: str
    models: tuple[str, ...]
    """Words that clients could ask for, in the operator's order."""
    prefer: Prefer = Prefer.NONE
    position: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cached: float | None = None
    """Of input tokens that the provider has in its cache; None: the budget's discount tells."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long and where it is remembered what a conversation has: model, agents, versions."""

    ttl_s: float = 600.0
    """From the last turn."""
    max_entries: int = 10_000
    """In memory, of each worker; the least recently used ones go."""
    redis: Secret | None = None
    """A URL; None, and no other store: in memory."""
    tenant_header: str = ""
    """Lower case; its value separates sessions of equal ids."""
    postgres: Secret | None = None
    """A URL."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What leaving a warm cache may cost."""

    max_switch_spend_pct: float
    """Of what the session would have cost without any switch, 0 to 100."""
    replenish_on_rebind: bool = True
    cache_read_discount: float = 0.1
    """Cached price as a share of the input price, for models whose cached price is not known."""
    record_counterfactual: bool = False


@dataclass(frozen=True, slots=True)
class PromptCaching:
    """Help for providers' prompt caches."""

    session_affinity: bool = True
    """Conversations without an id of their own keep their model too."""
    inject_cache_control: bool = True
    min_prefix_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class ModelRouting:
    """Everything that chooses among models. The default chooses nothing: what was asked for."""

    preferences: tuple[Preference, ...] = ()
    """In the operator's order."""
    min_confidence: float = 0.5
    """How sure the embedded router must be that a preference fits."""
    routing_model: RoutingModel | None = None
    """Who is asked in place of the embedded router."""
    sessions: SessionRules = field(default_factory=SessionRules)
    budget: Budget | None = None
    route_on_user_only: bool = False
    caching: PromptCaching | None = None
    own_latency: bool = False
    """`fastest` goes by what this worker has measured itself."""
    prices: Mapping[str, Price] = field(default_factory=dict)
    """By any name that the model has."""
    latencies: Mapping[str, float] = field(default_factory=dict)
    """By any name that the model has; the unit is the source's, less is better."""
    configured: bool = False
    """Whether the operator has said anything here: else requests go the shortest way."""

    @property
    def active(self) -> bool:
        """Whether requests must be looked at, even those that bring nothing of their own."""
        return self.configured or bool(self.preferences)
