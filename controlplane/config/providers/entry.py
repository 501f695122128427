"""What there is to say about a model provider, and the APIs that many of them have.

A path is whole but for its holes: `{prefix}` is the provider's own, or the path of the operator's
base_url; `{region}`, `{project}` and `{api_version}` are keys of the config; `{model}` is filled
for each request, by the data plane.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum


class Operation(Enum):
    """What a provider can be asked to do; the values are what an operator writes in `apis`."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    MESSAGES = "messages"
    COUNT_TOKENS = "count_tokens"
    GENERATE_CONTENT = "generate_content"
    GEMINI_COUNT_TOKENS = "gemini_count_tokens"
    CONVERSE = "converse"


GENERATIONS = frozenset(
    [
        Operation.CHAT,
        Operation.RESPONSES,
        Operation.MESSAGES,
        Operation.GENERATE_CONTENT,
        Operation.CONVERSE,
    ]
)
"""What other protocols can be translated to; without one of them a provider generates nothing."""


class Auth(Enum):
    """How a provider wants to be shown a key."""

    BEARER = "authorization"
    X_API_KEY = "x-api-key"
    API_KEY = "api-key"
    X_GOOG_API_KEY = "x-goog-api-key"


@dataclass(frozen=True, slots=True)
class Api:
    """One API: an operation, and how it is called."""

    operation: Operation
    path: str
    stream_path: str = ""
    """Of streams, where it is another one."""
    auth: Auth = Auth.BEARER
    headers: tuple[tuple[str, str], ...] = ()
    """What it wants of everybody; a client's own value wins."""


class Prefill(Enum):
    """How a model is given the beginning of its answer; see `dataplane/runtime/dialect.py`."""

    BY_NAME = "by_name"
    NONE = "none"
    PLAIN = "plain"
    PREFIX = "prefix"
    REPEATED = "repeated"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a provider differs from the book; see `dataplane/runtime/dialect.py`."""

    max_completion_tokens: bool = False
    developer_role: bool = False
    stream_usage: bool = True
    json_schema: bool = True
    reasoning_content: bool = False
    keeps_responses: bool = False
    openai_fields: bool = False
    cache_control: bool = False
    top_k: bool = False
    prefill: Prefill = Prefill.BY_NAME
    prefill_form: Prefill = Prefill.PLAIN
    """What `prefill: true` of an operator means."""


PLAIN = Dialect()

CHAT = Api(Operation.CHAT, "{prefix}/chat/completions")
COMPLETIONS = Api(Operation.COMPLETIONS, "{prefix}/completions")
EMBEDDINGS = Api(Operation.EMBEDDINGS, "{prefix}/embeddings")
RESPONSES = Api(Operation.RESPONSES, "{prefix}/responses")
MESSAGES = Api(
    Operation.MESSAGES,
    "{prefix}/messages",
    auth=Auth.X_API_KEY,
    headers=(("anthropic-version", "2023-06-01"),),
)
COUNT_TOKENS = replace(
    MESSAGES, operation=Operation.COUNT_TOKENS, path="{prefix}/messages/count_tokens"
)
GENERATE_CONTENT = Api(
    Operation.GENERATE_CONTENT,
    "{prefix}/models/{model}:generateContent",
    "{prefix}/models/{model}:streamGenerateContent?alt=sse",
    Auth.X_GOOG_API_KEY,
)
GEMINI_COUNT_TOKENS = Api(
    Operation.GEMINI_COUNT_TOKENS,
    "{prefix}/models/{model}:countTokens",
    auth=Auth.X_GOOG_API_KEY,
)
CONVERSE = Api(
    Operation.CONVERSE,
    "{prefix}/model/{model}/converse",
    "{prefix}/model/{model}/converse-stream",
)
OPENAI_LIKE = (CHAT, COMPLETIONS, EMBEDDINGS)

STANDARD: Mapping[Operation, Api] = {
    api.operation: api
    for api in (
        *OPENAI_LIKE,
        RESPONSES,
        MESSAGES,
        COUNT_TOKENS,
        GENERATE_CONTENT,
        GEMINI_COUNT_TOKENS,
        CONVERSE,
    )
}
"""Where an API is at a server of which nothing else is known."""


@dataclass(frozen=True, slots=True)
class Form:
    """Another way to the same provider: its base_url ends with `suffix`."""

    suffix: str
    apis: tuple[Api, ...]


@dataclass(frozen=True, slots=True)
class Provider:
    """What is known of a provider by its name."""

    url: str = ""
    """Scheme and host; empty when every customer has another one, which is their base_url."""
    prefix: str = "/v1"
    """Fills `{prefix}` unless the operator's base_url has a path."""
    apis: tuple[Api, ...] = OPENAI_LIKE
    """What it is asked, the generation that others are translated to first."""
    also: tuple[Api, ...] = ()
    """What it can be asked too, when an operator lists it in `apis`."""
    dialect: Dialect = PLAIN
    urls: Mapping[str, str] = field(default_factory=dict)
    """By region, where the region makes another `url`."""
    forms: tuple[Form, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with our key unless the operator gives others; values are secret texts."""
    passthrough: bool = False
    """Without a key the client's own credential is sent."""
    signed: bool = False
    """Takes AWS credentials too."""
    away: "Provider | None" = None
    """What its name means at somebody else's address, where that is not the same."""
