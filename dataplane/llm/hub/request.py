"""A request for a generation, in the words of no protocol in particular.

Rule: None (or empty) means that the client did not say; defaults are the provider's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from dataplane.llm.hub.parts import Part
from dataplane.runtime.protocols import Protocol


@dataclass(init=False)
class Message:
    """One turn. Tool results are parts of a "user" message; neighbours may have one role."""

    role: str
    """"user", "assistant", or "system" / "developer" where one comes later than at the start."""
    parts: list[Part]
    name: str
    at: str
    """Where it stands in the client's words: "messages[3]"."""

    def __init__(self, role: str, parts: list[Part], name: str = "", at: str = "") -> None:
        self.role = role
        self.parts = parts
        self.name = name
        self.at = at


@dataclass(init=False)
class Tool:
    """Something the model may ask for."""

    name: str
    description: str
    parameters: msgspec.Raw | None
    """A JSON schema, as it came; None when the tool takes nothing."""
    strict: bool | None
    kind: str
    """"function"; "custom" (free text); "web_search"; or "native": run by the provider, and only
    `protocol` knows it."""
    namespace: str
    raw: msgspec.Raw | None
    """The whole definition as it came, for all kinds but "function"."""
    protocol: Protocol | None
    cache: str

    def __init__(
        self,
        name: str,
        description: str = "",
        parameters: msgspec.Raw | None = None,
        strict: bool | None = None,
        kind: str = "function",
        namespace: str = "",
        raw: msgspec.Raw | None = None,
        protocol: Protocol | None = None,
        cache: str = "",
    ) -> None:
        self.name = name
        self.description = description
        self.parameters = parameters
        self.strict = strict
        self.kind = kind
        self.namespace = namespace
        self.raw = raw
        self.protocol = protocol
        self.cache = cache


@dataclass(init=False)
class ToolChoice:
    """Whether and which tool must be called."""

    mode: str
    """"auto", "none", "required", or "tools": one of `names` must (or may) be called."""
    names: list[str]
    may: bool
    """With "tools": the names are all that is allowed, none has to be called."""

    def __init__(self, mode: str, names: list[str] | None = None, may: bool = False) -> None:
        self.mode = mode
        self.names = [] if names is None else names
        self.may = may


@dataclass(init=False)
class OutputFormat:
    """The form of the answer's text."""

    kind: str
    """"text", "json" or "json_schema"."""
    name: str
    description: str
    schema: msgspec.Raw | None
    strict: bool | None

    def __init__(
        self,
        kind: str,
        name: str = "",
        description: str = "",
        schema: msgspec.Raw | None = None,
        strict: bool | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.description = description
        self.schema = schema
        self.strict = strict


@dataclass(init=False)
class Reasoning:
    """How much the model should think, and how much of it is shown."""

    enabled: bool | None
    effort: str
    """"none", "minimal", "low", "medium", "high", "xhigh", "max"; empty when not said."""
    budget_tokens: int | None
    """-1: as many as the model likes (Gemini)."""
    summary: str
    """"auto", "concise", "detailed": Responses shows a summary; empty when not asked for."""
    show: bool | None
    """Gemini's includeThoughts, Anthropic's display."""

    def __init__(
        self,
        enabled: bool | None = None,
        effort: str = "",
        budget_tokens: int | None = None,
        summary: str = "",
        show: bool | None = None,
    ) -> None:
        self.enabled = enabled
        self.effort = effort
        self.budget_tokens = budget_tokens
        self.summary = summary
        self.show = show


@dataclass(init=False)
class Request:
    """One request. `said` tells how the client calls a field of ours that it has set."""

    model: str
    stream: bool
    protocol: Protocol
    """What the client speaks."""
    messages: list[Message]
    system: list[Part]
    """Instructions at the start (system or developer): Text parts."""
    tools: list[Tool]
    tool_choice: ToolChoice | None
    parallel_tool_calls: bool | None
    max_output_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    stop: list[str]
    seed: int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    logprobs: bool | None
    top_logprobs: int | None
    logit_bias: msgspec.Raw | None
    n: int | None
    output: OutputFormat | None
    reasoning: Reasoning | None
    verbosity: str
    modalities: list[str]
    include_usage: bool | None
    """A chat stream ends with its usage only when asked to."""
    user: str
    """Who asks, for the provider's abuse checks."""
    metadata: msgspec.Raw | None
    """Labels (OpenAI's, Bedrock's requestMetadata): a JSON object of strings."""
    service_tier: str
    store: bool | None
    previous_response_id: str
    """What it continues, for the answer to repeat: it was all said again before this is read."""
    include: list[str]
    prompt_cache_key: str
    said: dict[str, str]
    """Field of this struct -> the client's own name for it: {"top_k": "generationConfig.topK"}."""
    hints: list[str]
    """Client's names of fields that were set, only advise, and are not carried here."""
    unknown: list[str]
    """Client's names of fields that we do not know: they cannot be translated."""
    echo: Mapping[str, msgspec.Raw]
    """Fields of the body that an answer repeats, as they came. Never the conversation, and copies:
    a body may be long, and is not kept for them."""

    def __init__(
        self,
        model: str,
        stream: bool,
        protocol: Protocol,
        messages: list[Message],
        system: list[Part] | None = None,
        tools: list[Tool] | None = None,
        tool_choice: ToolChoice | None = None,
        parallel_tool_calls: bool | None = None,
        max_output_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        stop: list[str] | None = None,
        seed: int | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        logit_bias: msgspec.Raw | None = None,
        n: int | None = None,
        output: OutputFormat | None = None,
        reasoning: Reasoning | None = None,
        verbosity: str = "",
        modalities: list[str] | None = None,
        include_usage: bool | None = None,
        user: str = "",
        metadata: msgspec.Raw | None = None,
        service_tier: str = "",
        store: bool | None = None,
        previous_response_id: str = "",
        include: list[str] | None = None,
        prompt_cache_key: str = "",
        said: dict[str, str] | None = None,
        hints: list[str] | None = None,
        unknown: list[str] | None = None,
        echo: Mapping[str, msgspec.Raw] | None = None,
    ) -> None:
        self.model = model
        self.stream = stream
        self.protocol = protocol
        self.messages = messages
        self.system = [] if system is None else system
        self.tools = [] if tools is None else tools
        self.tool_choice = tool_choice
        self.parallel_tool_calls = parallel_tool_calls
        self.max_output_tokens = max_output_tokens
        self.temperature = temperature
        self.top_p = top_p
        self.top_k = top_k
        self.stop = [] if stop is None else stop
        self.seed = seed
        self.frequency_penalty = frequency_penalty
        self.presence_penalty = presence_penalty
        self.logprobs = logprobs
        self.top_logprobs = top_logprobs
        self.logit_bias = logit_bias
        self.n = n
        self.output = output
        self.reasoning = reasoning
        self.verbosity = verbosity
        self.modalities = [] if modalities is None else modalities
        self.include_usage = include_usage
        self.user = user
        self.metadata = metadata
        self.service_tier = service_tier
        self.store = store
        self.previous_response_id = previous_response_id
        self.include = [] if include is None else include
        self.prompt_cache_key = prompt_cache_key
        self.said = {} if said is None else said
        self.hints = [] if hints is None else hints
        self.unknown = [] if unknown is None else unknown
        self.echo = {} if echo is None else echo

    def must_call_one_tool(self) -> bool:
        """Whether one certain tool must be called: models then call it once."""
        choice = self.tool_choice
        if choice is None or choice.may:
            return False
        among = choice.names if choice.mode == "tools" else self.tools
        return choice.mode in ("tools", "required") and len(among) == 1
