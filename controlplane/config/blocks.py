"""Where each block of the schema stands, and the keys of Plano that are refused there."""

from collections.abc import Mapping

from controlplane.config import (
    schema,
    schema_auth,
    schema_cards,
    schema_clusters,
    schema_defaults,
    schema_filters,
    schema_guards,
    schema_limits,
    schema_mcp,
    schema_models,
    schema_orchestrator,
    schema_plan,
    schema_prompts,
    schema_retry,
    schema_routing,
    schema_state,
    schema_versions,
)
from controlplane.config.fields import Block
from controlplane.config.filters.kinds import CONFIG_BLOCKS
from controlplane.config.problem import Path


def _retry(*at: str) -> dict[Path, type[Block]]:
    """A `retry` block and those in it."""
    return {
        (*at, "retry"): schema_retry.Retry,
        (*at, "retry", "min_throughput"): schema_retry.MinThroughput,
        (*at, "retry", "back_off"): schema_retry.BackOff,
        (*at, "retry", "retry_budget"): schema_retry.RetryBudget,
        (*at, "retry", "hedge"): schema_retry.Hedge,
    }


def _cluster(*at: str) -> dict[Path, type[Block]]:
    """The blocks of a cluster."""
    return {
        (*at, "load_balancing"): schema_clusters.LoadBalancing,
        (*at, "load_balancing", "slow_start"): schema_clusters.SlowStart,
        (*at, "health_check"): schema_clusters.HealthCheck,
        (*at, "outlier_detection"): schema_clusters.OutlierDetection,
        (*at, "circuit_breakers"): schema_clusters.CircuitBreakers,
        (*at, "circuit_breakers", "high"): schema_clusters.Thresholds,
    }


def _service(*at: str) -> dict[Path, type[Block]]:
    """A cluster that has addresses."""
    return {**_cluster(*at), (*at, "endpoints", "*"): schema_clusters.Endpoint}


# Where a block of the schema stands; "*" is any index or name.
BLOCKS: Mapping[Path, type[Block]] = {
    (): schema.Config,
    ("listeners", "*"): schema.Listener,
    ("listeners", "*", "agents", "*"): schema.ListenerAgent,
    ("listeners", "*", "plan"): schema_plan.Plan,
    ("listeners", "*", "plan", "steps", "*"): schema_plan.Step,
    ("listeners", "*", "plan", "budget"): schema_plan.RunBudget,
    ("listeners", "*", "limits"): schema.Limits,
    ("listeners", "*", "orchestrator"): schema_orchestrator.Orchestrator,
    ("listeners", "*", "auth"): schema_auth.Auth,
    ("listeners", "*", "auth", "jwt"): schema_auth.Jwt,
    ("listeners", "*", "auth", "client_certificate"): schema_auth.ClientCertificate,
    ("listeners", "*", "tls"): schema_auth.Tls,
    ("listeners", "*", "auth", "jwt", "claims"): schema_auth.Claims,
    ("api_keys", "*"): schema_auth.ApiKey,
    ("api_keys", "*", "limits"): schema_auth.KeyLimits,
    ("api_keys", "*", "limits", "requests"): schema_limits.LimitCount,
    ("api_keys", "*", "limits", "tokens"): schema_limits.LimitCount,
    ("api_keys", "*", "limits", "input_tokens"): schema_limits.LimitCount,
    ("api_keys", "*", "limits", "output_tokens"): schema_limits.LimitCount,
    ("api_keys", "*", "limits", "cost"): schema_limits.LimitCost,
    ("agents", "*"): schema.Agent,
    ("listeners", "*", "card_signing"): schema_cards.CardSigning,
    ("agents", "*", "card_keys"): schema_cards.CardKeys,
    ("filters", "*"): schema_filters.Filter,
    ("agents", "*", "versions", "*"): schema_versions.AgentVersion,
    ("agents", "*", "shadow"): schema_versions.Shadow,
    ("endpoints", "*"): schema_prompts.EndpointCluster,
    ("prompt_targets", "*"): schema_prompts.PromptTarget,
    ("prompt_targets", "*", "parameters", "*"): schema_prompts.PromptParameter,
    ("prompt_targets", "*", "endpoint"): schema_prompts.PromptEndpoint,
    ("mcp_servers", "*"): schema_mcp.McpServer,
    ("mcp_servers", "*", "tools"): schema_mcp.ToolRules,
    ("model_providers", "*"): schema_models.ModelProvider,
    ("model_providers", "*", "aws"): schema_models.Aws,
    ("model_aliases", "*"): schema_models.ModelAlias,
    ("model_providers", "*", "routing_preferences", "*"): schema_routing.InlinePreference,
    ("routing_preferences", "*"): schema_routing.RoutingPreference,
    ("routing_preferences", "*", "selection_policy"): schema_routing.SelectionPolicy,
    ("routing",): schema_routing.Routing,
    ("routing", "session_cache"): schema_routing.SessionCache,
    ("routing", "routing_budget"): schema_routing.RoutingBudget,
    ("prompt_caching",): schema_routing.PromptCaching,
    ("model_metrics_sources", "*"): schema_routing.MetricsSource,
    ("overrides",): schema_routing.Overrides,
    ("tracing",): schema.Tracing,
    ("tracing", "span_attributes"): schema.SpanAttributes,
    ("state_storage",): schema_state.StateStorage,
    ("limits", "*"): schema_limits.Limit,
    ("limits", "*", "scope"): schema_limits.LimitScope,
    ("limits", "*", "requests"): schema_limits.LimitCount,
    ("limits", "*", "tokens"): schema_limits.LimitCount,
    ("limits", "*", "input_tokens"): schema_limits.LimitCount,
    ("limits", "*", "output_tokens"): schema_limits.LimitCount,
    ("limits", "*", "cost"): schema_limits.LimitCost,
    ("limits_storage",): schema_limits.LimitsStorage,
    ("ratelimits", "*"): schema_limits.RateLimit,
    ("ratelimits", "*", "selector"): schema_limits.RateLimitSelector,
    ("ratelimits", "*", "limit"): schema_limits.RateLimitTokens,
    ("prompt_guards",): schema_guards.PromptGuards,
    ("prompt_guards", "input_guards"): schema_guards.InputGuards,
    ("prompt_guards", "input_guards", "jailbreak"): schema_guards.Jailbreak,
    ("prompt_guards", "input_guards", "jailbreak", "on_exception"): schema_guards.OnException,
    ("defaults",): schema_defaults.Defaults,
    **_retry("defaults"),
    **_retry("listeners", "*"),
    **_retry("agents", "*"),
    **_retry("model_providers", "*"),
    **_retry("model_aliases", "*"),
    **_cluster("defaults"),
    **_service("agents", "*"),
    **_service("filters", "*"),
    **_cluster("endpoints", "*"),
    **_service("mcp_servers", "*"),
    **_service("model_providers", "*"),
    **CONFIG_BLOCKS,
}

# Keys of Plano that we refuse with a reason, by block; the value is the hint.
REFUSED: Mapping[Path, Mapping[str, str]] = {
    (): {
        "mode": "remove it: it has no effect in Plano either",
    },
    ("listeners", "*"): {
        "filter_chain": "rename it to 'input_filters'",
        "model_providers": "move it to the top level of the file",
        "llm_providers": "move it to the top level of the file, as 'model_providers'",
        "message_format": "remove it: the path of a request says what it speaks",
    },
    ("listeners", "*", "agents", "*"): {
        "filter_chain": "rename it to 'input_filters'",
        "url": "the address goes into the top-level 'agents'",
    },
    ("routing",): {
        "llm_provider": "remove it: it has no effect in Plano either",
        "model": "remove it: it has no effect in Plano either",
    },
    ("overrides",): {
        "use_agent_orchestrator": "remove it: it has no effect in Plano either",
        "disable_signals": "",
        "upstream_tls_ca_path": "",
    },
    ("model_providers", "*"): {
        "usage": "",
        "rate_limits": "",
    },
    ("tracing",): {"exporters": ""},
}
RENAMED = ("llm_providers", "filter_chain", "model_providers", "url", "message_format")
