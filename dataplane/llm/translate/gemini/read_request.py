"""The body of :generateContent or :countTokens -> Request."""

from dataplane.llm.hub.request import Request
from dataplane.llm.translate.gemini.fields import Fields, Wrong
from dataplane.llm.translate.gemini.read_config import read_config
from dataplane.llm.translate.gemini.read_contents import ContentsReader
from dataplane.llm.translate.gemini.read_tools import read_tool_choice, read_tools
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

_SAID = {
    "messages": "contents",
    "system": "systemInstruction",
    "tool_choice": "toolConfig.functionCallingConfig",
    "metadata": "labels",
    "service_tier": "serviceTier",
}


def read_request(body: bytes, model: str, stream: bool) -> Request | LocalReply:
    """A client's request, or the 400 that says what is wrong with it."""
    return _reading(body, model, stream, counting=False)


def read_count_request(body: bytes, model: str) -> Request | LocalReply:
    """A request to count tokens: contents alone, or a whole `generateContentRequest`."""
    return _reading(body, model, stream=False, counting=True)


def _reading(body: bytes, model: str, stream: bool, counting: bool) -> Request | LocalReply:
    try:
        # msgspec does not look at the bytes of strings it skips.
        body.decode()
        fields = Fields(body, "")
        if counting:
            fields = fields.object("generateContentRequest") or fields
        return _read(fields, Request(model, stream, Protocol.GEMINI, []))
    except Wrong as problem:
        return LocalReply(
            400,
            f"The request is not a Gemini generateContent request: {problem}.",
            ResponseDetail.INVALID_BODY,
        )
    except (ValueError, RecursionError) as problem:
        return LocalReply(
            400, f"The request's body is not valid JSON: {problem}.", ResponseDetail.INVALID_JSON
        )


def _read(fields: Fields, request: Request) -> Request:
    fields.raw("model")  # the path has it
    request.said = {field: fields.place(word) for field, word in _SAID.items()}
    reader = ContentsReader()
    place = fields.place("systemInstruction")
    request.system = reader.system(fields.raw("systemInstruction"), place)
    request.messages = reader.messages(fields.objects("contents"))
    if not request.messages:
        raise Wrong(f"Expected at least one content - at `{fields.place('contents')}`")
    request.hints += reader.hints
    request.unknown += reader.unknown
    request.tools = read_tools(fields.objects("tools"), request.hints, request.unknown)
    request.tool_choice = read_tool_choice(
        fields.object("toolConfig"), request.hints, request.unknown
    )
    config = fields.object("generationConfig")
    if config is not None:
        read_config(config, request)
    request.metadata = fields.raw("labels")
    request.service_tier = _tier(fields.text("serviceTier").lower())
    request.store = fields.boolean("store")
    if fields.raw("safetySettings") is not None:
        # Everybody sends them, mostly to switch Google's own filters off.
        request.hints.append(fields.place("safetySettings"))
    request.unknown += fields.rest()
    return request


def _tier(told: str) -> str:
    told = told.removeprefix("service_tier_")
    return "" if told == "unspecified" else told
