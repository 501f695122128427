"""What an operator writes about choosing models: preferences, sessions, budget, prices.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import (
    MAX_ITEMS,
    Block,
    Duration,
    ModelName,
    SecretText,
    Text,
    Texts,
    Url,
)

PREFERENCE_NAME = r"^[!-~]([ -~]{0,126}[!-~])?$"

PreferenceName = Annotated[str, StringConstraints(pattern=PREFERENCE_NAME)]
HeaderName = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Seconds = Annotated[int, Field(ge=1, le=366 * 86_400)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class InlinePreference(Block):
    """The older form: a kind of request that this provider's model is for."""

    name: PreferenceName
    """What it is called; providers that give the same name share the preference."""
    description: Text
    """What requests of this kind are, in plain sentences."""


class SelectionPolicy(Block):
    """How the models of a preference are ranked."""

    prefer: Literal["cheapest", "fastest", "none", ""] | None = None
    """`cheapest`, `fastest` (see `model_metrics_sources`), or `none`: as they are listed."""


class RoutingPreference(Block):
    """A kind of request, and the models for it."""

    name: PreferenceName
    """What logs and the header `x-outrider-route` call it. Unique."""
    description: Text
    """What requests of this kind are, in plain sentences. The router chooses by it."""
    models: Annotated[tuple[ModelName, ...], Strict(False), Field(min_length=1, max_length=100)]
    """Models, or aliases, in the order they are tried."""
    selection_policy: SelectionPolicy | None = None
    """In which order the models are tried instead."""
    examples: Texts = ()
    """Requests of this kind; they sharpen the embedded router."""


class SessionCache(Block):
    """Where it is remembered which model, agents and versions a conversation has."""

    type: Literal["memory", "redis", "postgres"] = "memory"
    """`memory`: in each data plane, shared by its workers. `redis`, `postgres`: shared by all data
    planes."""
    url: SecretText | None = None
    """`redis`, `postgres`: where it is, such as `redis://:$PASSWORD@HOST:6379/0`."""
    tenant_header: HeaderName | None = None
    """A request header whose value separates the sessions of one tenant from all others."""


class RoutingBudget(Block):
    """What leaving a model may cost whose provider has the conversation in its cache."""

    max_switch_spend_pct: Annotated[float, Field(ge=0.0, le=100.0)]
    """In percent of what the session would have cost without any switch, 0 to 100."""
    replenish_on_rebind: bool = True
    """Count from zero again when the cache has gone cold."""
    cache_read_discount: Share = 0.1
    """The price of cached tokens as a share of others, for models whose price is not known."""
    record_counterfactual: bool = False
    """Put what a switch costs, and what staying costs, on spans and in the log."""


class Routing(Block):
    """How models are chosen and how long a conversation keeps its model."""

    session_ttl_seconds: Seconds | None = None
    """How long a session is remembered after its last turn, in seconds. Default is 600."""
    session_max_entries: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """`memory`: the newest so many sessions are kept in each data plane."""
    session_cache: SessionCache = SessionCache()
    """Where sessions are remembered."""
    routing_budget: RoutingBudget | None = None
    """Limits what switching models within a session costs; needs a source of prices."""
    route_on_user_only: bool = False
    """Choose anew only when a person says something; tool results stay with the session's model."""
    min_confidence: Share = 0.5
    """How sure the embedded router must be of a preference, 0 to 1; else none fits."""
    timeout: Duration = "15s"
    """How long a model that chooses preferences may take; then the model asked for answers."""


class PromptCaching(Block):
    """Help for the prompt caches of providers."""

    enabled: bool = False
    """Without it nothing else here has an effect."""
    session_affinity: bool = True
    """Conversations keep their model, also those without the header `x-model-affinity`."""
    inject_cache_control: bool = True
    """Mark what Anthropic's models shall cache, in requests that mark nothing themselves."""
    min_prefix_tokens: Annotated[int, Field(ge=1, le=10_000_000)] = 1024
    """Shortest instructions and tools that are marked, in tokens; less than 1024 counts as that."""
    session_ttl_seconds: Seconds | None = None
    """The same as `routing.session_ttl_seconds`; give only one of them."""


class MetricsSource(Block):
    """Where prices or latencies of models come from; the control plane fetches them."""

    type: Literal["cost", "latency"]
    """`cost`: for `cheapest` and the budget. `latency`: for `fastest`. At most one of each."""
    provider: Literal["digitalocean", "models.dev", "file", "prometheus", "outrider"]
    """cost: `digitalocean`, `models.dev`, `file`. latency: `prometheus`; `outrider` measures."""
    url: Url | None = None
    """Where to fetch from, in place of the provider's own address; `prometheus` needs it."""
    path: Text | None = None
    """`file`: YAML or JSON, `MODEL: {input: 2.5, output: 10, cached: 1.25}` in $ per million; seen
    from the folder that the control plane was started in."""
    query: Text | None = None
    """`prometheus`: the query; its label `model_name` is the model's name, its value the metric."""
    refresh_interval: Seconds | None = None
    """Fetch again after so many seconds; without it only when the control plane starts."""
    model_aliases: dict[Text, ModelName] = Field(default_factory=dict, max_length=MAX_ITEMS)
    """Names of the source for models that are called otherwise here."""


class Overrides(Block):
    """Settings that Plano keeps in a place of their own."""

    agent_orchestration_model: ModelName | None = None
    """A model of `model_providers` that chooses among the agents of listeners without an
    `orchestrator`; without it `llm_routing_model` does."""
    llm_routing_model: ModelName | None = None
    """A model of `model_providers` that chooses preferences, in place of the embedded router;
    without it `agent_orchestration_model` does."""
    orchestrator_model_context_length: Annotated[int, Field(ge=256, le=10_000_000)] = 8192
    """How much these models are shown, in tokens."""
    prompt_target_intent_matching_threshold: Share | None = None
    """`min_confidence` of prompt listeners that say none themselves."""
    optimize_context_window: bool = False
    """What targets have answered before is not shown to the model that calls them."""
    upstream_connect_timeout: Duration | None = None
    """Plano's word for `defaults.connect_timeout`."""
