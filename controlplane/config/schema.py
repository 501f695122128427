"""What an operator writes: the keys, their types and what they are for.

The rule: a key that is not here is refused, never ignored. Names are Plano's where Plano has
the key. The docstring under each key is its description in the JSON schema that editors show
(`outrider.schema.json`, made by `outrider schema`).
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import (
    LISTENER_NAME,
    MAX_ITEMS,
    Block,
    Duration,
    Id,
    ModelName,
    Names,
    SecretText,
    Text,
    Texts,
    Url,
)
from controlplane.config.schema_auth import ApiKey, Auth, Tls
from controlplane.config.schema_cards import CardKeys, CardSigning
from controlplane.config.schema_clusters import ClusterKeys, Endpoints, RequestPriority
from controlplane.config.schema_defaults import Defaults
from controlplane.config.schema_filters import Filter
from controlplane.config.schema_guards import PromptGuards
from controlplane.config.schema_limits import Limit, LimitsStorage, RateLimit
from controlplane.config.schema_mcp import McpServer, Origins, ToolArguments, ToolName
from controlplane.config.schema_models import ModelAlias, ModelProviders, OnUntranslatable
from controlplane.config.schema_orchestrator import Orchestrator
from controlplane.config.schema_plan import OnFailure, Plan
from controlplane.config.schema_prompts import EndpointCluster, EndpointName, PromptTargets
from controlplane.config.schema_retry import Retry
from controlplane.config.schema_routing import (
    MetricsSource,
    Overrides,
    PromptCaching,
    Routing,
    RoutingPreference,
)
from controlplane.config.schema_state import StateStorage
from controlplane.config.schema_versions import AgentVersion, Shadow


class Limits(Block):
    """What one request or connection may use up; more is answered with an OpenAI error body."""

    max_header_bytes: Annotated[int, Field(ge=1024, le=1 << 20)] = 16_384
    """Largest request head in bytes, 1,024 to 1,048,576. Larger ones are answered 431."""
    max_body_bytes: Annotated[int, Field(ge=1024, le=1 << 30)] = 8 << 20
    """Largest request body in bytes, 1,024 to 1,073,741,824. Larger ones are answered 413."""
    max_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Requests at the same time in each worker; more wait for their turn."""
    max_queue: Annotated[int, Field(ge=0, le=1_000_000)] = 1000
    """Requests that wait for their turn in each worker; the oldest of more is answered 503."""
    queue_timeout: Duration = "500ms"
    """How long a request waits for its turn; then it is answered 503."""
    max_buffered_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 40)] = 256 << 20
    """Bytes of request bodies over 16 KiB that each worker holds at once; more are answered 503."""
    precedence: Literal["high", "default", "low"] = "default"
    """Whose requests begin first when a worker has more to do than it can."""
    receive_timeout: Duration = "30s"
    """From the first byte of a request to the last of its body; slower ones are answered 408."""
    idle_timeout: Duration = "75s"
    """How long a connection may wait for its next request."""


class ListenerAgent(Block):
    """An agent of a listener, and what it is for there."""

    id: Id
    """The `id` of an entry of `agents`."""
    description: Text | None = None
    """What the agent can do, in plain sentences. The router chooses by it. Required, but for agents
    of `protocol: a2a` and `mcp`: it is what they say themselves."""
    default: bool = False
    """Answers when no agent fits. At most one in a listener; without one it is the first."""
    input_filters: Names = ()
    """Ids of `filters` that see the conversation before this agent does, in order."""
    output_filters: Names = ()
    """Ids of `filters` that see what this agent answers before anybody else does, in order."""
    examples: Texts = ()
    """Requests that this agent is meant for; they sharpen the embedded router."""
    choosable: bool = True
    """`false`: it is never chosen; it acts where `plan` or another agent's `on_failure` names it,
    or as the default agent."""
    on_failure: OnFailure = ()
    """What happens when it does not answer, one word or several to be tried in turn:
    `other_version`, another of its `versions` is asked, the heaviest first; `default`, the default
    agent answers; the id of another agent of this listener; `skip`, the others answer
    without it. Without any, and with `fail`, the request fails."""


class Listener(Block):
    """An address and port that accepts requests of one kind."""

    type: Literal["agent", "model", "prompt", "mcp"]
    """`agent`: requests go to agents. `model`: requests go to model providers. `prompt`: the same,
    after the `prompt_targets` that fit were asked. `mcp`: requests at `/mcp` go to MCP servers."""
    name: Annotated[str, StringConstraints(pattern=LISTENER_NAME)]
    """What logs, metrics and traces call it. Unique."""
    address: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "0.0.0.0"
    """The IP address to listen on; `0.0.0.0` is every IPv4 address of the machine."""
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """The port to listen on; 0 lets the system choose. A model listener's default is 12000, a
    prompt listener's 10000."""
    timeout: Duration = "300s"
    """Time for a whole request, from its head to the last byte of the answer."""
    agents: Annotated[tuple[ListenerAgent, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """Agent listeners: who may answer. With one agent no routing happens."""
    public_url: Url | None = None
    """Agent listeners: where others reach this listener, such as `https://agents.example.com`; its
    agent card says so. Without it the card says what the client called it by."""
    card_signing: CardSigning | None = None
    """Agent listeners: sign the agent card. Needs `public_url`."""
    mcp_servers: Names = ()
    """MCP listeners: ids of `mcp_servers` that are offered as one."""
    allowed_origins: Origins = ()
    """At `/mcp`: origins of web pages that may call, such as `https://app.example.com`; `*`:
    all. Pages of this machine (`http://localhost`) always may, others are answered 403."""
    input_filters: Names = ()
    """Ids of `filters` that see every request of this listener first, in order."""
    output_filters: Names = ()
    """Ids of `filters` that see every answer of this listener last, in order."""
    plan: Plan = Plan()
    """Agent listeners: how several agents answer one request."""
    min_confidence: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    """Agent listeners: how sure the router must be, 0 to 1, else the default agent answers. Prompt
    listeners: the same of the embedded router, else no target fits."""
    choose_by: Literal["model", "embedded"] = "model"
    """Prompt listeners: who chooses the target. `model`: the one that reads its parameters.
    `embedded`: the embedded router, and a model is only asked for parameters."""
    function_calling_model: ModelName | None = None
    """Prompt listeners: the model of `model_providers` that calls targets as its tools; without it
    the one called `Arch-Function`, the default one, or the first."""
    tool_messages: bool = True
    """Prompt listeners: streams begin with the call of a target and what it said, as Plano's do;
    `false`: only the answer's `metadata` have them."""
    orchestrator: Orchestrator | None = None
    """Agent listeners: who chooses among the agents; without it the embedded router, or the model
    of `overrides`."""
    router: Literal["plano_orchestrator_v1"] | None = None
    """Plano's word, which has no effect there either: see `orchestrator`."""
    limits: Limits = Limits()
    """What one request or connection may use up."""
    tls: Tls | None = None
    """Speak TLS; without it clients speak in clear."""
    auth: Auth | None = None
    """How callers show who they are; without it everybody who reaches the port may call."""
    retry: Retry | None = None
    """How hard requests of this listener are tried."""
    max_retries: Annotated[int, Field(ge=0, le=10)] | None = None
    """Plano's word for `retry.num_retries`."""
    priority: RequestPriority = "default"
    """Which of the `circuit_breakers` its requests count against."""


AgentProtocol = Literal["chat", "responses", "messages", "a2a", "mcp"]


class Agent(ClusterKeys):
    """An HTTP service that does a task."""

    id: Id
    """What listeners call it. Unique among agents and filters."""
    url: Url | None = None
    """Where it is; `/v1/chat/completions` (or its protocol's path) is added to it. Give this or
    `endpoints`."""
    endpoints: Endpoints | None = None
    """In place of `url`: several equal addresses, URLs that differ in host and port only, or
    mappings of `url`, `weight`, `priority` and `zone`."""
    protocol: AgentProtocol = "chat"
    """What it speaks: OpenAI `chat` completions or `responses`, Anthropic `messages`, `a2a`
    (Agent2Agent 1.0 or 0.3, as its card says), or `mcp`: it is a tool of an MCP server."""
    tool: ToolName | None = None
    """With `protocol: mcp`: the tool that it is. Default: the only one that its server has."""
    arguments: ToolArguments = Field(default_factory=dict)
    """With `protocol: mcp`: what the tool is called with. In its texts `{message}` is the last
    message of the user, `{conversation}` all that was said, `"{messages}"` the same as a list.
    Default: the tool's one argument that takes a text gets the conversation."""
    card_keys: CardKeys | None = None
    """With `protocol: a2a`: who must have signed its card; without it cards need no signature."""
    headers: dict[str, SecretText] = Field(default_factory=dict, max_length=100)
    """Headers added to every request to it, that for its card or tools, too; values may hold `$VAR`
    or be `file:/path`. What clients send as their credential never gets there."""
    retry: Retry | None = None
    """How hard requests to this agent are tried."""
    versions: Annotated[tuple[AgentVersion, ...], Strict(False), Field(max_length=32)] = ()
    """In place of `url`: several versions of it; a conversation keeps the one it begins with."""
    shadow: Shadow | None = None
    """With `versions`: requests are sent to one of them, too, and its answers recorded."""


class SpanAttributes(Block):
    """What is put on every span."""

    header_prefixes: Texts = ()
    """Request headers whose names begin so become attributes."""
    static: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Attributes with fixed values."""


class Tracing(Block):
    """Where spans go and how many are made."""

    random_sampling: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    """Percent of requests to trace, 0 to 100, among those that bring no sampled traceparent."""
    opentracing_grpc_endpoint: Url = "http://localhost:4317"
    """The OTLP gRPC address of a collector, without a path."""
    trace_arch_internal: Literal[True] = True
    """Plano's word: steps of our own have their spans in any case."""
    span_attributes: SpanAttributes = SpanAttributes()
    """Attributes of every span: fixed ones, and request headers."""


class Config(Block):
    """An Outrider config."""

    version: Literal["v0.1", "v0.1.0", "0.1-beta", "0.2.0", "v0.3.0", "v0.4.0"]
    """The version of this format; write `v0.4.0`."""
    listeners: Annotated[tuple[Listener, ...], Strict(False), Field(max_length=MAX_ITEMS)]
    """Addresses and ports that accept requests."""
    api_keys: Annotated[tuple[ApiKey, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """Keys of ours that callers show, where a listener asks for them."""
    agents: Annotated[tuple[Agent, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """HTTP services that do a task."""
    filters: Annotated[tuple[Filter, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """What sees requests first or answers last, and may change or refuse them."""
    endpoints: dict[EndpointName, EndpointCluster] = Field(
        default_factory=dict, max_length=MAX_ITEMS
    )
    """Where the APIs of prompt targets are, by name."""
    prompt_targets: PromptTargets = ()
    """What APIs do for the users of prompt listeners."""
    system_prompt: Text | None = None
    """What models are told first on prompt listeners."""
    mcp_servers: Annotated[tuple[McpServer, ...], Strict(False), Field(max_length=1000)] = ()
    """MCP servers that MCP listeners offer."""
    model_providers: ModelProviders = ()
    """Who serves models. Every model listener serves all of them."""
    llm_providers: ModelProviders = ()
    """The older name of `model_providers`; give only one of them."""
    on_untranslatable: OnUntranslatable = "refuse"
    """What the protocol of a provider or agent cannot express: `refuse` it, or `drop` and tell."""
    model_aliases: dict[ModelName, ModelAlias] = Field(default_factory=dict, max_length=MAX_ITEMS)
    """Names clients may ask for instead of a model."""
    routing_preferences: Annotated[
        tuple[RoutingPreference, ...], Strict(False), Field(max_length=1000)
    ] = ()
    """Kinds of requests and the models for them; what fits none gets the model it asks for."""
    routing: Routing | None = None
    """How models are chosen and how long a conversation keeps its model."""
    prompt_caching: PromptCaching | None = None
    """Help for the prompt caches of providers. Without it none is given."""
    model_metrics_sources: Annotated[
        tuple[MetricsSource, ...], Strict(False), Field(max_length=10)
    ] = ()
    """Where prices and latencies of models come from."""
    limits: Annotated[tuple[Limit, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """How much requests may use up: requests, tokens, money, how many at once."""
    limits_storage: LimitsStorage | None = None
    """Where limits are kept; without it the control plane leases them to data planes."""
    ratelimits: Annotated[tuple[RateLimit, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """Plano's word for `limits` of prompt tokens by header."""
    overrides: Overrides | None = None
    """Settings that Plano keeps in a place of their own."""
    tracing: Tracing | None = None
    """Where spans go. Without it no span is made."""
    state_storage: StateStorage | None = None
    """Where responses of the Responses API are kept; without it in each data plane's memory."""
    prompt_guards: PromptGuards | None = None
    """Plano's word for a filter of type `screening` that every listener has first."""
    defaults: Defaults | None = None
    """Blocks that entries begin from; an entry's own is laid over them, key by key."""
