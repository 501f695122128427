"""A request for a generation, in the words of no protocol in particular.

Rule: None (or empty) means that the client did not say; defaults are the provider's business.
"""

from collections.abc import Mapping

import msgspec

from dataplane.llm.hub.parts import Part
from dataplane.runtime.protocols import Protocol


class Message(msgspec.Struct):
    """One turn. Tool results are parts of a "user" message; neighbours may have one role."""

    role: str
    """"user", "assistant", or "system" / "developer" where one comes later than at the start."""
    parts: list[Part]
    name: str = ""
    at: str = ""
    """Where it stands in the client's words: "messages[3]"."""


class Tool(msgspec.Struct):
    """Something the model may ask for."""

    name: str
    description: str = ""
    parameters: msgspec.Raw | None = None
    """A JSON schema, as it came; None when the tool takes nothing."""
    strict: bool | None = None
    kind: str = "function"
    """"function"; "custom" (free text); "web_search"; or "native": run by the provider, and only
    `protocol` knows it."""
    namespace: str = ""
    raw: msgspec.Raw | None = None
    """The whole definition as it came, for all kinds but "function"."""
    protocol: Protocol | None = None
    cache: str = ""


class ToolChoice(msgspec.Struct):
    """Whether and which tool must be called."""

    mode: str
    """"auto", "none", "required", or "tools": one of `names` must (or may) be called."""
    names: list[str] = []
    may: bool = False
    """With "tools": the names are all that is allowed, none has to be called."""


class OutputFormat(msgspec.Struct):
    """The form of the answer's text."""

    kind: str
    """"text", "json" or "json_schema"."""
    name: str = ""
    description: str = ""
    schema: msgspec.Raw | None = None
    strict: bool | None = None


class Reasoning(msgspec.Struct):
    """How much the model should think, and how much of it is shown."""

    enabled: bool | None = None
    effort: str = ""
    """"none", "minimal", "low", "medium", "high", "xhigh", "max"; empty when not said."""
    budget_tokens: int | None = None
    """-1: as many as the model likes (Gemini)."""
    summary: str = ""
    """"auto", "concise", "detailed": Responses shows a summary; empty when not asked for."""
    show: bool | None = None
    """Gemini's includeThoughts, Anthropic's display."""


class Request(msgspec.Struct):
    """One request. `said` tells how the client calls a field of ours that it has set."""

    model: str
    stream: bool
    protocol: Protocol
    """What the client speaks."""
    messages: list[Message]
    system: list[Part] = []
    """Instructions at the start (system or developer): Text parts."""
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = []
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: msgspec.Raw | None = None
    n: int | None = None
    output: OutputFormat | None = None
    reasoning: Reasoning | None = None
    verbosity: str = ""
    modalities: list[str] = []
    include_usage: bool | None = None
    """A chat stream ends with its usage only when asked to."""
    user: str = ""
    """Who asks, for the provider's abuse checks."""
    metadata: msgspec.Raw | None = None
    """Labels (OpenAI's, Bedrock's requestMetadata): a JSON object of strings."""
    service_tier: str = ""
    store: bool | None = None
    previous_response_id: str = ""
    """What it continues, for the answer to repeat: it was all said again before this is read."""
    include: list[str] = []
    prompt_cache_key: str = ""
    said: dict[str, str] = {}
    """Field of this struct -> the client's own name for it: {"top_k": "generationConfig.topK"}."""
    hints: list[str] = []
    """Client's names of fields that were set, only advise, and are not carried here."""
    unknown: list[str] = []
    """Client's names of fields that we do not know: they cannot be translated."""
    echo: Mapping[str, msgspec.Raw] = {}
    """Fields of the body that an answer repeats, as they came. Never the conversation, and copies:
    a body may be long, and is not kept for them."""

    def must_call_one_tool(self) -> bool:
        """Whether one certain tool must be called: models then call it once."""
        choice = self.tool_choice
        if choice is None or choice.may:
            return False
        among = choice.names if choice.mode == "tools" else self.tools
        return choice.mode in ("tools", "required") and len(among) == 1
