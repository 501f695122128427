"""The JSON object that a tool is called with."""

from typing import Final

import msgspec

from dataplane.llm.hub.custom import wrapped
from dataplane.llm.hub.parts import ToolCall

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODER: Final = msgspec.json.Encoder()


def tool_input(call: ToolCall) -> msgspec.Raw:
    """The arguments of a call; the text of a custom tool's is wrapped."""
    return object_of(wrapped(call.arguments) if call.custom else call.arguments)


def object_of(arguments: str) -> msgspec.Raw:
    """Arguments as they came, when they are an object; nothing at all is an empty one.

    Others are wrapped, as Anthropic's documents advise, and so visible.
    """
    words = arguments.encode("utf-8", "replace") if arguments.strip() else b"{}"
    try:
        _OBJECT.decode(words)
    except (ValueError, RecursionError):
        return msgspec.Raw(_ENCODER.encode({"INVALID_JSON": words.decode()}))
    return msgspec.Raw(words)
