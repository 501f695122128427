"""The body of a message request, as far as it is read."""

import msgspec

from dataplane.llm.translate.messages.wire import ABSENT, CacheControl


class _Tool(msgspec.Struct):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = ABSENT
    strict: bool | None = None
    cache_control: CacheControl | None = None
    mcp_server_name: str | None = None


class WireToolChoice(msgspec.Struct, gc=False):
    """`tool_choice`."""

    type: str = ""
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


TOOL = msgspec.json.Decoder(_Tool)


class WireMessage(msgspec.Struct):
    role: str
    content: msgspec.Raw


class Metadata(msgspec.Struct, gc=False):
    user_id: str | None = None


class WireThinking(msgspec.Struct, gc=False):
    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


class Format(msgspec.Struct):
    type: str = ""
    schema: msgspec.Raw = ABSENT


class OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: Format | None = None


class Wire(msgspec.Struct):
    messages: list[WireMessage]
    model: str | None = None
    stream: bool | None = None
    system: msgspec.Raw = ABSENT
    max_tokens: int | None = None
    metadata: Metadata | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    service_tier: str | None = None
    thinking: WireThinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: WireToolChoice | None = None
    thread: msgspec.Raw = ABSENT


class _KnownWire(Wire, forbid_unknown_fields=True):
    pass


WIRE = msgspec.json.Decoder(Wire)
KNOWN_WIRE: msgspec.json.Decoder[Wire] = msgspec.json.Decoder(_KnownWire)
"""Stops at fields that we do not know: who sends none, as nearly all do, pays nothing for looking.
"""
