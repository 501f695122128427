"""What prompt listeners know: the APIs that conversations are for, and who calls them. Values only.

`dataplane.xds.prompts` is the only maker.
"""

from dataclasses import dataclass

from dataplane.runtime.secret import Secret

Scalar = str | int | float | bool
"""A value that an operator has written."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What an API has to be told."""

    name: str
    description: str
    type: str = "string"
    """JSON schema's word: "string", "integer", "number", "boolean", "array" or "object"."""
    required: bool = False
    default: Scalar | None = None
    enum: tuple[Scalar, ...] = ()
    """Empty: any value."""
    in_path: bool = False
    format: str = ""


@dataclass(frozen=True, slots=True)
class PromptTarget:
    """A route of a prompt listener: something that an API does."""

    name: str
    description: str
    is_default: bool = False
    """Gets what is for no other."""
    position: int = 0
    parameters: tuple[Parameter, ...] = ()
    cluster: str = ""
    """Empty: no API is called, only `system_prompt` is special."""
    path: str = "/"
    """With its query; "{name}" stands for a parameter."""
    method: str = "GET"
    headers: tuple[tuple[str, Secret], ...] = ()
    timeout_s: float = 10.0
    answers_itself: bool = False
    """The API's body is the answer, no model's."""
    system_prompt: str = ""
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptRules:
    """What only a prompt listener has."""

    system_prompt: str = ""
    function_calling_model: str = ""
    """Name of the ModelProvider that calls targets as its tools; empty where there are none."""
    embedded: bool = False
    """The embedded router chooses the target, a model only reads its parameters."""
    tool_messages: bool = True
    """Streams begin with the call of a target and what it said."""
    forgets_answers: bool = False
    """What targets have said before is not shown to the model that calls them."""
