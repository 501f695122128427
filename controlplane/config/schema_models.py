"""What an operator writes about models: who serves them, and the names clients may use.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import (
    AUTHORITY,
    MAX_ITEMS,
    Block,
    ModelName,
    Names,
    SecretText,
    Url,
)
from controlplane.config.providers import table
from controlplane.config.schema_clusters import ClusterKeys, Endpoints, RequestPriority
from controlplane.config.schema_retry import Retry
from controlplane.config.schema_routing import InlinePreference

# Regions and projects go into host names and paths, versions into a query.
PLACE = r"^[a-z0-9][a-z0-9-]{0,62}$"
API_VERSION = r"^[A-Za-z0-9.-]{1,40}$"

OnUntranslatable = Literal["refuse", "drop"]
ApiName = Literal[
    "chat",
    "completions",
    "embeddings",
    "responses",
    "messages",
    "count_tokens",
    "generate_content",
    "gemini_count_tokens",
    "converse",
]
Place = Annotated[str, StringConstraints(pattern=PLACE)]
Keys = Annotated[tuple[SecretText, ...], Strict(False), Field(min_length=1, max_length=100)]


class Aws(Block):
    """Credentials of AWS, with which requests are signed (Signature Version 4)."""

    access_key_id: SecretText
    """The id of an access key: `$VAR`, `${VAR}` or `file:/path`."""
    secret_access_key: SecretText
    """The access key's secret: `$VAR`, `${VAR}` or `file:/path`."""
    session_token: SecretText | None = None
    """Of temporary credentials: `$VAR`, `${VAR}` or `file:/path`."""


class ModelProvider(ClusterKeys):
    """Who serves a model, with address and credentials."""

    model: ModelName
    """`provider/model`: the provider's name, then the model's there; `provider/*`: all it has."""
    name: ModelName | None = None
    """What clients ask for. Unique; default is the whole of `model`. Of a wildcard: `mine/*`."""
    base_url: Url | None = None
    """Where the provider is. Its path, when it has one, replaces the provider's (`/v1`)."""
    endpoints: Endpoints | None = None
    """In place of `base_url`: several equal addresses, URLs that differ in host and port only, or
    mappings of `url`, `weight`, `priority` and `zone`."""
    http_host: Annotated[str, StringConstraints(pattern=AUTHORITY)] | None = None
    """The Host header to send, when it is not the one of the address."""
    region: Place | None = None
    """Amazon Bedrock and Vertex AI: `eu-west-1`, `europe-west4`, `global`."""
    project: Place | None = None
    """Vertex AI: the id of the Google Cloud project."""
    api_version: Annotated[str, StringConstraints(pattern=API_VERSION)] | None = None
    """Azure: use the dated API of deployments, such as `2024-10-21`; default is `/openai/v1`."""
    provider_interface: (
        Annotated[ModelName, Field(json_schema_extra={"enum": sorted(table.KNOWN)})] | None
    ) = None
    """A provider that is not known by name: which known one it speaks like, such as `openai`."""
    apis: (
        Annotated[tuple[ApiName, ...], Strict(False), Field(min_length=1, max_length=9)] | None
    ) = None
    """What the provider is asked; other requests are translated to the first that generates."""
    access_key: SecretText | None = None
    """The provider's key: `$VAR`, `${VAR}` or `file:/path`, read where it is used."""
    access_keys: Keys | None = None
    """In place of `access_key`: several keys, used in turn; a dead or limited one rests."""
    aws: Aws | None = None
    """In place of a key, Amazon Bedrock: credentials that requests are signed with."""
    passthrough_auth: bool = False
    """Send the client's own credential; keys are not used then."""
    headers: dict[str, SecretText] = Field(default_factory=dict, max_length=100)
    """Headers added to every request; values may hold `$VAR` or be `file:/path`."""
    default: bool = False
    """Answers requests that name no model. At most one, and no wildcard."""
    default_max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """`max_tokens` where Anthropic must be told and the client says nothing; else 8192."""
    on_untranslatable: OnUntranslatable | None = None
    """In place of the top-level `on_untranslatable`."""
    prefill: bool | None = None
    """Whether the model goes on from an assistant message: so streams that broke are continued."""
    routing_preferences: Annotated[
        tuple[InlinePreference, ...], Strict(False), Field(max_length=1000)
    ] = ()
    """The older place of `routing_preferences`: what this model is for."""
    input_filters: Names = ()
    """Ids of `filters` that see every request that may go to it, by whatever name, after those of
    the listener."""
    output_filters: Names = ()
    """Ids of `filters` that see the answers to such requests, before those of the listener."""
    retry: Retry | None = None
    """How hard requests to this provider are tried."""


class ModelAlias(Block):
    """A name clients may ask for instead of a model."""

    target: ModelName | None = None
    """The model it stands for: a provider's `name`, its `provider/model` or the bare model."""
    targets: Annotated[tuple[ModelName, ...], Strict(False), Field(min_length=1)] | None = None
    """In place of `target`: several models, in the order they are tried."""
    retry: Retry | None = None
    """How hard requests for this name are tried."""
    priority: RequestPriority | None = None
    """In place of the listener's `priority`, for requests for this name."""
    input_filters: Names = ()
    """Ids of `filters` that see requests for this name, after those of the listener."""
    output_filters: Names = ()
    """Ids of `filters` that see the answers to them, before those of the listener."""


ModelProviders = Annotated[tuple[ModelProvider, ...], Strict(False), Field(max_length=MAX_ITEMS)]
