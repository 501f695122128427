"""What a data plane routes with: one immutable value, replaced whole.

A request takes the RuntimeConfig once, at its start, and keeps it to its end; so nothing here is
ever changed in place. `dataplane.xds.decode` is the only maker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from dataplane.runtime.agents import Agent as Agent  # its users know it from here
from dataplane.runtime.auth import ApiKey, Auth, CardSigning, Tls
from dataplane.runtime.choosing import ModelRouting
from dataplane.runtime.cluster import (
    Balancing,
    CircuitBreakers,
    HealthCheck,
    OutlierDetection,
    Priority,
)
from dataplane.runtime.dialect import PLAIN, Dialect
from dataplane.runtime.limits import Limit, LimitsStorage
from dataplane.runtime.mcp import McpMember, McpServer
from dataplane.runtime.orchestrator import Orchestrator
from dataplane.runtime.precedence import Precedence
from dataplane.runtime.prompts import PromptRules, PromptTarget
from dataplane.runtime.protocols import Operation
from dataplane.runtime.retry import DEFAULT as DEFAULT_RETRY
from dataplane.runtime.retry import Changes, RetryPolicy
from dataplane.runtime.running import Running
from dataplane.runtime.secret import Secret as Secret  # its makers know it from here
from dataplane.runtime.state_storage import StateStorage


class ListenerKind(Enum):
    """What a listener is for."""

    AGENT = "agent"
    MODEL = "model"
    PROMPT = "prompt"
    """As MODEL, after prompt targets had their say."""

    MCP = "mcp"

    @property
    def is_of_models(self) -> bool:
        """Whether it takes requests for models."""
        return self in (ListenerKind.MODEL, ListenerKind.PROMPT)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a cluster."""

    host: str
    port: int
    weight: int = 1
    priority: int = 0
    """Level of failover: 0 is tried first."""
    zone: str = ""
    """Where it is; empty: not known."""
    hostname: str = ""
    """The name that `host`, an address, was found by; empty: `host` is what was configured."""

    @property
    def name(self) -> str:
        """What its Host header and its certificate say."""
        return self.hostname or self.host


@dataclass(frozen=True, slots=True)
class Cluster:
    """A set of equal addresses that answer the same requests."""

    name: str
    endpoints: tuple[Endpoint, ...]
    tls: bool = False
    sni: str = ""
    authority: str = ""
    """Host header sent upstream; empty means the endpoint's own host:port."""
    connect_timeout_s: float = 5.0
    dns_refresh_s: float = 0.0
    """Names among its endpoints are looked up so often, and every address found is an endpoint of
    its own; 0: a name stays one endpoint, and is looked up by who opens a connection.
    """
    balancing: Balancing = Balancing()
    health_check: HealthCheck | None = None
    """None: endpoints are taken for well until they fail."""
    outlier: OutlierDetection = OutlierDetection()
    circuit_breakers: CircuitBreakers = CircuitBreakers()
    headers: tuple[tuple[str, Secret], ...] = ()
    """What requests of ours carry (upstream/client.py), in place of others of the same names. What
    is relayed to model providers has ModelProvider.headers."""


class AuthScheme(Enum):
    """How a credential is shown to a provider."""

    BEARER = "authorization"
    """`authorization: Bearer KEY`."""
    X_API_KEY = "x-api-key"
    API_KEY = "api-key"
    X_GOOG_API_KEY = "x-goog-api-key"
    SIGV4 = "sigv4"
    """Signed with ModelProvider.aws."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Api:
    """One API of a provider: an operation, and how it is called there."""

    operation: Operation
    path: str
    """The whole path; "{model}" stands for the model's name. May have a query."""
    stream_path: str = ""
    """Of streams, where it is another one."""
    auth: AuthScheme = AuthScheme.BEARER
    headers: tuple[tuple[str, str], ...] = ()
    """What this API wants of everybody; a client's own value wins. Names are lower case."""


@dataclass(frozen=True, slots=True)
class Aws:
    """Credentials of AWS for SigV4."""

    region: str
    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None = None
    service: str = "bedrock"


class OnUntranslatable(Enum):
    """What becomes of what a provider's protocol cannot express."""

    REFUSE = "refuse"
    """A 400 that names the field."""
    DROP = "drop"
    """Left out, and named in x-outrider-dropped."""


OPENAI_CHAT = Api(Operation.CHAT, "/v1/chat/completions")


@dataclass(frozen=True, slots=True)
class ModelProvider:
    """Who serves a model, with address and credentials."""

    name: str
    provider: str
    model: str
    """The model's name as its provider knows it; empty: what the client asked for, without the
    prefix of the wildcard it matched.
    """
    cluster: str
    apis: tuple[Api, ...] = (OPENAI_CHAT,)
    """What it can do. A generation that is not among them is translated to the first that is."""
    access_keys: tuple[Secret, ...] = ()
    """Several are used in turn; none: no credential of ours is sent."""
    passthrough_auth: bool = False
    headers: tuple[tuple[str, Secret], ...] = ()
    dialect: Dialect = PLAIN
    aws: Aws | None = None
    on_untranslatable: OnUntranslatable = OnUntranslatable.REFUSE
    retry: Changes = ()
    """Laid over that of the route (retry.laid_over)."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One step of a filter chain."""

    id: str
    cluster: str = ""
    """Where it is, or whom it asks; empty for those that need nobody."""
    path_prefix: str = ""
    timeout_s: float = 10.0
    """Of each time that it is asked."""
    kind: str = "http"
    fails_open: bool = False
    """Whether the exchange goes on without it when it fails."""
    settings: str = "{}"
    """What its kind can be told, as a JSON object."""
    connection: Secret | None = None
    """The URL of the store that it uses, with its password."""
    made: object = field(default=None, compare=False, repr=False)
    """What runs: a filters.api.Filter, which this layer does not know."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """Where spans go and how many of them."""

    endpoint: str
    sampling_percent: float = 0.0
    static_attributes: tuple[tuple[str, str], ...] = ()
    header_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """A route to models: names of ModelProviders, in the order they are tried."""

    providers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentTarget:
    """A route to one agent: what it is for on this listener."""

    agent: str
    description: str
    is_default: bool = False
    input_filters: tuple[str, ...] = ()
    position: int = 0
    examples: tuple[str, ...] = ()
    output_filters: tuple[str, ...] = ()
    choosable: bool = True
    """Whether an orchestrator may choose it; else it acts where a plan or another agent's
    `on_failure` names it."""
    on_failure: tuple[str, ...] = ()
    """What becomes of its step when it fails (runtime/running.py)."""


Target = ModelTarget | AgentTarget | PromptTarget


@dataclass(frozen=True, slots=True)
class Route:
    """match -> target on one listener."""

    name: str
    listener: str
    target: Target
    models: tuple[str, ...] = ()
    """The `model` values this route answers (model listeners)."""
    is_default: bool = False
    model_id: str = ""
    """What GET /v1/models calls it; empty hides it there."""
    retry: RetryPolicy = DEFAULT_RETRY
    priority: Priority = Priority.DEFAULT
    """Which circuit breaker of a cluster its requests count against."""
    input_filters: tuple[str, ...] = ()
    """Model listeners: after those of the listener."""
    output_filters: tuple[str, ...] = ()
    """Model listeners: before those of the listener."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request or connection may use up."""

    max_header_bytes: int = 16 * 1024
    max_body_bytes: int = 8 * 1024 * 1024
    max_requests: int = 10_000
    """Concurrent requests per worker."""
    receive_timeout_s: float = 30.0
    """From the first byte of a request to the last of its head and body."""
    idle_timeout_s: float = 75.0
    """Between two requests of one connection."""
    max_queue: int = 1000
    """Requests that wait for their turn in a worker."""
    queue_timeout_s: float = 0.5
    """How long one waits."""
    max_buffered_bytes: int = 256 * 1024 * 1024
    """Of large request bodies held in a worker."""
    precedence: Precedence = Precedence.DEFAULT
    """Whose requests begin first when the worker has too much to do."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An address and port that accepts requests of one kind, with the routes that name it."""

    name: str
    kind: ListenerKind
    address: str
    port: int
    timeout_s: float = 300.0
    limits: Limits = field(default_factory=Limits)
    input_filters: tuple[str, ...] = ()
    output_filters: tuple[str, ...] = ()
    min_confidence: float = 0.5
    running: Running = Running()
    """Agent listeners: how agents are run."""
    orchestrator: Orchestrator = Orchestrator()
    """Agent listeners: who chooses."""
    routes: tuple[Route, ...] = ()
    """Agent listeners: in the order of AgentTarget.position. Model listeners: sorted by name."""
    by_model: Mapping[str, Route] = field(default_factory=dict)
    """Model listeners: `model` of the request -> its route."""
    by_prefix: Mapping[str, Route] = field(default_factory=dict)
    """Model listeners: what is before the first slash of `model` -> the route of its wildcard."""
    default_route: Route | None = None
    mcp_servers: tuple[McpMember, ...] = ()
    """MCP listeners: what is offered as one server."""
    allowed_origins: frozenset[str] = frozenset()
    """MCP listeners: of web pages that may call, beside this machine's; "*": all."""
    public_url: str = ""
    """Agent listeners: what others call it by, without a slash at the end; empty: each says."""
    card_signing: CardSigning | None = None
    """Agent listeners: with public_url."""
    auth: Auth | None = None
    """Who may call; None: everybody."""
    tls: Tls | None = None
    drop_untranslatable: bool = False
    """Agent listeners: what chat cannot say of a request is left out; else it is refused."""
    prompt: PromptRules | None = None
    """Prompt listeners only."""
    prompt_targets: tuple[PromptTarget, ...] = ()
    """Prompt listeners: in the operator's order."""
    filters_routes: bool = False
    """Whether any of its routes has filters."""

    @property
    def filters(self) -> bool:
        """Whether anything of it is filtered."""
        return bool(self.input_filters or self.output_filters or self.filters_routes)


@dataclass(frozen=True, slots=True)
class RuntimeConfig:
    """Everything a data plane knows, consistent: every name in it resolves within it."""

    version: str = ""
    """A hash of the names and versions of all resources; equal content, equal version."""
    listeners: Mapping[str, Listener] = field(default_factory=dict)
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    providers: Mapping[str, ModelProvider] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    mcp_servers: Mapping[str, McpServer] = field(default_factory=dict)
    tracing: Tracing | None = None
    model_routing: ModelRouting = field(default_factory=ModelRouting)
    state_storage: StateStorage = field(default_factory=StateStorage)
    api_keys: Mapping[bytes, ApiKey] = field(default_factory=dict)
    """By the digest of the key."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    limits_storage: LimitsStorage = field(default_factory=LimitsStorage)
