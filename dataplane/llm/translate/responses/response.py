"""The response object round the output: what it repeats of the request, with the API's defaults."""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from dataplane.llm.hub.answer import Finish, Usage
from dataplane.llm.hub.literals import literal
from dataplane.llm.hub.request import Request, Tool
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.responses.wire import NAMED, usage_json

_NULL: Final = msgspec.Raw(b"null")
_TOOLS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT: Final = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder()

_REPEATED: Final = {
    "background": b"false",
    "instructions": b"null",
    "max_output_tokens": b"null",
    "max_tool_calls": b"null",
    "metadata": b"{}",
    "parallel_tool_calls": b"true",
    "previous_response_id": b"null",
    "prompt_cache_key": b"null",
    "safety_identifier": b"null",
    "store": b"true",
    "temperature": b"1.0",
    "tool_choice": b'"auto"',
    "top_logprobs": b"0",
    "top_p": b"1.0",
    "truncation": b'"disabled"',
    "user": b"null",
    # The API's book does not have these two; Open Responses wants them, and OpenAI sends them.
    "presence_penalty": b"0.0",
    "frequency_penalty": b"0.0",
}
"""Fields that an answer has from the request, and the API's defaults."""
_MADE_DEFAULTS: Final = {
    "reasoning": b'{"effort":null,"summary":null}',
    "text": b'{"format":{"type":"text"},"verbosity":"medium"}',
    "tools": b"[]",
}
_DEFAULTS: Final[list[bytes]] = [
    piece
    for name, value in (_REPEATED | _MADE_DEFAULTS).items()
    for piece in (b',"%b":' % name.encode(), value)
]
"""Keys and values, in turn."""
_PLACES: Final = {name: 2 * n + 1 for n, name in enumerate(_REPEATED | _MADE_DEFAULTS)}
"""Of a field's value among _DEFAULTS."""
_PREVIOUS: Final = _PLACES["previous_response_id"]
REPEATED: Final = frozenset(_PLACES)
"""What is kept of a request for its answer."""
_TIERS: Final = ("auto", "default", "flex", "scale", "priority")
_STOP: Final = Finish.STOP
_REFUSAL: Final = Finish.REFUSAL
_ERROR: Final = Finish.ERROR
_INCOMPLETE: Final = {
    Finish.LENGTH: b"max_output_tokens",
    Finish.CONTEXT_LENGTH: b"max_output_tokens",
    # What is left to say comes when the answer is sent back; there is no word for that.
    Finish.PAUSE: b"max_output_tokens",
    Finish.CONTENT_FILTER: b"content_filter",
    Finish.REFUSAL: b"content_filter",
}


@dataclass(frozen=True, slots=True)
class Called:
    """How the client calls a tool that the provider has called."""

    name: str
    namespace: str = ""
    custom: bool = False


def called(request: Request, name: str) -> Called:
    """How a tool is called in the request that the provider knows by this name."""
    for tool in request.tools:
        if tool.name == name and _is_special(tool):
            own = NAMED.decode(tool.raw).name if tool.raw is not None and tool.namespace else name
            return Called(own, tool.namespace, tool.kind == "custom")
    return Called(name)


def _is_special(tool: Tool) -> bool:
    return tool.kind == "custom" or bool(tool.namespace)


def closing(finish: Finish, *, refused: bool) -> tuple[bytes, bytes]:
    """(status, incomplete_details) of a response whose model stopped so."""
    if finish is _STOP or (finish is _REFUSAL and refused):
        return b"completed", b"null"
    if finish is _ERROR:
        return b"failed", b"null"
    reason = _INCOMPLETE.get(finish)
    if reason is None:
        return b"completed", b"null"
    return b"incomplete", b'{"reason":"%b"}' % reason


class Shell:
    """A response object but for what the model made of it."""

    def __init__(self, echo: Echo) -> None:
        self._id = b"resp_" + echo.answer_id.encode()
        self._asked = echo.request.model
        self._created = echo.created
        self._repeated = _repeated(echo)

    def is_called(self, response_id: str) -> None:
        """The client knows the response by another id."""
        self._id = response_id.encode()

    def written(
        self,
        status: bytes,
        output: list[bytes],
        model: str = "",
        created: int = 0,
        service_tier: str = "",
        usage: Usage | None = None,
        error: bytes = b"null",
        incomplete: bytes = b"null",
    ) -> bytes:
        """The whole object."""
        return (
            b'{"id":"%b","object":"response","created_at":%d,"status":"%b","completed_at":null,'
            b'"error":%b,"incomplete_details":%b,"model":%b,"output":[%b],"service_tier":"%b",'
            b'"usage":%b%b}'
        ) % (
            self._id,
            created or self._created,
            status,
            error,
            incomplete,
            literal(model or self._asked),
            b",".join(output),
            service_tier.encode() if service_tier in _TIERS else b"default",
            usage_json(usage),
            self._repeated,
        )


def _repeated(echo: Echo) -> bytes:
    """Fields from the request, each with a comma before it."""
    members: list[bytes | msgspec.Raw] = [*_DEFAULTS]
    for name, raw in echo.request.echo.items():
        if raw == _NULL:
            continue
        if name == "reasoning":
            members[_PLACES[name]] = _reasoning(raw)
        elif name == "text":
            members[_PLACES[name]] = _text(raw)
        elif name == "tools":
            members[_PLACES[name]] = _tools(raw)
        elif name in _REPEATED:
            members[_PLACES[name]] = raw  # (a buffer, which `join` takes as it is)
    if echo.request.previous_response_id:
        members[_PREVIOUS] = literal(echo.request.previous_response_id)
    return b"".join(members)


def _reasoning(asked: msgspec.Raw) -> bytes:
    return _ENCODER.encode({"effort": None, "summary": None, **_OBJECT.decode(asked)})


def _tools(asked: msgspec.Raw) -> bytes:
    return b"[%b]" % b",".join([_tool(raw) for raw in _TOOLS.decode(asked)])


def _text(asked: msgspec.Raw) -> bytes:
    said = _OBJECT.decode(asked)
    form = said.get("format") or {"type": "text"}
    if form.get("type") == "json_schema":
        form = {"description": None, "strict": False, **form}
    return _ENCODER.encode({"format": form, "verbosity": said.get("verbosity") or "medium"})


def _tool(raw: msgspec.Raw) -> bytes:
    """As the API repeats it: a function with all its fields."""
    tool = _OBJECT.decode(raw)
    if tool.get("type", "function") != "function":
        return bytes(raw)
    told = tool.pop("function", None) or {}
    whole: dict[str, Any] = {"type": "function", "description": None, "parameters": None}
    return _ENCODER.encode(whole | {"strict": True} | tool | told)
