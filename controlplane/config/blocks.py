"""Where each block of the schema stands, and the keys of Plano that are refused there."""

from collections.abc import Mapping

from controlplane.config import schema, schema_models, schema_state
from controlplane.config.fields import Block
from controlplane.config.problem import Path

# Where a block of the schema stands; "*" is any index or name.
BLOCKS: Mapping[Path, type[Block]] = {
    (): schema.Config,
    ("listeners", "*"): schema.Listener,
    ("listeners", "*", "agents", "*"): schema.ListenerAgent,
    ("listeners", "*", "limits"): schema.Limits,
    ("agents", "*"): schema.Agent,
    ("filters", "*"): schema.Filter,
    ("model_providers", "*"): schema_models.ModelProvider,
    ("model_providers", "*", "aws"): schema_models.Aws,
    ("model_aliases", "*"): schema_models.ModelAlias,
    ("tracing",): schema.Tracing,
    ("tracing", "span_attributes"): schema.SpanAttributes,
    ("state_storage",): schema_state.StateStorage,
}

# Keys of Plano that we refuse with a reason, by block; the value is the hint.
REFUSED: Mapping[Path, Mapping[str, str]] = {
    (): {
        "endpoints": "give each agent its 'url' or 'endpoints'",
        "overrides": "",
        "prompt_caching": "",
        "system_prompt": "",
        "prompt_targets": "make it an agent",
        "ratelimits": "",
        "mode": "remove it: it has no effect in Plano either",
        "routing": "",
        "prompt_guards": "remove it: it has no effect in Plano either",
        "routing_preferences": "",
        "model_metrics_sources": "",
    },
    ("listeners", "*"): {
        "output_filters": "",
        "filter_chain": "rename it to 'input_filters'",
        "router": "remove it: agents are chosen by the embedded router",
        "max_retries": "",
        "model_providers": "move it to the top level of the file",
        "llm_providers": "move it to the top level of the file, as 'model_providers'",
    },
    ("listeners", "*", "agents", "*"): {
        "filter_chain": "rename it to 'input_filters'",
        "output_filters": "",
        "url": "the address goes into the top-level 'agents'",
    },
    ("filters", "*"): {"transport": "remove it: filters are HTTP", "tool": "only MCP has tools"},
    ("model_providers", "*"): {
        "routing_preferences": "",
        "usage": "",
        "rate_limits": "",
    },
    ("tracing",): {"exporters": "", "trace_arch_internal": "remove it: it has no effect"},
}
RENAMED = ("llm_providers", "filter_chain", "model_providers", "url")
