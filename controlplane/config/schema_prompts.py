"""What an operator writes about prompt listeners: what APIs can be asked for, and where those are.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, Strict, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from controlplane.config.fields import AUTHORITY, MAX_ITEMS, Block, Duration, SecretText, Text
from controlplane.config.schema_clusters import ClusterKeys

# What tools and their parameters may be called everywhere.
TARGET_NAME = r"^[A-Za-z0-9_-]{1,64}$"
ENDPOINT_NAME = r"^[a-zA-Z][a-zA-Z0-9_]{0,63}$"
API_PATH = r"^/[!-~]{0,2047}$"

TargetName = Annotated[str, StringConstraints(pattern=TARGET_NAME)]
EndpointName = Annotated[str, StringConstraints(pattern=ENDPOINT_NAME)]
ParameterType = Literal[
    "string",
    "str",
    "integer",
    "int",
    "number",
    "float",
    "boolean",
    "bool",
    "array",
    "list",
    "object",
    "dict",
]


def _scalar(value: Any) -> Any:
    """A union of types would tell four problems of one."""
    if not isinstance(value, str | bool | int | float):
        said = {"said": "must be text, a number, true or false", "hint": ""}
        raise PydanticCustomError("outrider", "{said}", said)
    return value


Scalar = Annotated[
    Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})
]
Scalars = Annotated[tuple[Scalar, ...], Strict(False), Field(min_length=1, max_length=1000)]


class PromptParameter(Block):
    """What a prompt target has to be told, and finds in the conversation."""

    name: TargetName
    """What the API calls it."""
    description: Text
    """What it is, in plain words; the model reads it."""
    type: ParameterType
    """`string`, `integer`, `number`, `boolean`, `array` or `object`, or Plano's words for them."""
    required: bool = False
    """Without it the API is not called; the user is asked for it."""
    default: Scalar | None = None
    """What is sent when nobody has said anything."""
    enum: Scalars | None = None
    """All values that it may have."""
    in_path: bool = False
    """It is in the path, as `{name}`; what is there is never left out."""
    format: Text | None = None
    """How it is written, such as `City, State`; the model reads it."""


class PromptEndpoint(Block):
    """How the API of a prompt target is called."""

    name: EndpointName
    """A name of `endpoints`."""
    path: Annotated[str, StringConstraints(pattern=API_PATH)]
    """Path and query; `{name}` stands for the value of a parameter."""
    http_method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """`GET` and `DELETE` put parameters into the query, others into a JSON object."""
    http_headers: dict[str, SecretText] = Field(default_factory=dict, max_length=100)
    """Headers to send, such as `Authorization: Bearer $TOKEN`."""
    timeout: Duration = "10s"
    """Time for its whole answer."""


class PromptTarget(Block):
    """Something that an API does for the user of a prompt listener."""

    name: TargetName
    """What the model calls it. Unique."""
    description: Text
    """What it does, in plain sentences. It is chosen by it."""
    default: bool = False
    """It gets every conversation that is for no other: `{"messages": [...]}` by POST."""
    parameters: Annotated[tuple[PromptParameter, ...], Strict(False), Field(max_length=100)] = ()
    """What has to be known before the API can be called."""
    endpoint: PromptEndpoint | None = None
    """The API; without it only `system_prompt` is special about it."""
    auto_llm_dispatch_on_response: bool = True
    """A model answers with what the API has said. `false`: the API's body is the answer."""
    system_prompt: Text | None = None
    """What that model is told, in place of the `system_prompt` of the file."""
    examples: Annotated[tuple[Text, ...], Strict(False), Field(max_length=MAX_ITEMS)] = ()
    """Requests that it is meant for; they sharpen the embedded router."""


class EndpointCluster(ClusterKeys):
    """Where the APIs of prompt targets are."""

    endpoint: Annotated[str, StringConstraints(pattern=AUTHORITY)]
    """`HOST` or `HOST:PORT`."""
    protocol: Literal["http", "https"] = "http"
    """How it is spoken to; the port is 80 or 443 when `endpoint` has none."""
    http_host: Annotated[str, StringConstraints(pattern=AUTHORITY)] | None = None
    """The Host header, when it is not that of `endpoint`."""
    prefix_affinity: bool = False
    """Plano's word for `load_balancing: {policy: prefix_affinity}`."""


PromptTargets = Annotated[tuple[PromptTarget, ...], Strict(False), Field(max_length=1000)]
