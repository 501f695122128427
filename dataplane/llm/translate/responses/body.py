"""The body of POST /v1/responses, as far as it is read."""

import msgspec
from msgspec.structs import astuple

from dataplane.llm.translate.responses.wire import ABSENT


class _Function(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None


class WireTool(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None
    function: _Function | None = None
    tools: list[msgspec.Raw] | None = None


class WireChoice(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    mode: str | None = None
    tools: list["WireChoice"] | None = None
    function: _Function | None = None
    namespace: str | None = None


TOOL = msgspec.json.Decoder(WireTool)
CHOICE = msgspec.json.Decoder(str | WireChoice)


class _Format(msgspec.Struct):
    type: str = "text"
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None


class WireText(msgspec.Struct, gc=False):
    format: _Format | None = None
    verbosity: str | None = None


class _Reasoning(msgspec.Struct, gc=False):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None
    context: str | None = None
    mode: str | None = None


class _StreamOptions(msgspec.Struct, gc=False):
    include_obfuscation: bool | None = None


class Body(msgspec.Struct):
    """Fields that most requests do not have come last, from `max_tool_calls` on (see RARE)."""

    model: str | None = None
    stream: bool | None = None
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw = ABSENT
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    text: WireText | None = None
    reasoning: _Reasoning | None = None
    include: list[str] | None = None
    prompt_cache_key: str | None = None
    store: bool | None = None
    previous_response_id: str | None = None
    max_tool_calls: int | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    metadata: dict[str, msgspec.Raw] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    stream_options: _StreamOptions | None = None
    truncation: str | None = None
    background: bool | None = None


RARE = slice(Body.__struct_fields__.index("max_tool_calls"), None)
"""Of a body as a tuple, which is had for what asking a struct for three of its fields takes."""
NOTHING_RARE = astuple(Body())[RARE]


class _AdditionalTools(msgspec.Struct):
    tools: list[msgspec.Raw] | None = None


BODY = msgspec.json.Decoder(Body)
ADDITIONAL = msgspec.json.Decoder(_AdditionalTools)
