"""How one provider's API differs from its protocol's book; part of its entry in the table."""

from dataclasses import dataclass
from enum import Enum


class Prefill(Enum):
    """Whether and how a model can be given the beginning of its answer, to go on from there."""

    __hash__ = object.__hash__

    BY_NAME = "by_name"
    """Claude's models up to 4.5 can, nobody else is known to."""
    NONE = "none"
    PLAIN = "plain"
    """The last message is the assistant's."""
    PREFIX = "prefix"
    """Chat: it is marked `"prefix": true` (DeepSeek's beta)."""
    REPEATED = "repeated"
    """The same, and the answer may say it again (Mistral)."""
    TEMPLATE = "template"
    """Chat: with `continue_final_message` (vLLM, SGLang)."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Switches that writers of requests look at. The defaults are what most servers take."""

    max_completion_tokens: bool = False
    """Chat: `max_completion_tokens` in place of `max_tokens` (OpenAI, Azure)."""
    developer_role: bool = False
    """Chat: late instructions may have the role "developer"."""
    stream_usage: bool = True
    """Chat: the server knows `stream_options.include_usage`."""
    json_schema: bool = True
    """Chat: the server knows `response_format` json_schema."""
    reasoning_content: bool = False
    """Chat: wants its `reasoning_content` back with the next turn (DeepSeek, Moonshot)."""
    openai_fields: bool = False
    """Chat: knows what other servers may refuse as unknown: custom and allowed tools, web search,
    verbosity, service_tier, safety_identifier, prompt_cache_key (OpenAI, Azure)."""
    cache_control: bool = False
    """Chat: Anthropic's cache markers may stand on parts (OpenRouter, Vercel)."""
    top_k: bool = False
    """Chat: knows `top_k` (vLLM, OpenRouter, Together, Fireworks, Qwen)."""
    default_max_tokens: int = 8192
    """Messages: `max_tokens` must be sent; this when the client gave none."""
    keeps_responses: bool = False
    """Responses: it keeps what it answered, so `previous_response_id` is left to it."""
    prefill: Prefill = Prefill.BY_NAME
    """For streams that broke (llm/recovery/prefill.py)."""


PLAIN = Dialect()
