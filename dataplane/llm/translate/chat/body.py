"""The body of a chat completion request, as far as it is read."""

from typing import Any

import msgspec
from msgspec.structs import astuple

from dataplane.llm.translate.chat.wire import ABSENT


class Functions(msgspec.Struct):
    """A function, in `tools` or in the legacy `functions`."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None


class Custom(msgspec.Struct):
    name: str
    description: str | None = None


class WireTool(msgspec.Struct):
    """An entry of `tools`. Some clients leave the type out."""

    type: str | None = None
    function: Functions | None = None
    custom: Custom | None = None
    cache_control: Any = None


class _Schema(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None


class Format(msgspec.Struct):
    type: str
    json_schema: _Schema | None = None


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class _Reasoning(msgspec.Struct, gc=False):
    """OpenRouter's."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class _Thinking(msgspec.Struct, gc=False):
    """Of DeepSeek, Moonshot, Zhipu; `budget_tokens` is Anthropic's."""

    type: str | None = None
    budget_tokens: int | None = None


class Body(msgspec.Struct):
    """Fields that nearly nobody sends come last, from `functions` on (see RARE)."""

    messages: list[dict[str, Any]]
    tools: list[WireTool] | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    response_format: Format | None = None
    reasoning_effort: str | None = None
    stream_options: _StreamOptions | None = None
    user: str | None = None
    functions: list[Functions] | None = None
    function_call: Any = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: msgspec.Raw = ABSENT
    n: int | None = None
    reasoning: _Reasoning | None = None
    thinking: _Thinking | None = None
    enable_thinking: bool | None = None
    verbosity: str | None = None
    modalities: list[str] | None = None
    safety_identifier: str | None = None
    metadata: msgspec.Raw = ABSENT
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None
    web_search_options: msgspec.Raw = ABSENT


RARE = slice(Body.__struct_fields__.index("functions"), len(Body.__struct_fields__))
"""Of a body as a tuple, which is had for what asking a struct for three of its fields takes."""
NOTHING_RARE = astuple(Body([]))[RARE]


class _RawTools(msgspec.Struct):
    tools: list[msgspec.Raw] | None = None


class _KnownBody(Body, forbid_unknown_fields=True):
    model: msgspec.Raw = ABSENT
    stream: msgspec.Raw = ABSENT


BODY = msgspec.json.Decoder(Body)
RAW_TOOLS = msgspec.json.Decoder(_RawTools)
KNOWN_BODY: msgspec.json.Decoder[Body] = msgspec.json.Decoder(_KnownBody)
"""Stops at fields that we do not know: who sends none, as nearly all do, pays nothing for looking.
"""
