"""A client's message request -> Request."""

from typing import Final

import msgspec

from dataplane.llm.hub.request import Message, OutputFormat, Reasoning, Request, Tool
from dataplane.llm.translate.messages.body import (
    KNOWN_WIRE,
    WIRE,
    Metadata,
    OutputConfig,
    Wire,
    WireMessage,
    WireThinking,
    WireToolChoice,
)
from dataplane.llm.translate.messages.read_parts import BlockError, read_parts
from dataplane.llm.translate.messages.read_tools import read_tool, read_tool_choice
from dataplane.llm.translate.messages.wire import ABSENT
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])

_HINTS: Final = {
    "cache_control",  # where a cache may begin
    "context_management",  # which old parts the server may forget
    "diagnostics",
    "speed",
    "user_profile_id",
    "workspace_id",
    "output_config.task_budget",  # how long the model should reckon with working
}
"""Top-level fields that change nothing about what is answered."""
_BLOCK_HINTS: Final = {"transformations", "toolset_name"}
"""Fields of blocks: what to do with images that are too large, which set a tool is of."""
_SAID_NOTHING: Final = {b"null", b"[]", b"{}", b'"standard"'}
"""Values of fields we do not carry that ask for nothing."""
_SAID: Final = {
    "max_output_tokens": "max_tokens",
    "stop": "stop_sequences",
    "user": "metadata.user_id",
    "output": "output_config.format",
    "reasoning": "thinking",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
}
_NESTED: dict[str, type[msgspec.Struct]] = {
    "metadata": Metadata,
    "thinking": WireThinking,
    "output_config": OutputConfig,
    "tool_choice": WireToolChoice,
}
"""Objects whose own fields are looked at one by one."""
_CARRIED: Final = frozenset(Wire.__struct_fields__).difference(_NESTED)
"""Fields of which there is nothing more to say."""
_ROLES: Final = ("user", "assistant", "system")


_MESSAGES: Final = Protocol.MESSAGES
_NULL: Final = msgspec.Raw(b"null")
_NO_THREADS: Final = LocalReply(
    400,
    "The model's provider keeps no threads: every request has to say the whole conversation.",
    ResponseDetail.THREAD_UNSUPPORTED,
)


def read_request(body: bytes, model: str, stream: bool) -> Request | LocalReply:
    """The request, or a 400 that says what is wrong with it."""
    try:
        # msgspec does not look at the bytes of strings it skips.
        body.decode()
        has_more = False
        try:
            wire = KNOWN_WIRE.decode(body)
        except msgspec.ValidationError:
            wire = WIRE.decode(body)
            has_more = True
        if wire.thread not in (ABSENT, _NULL):
            # Not even the operator may drop it: the client's next turn would say only what is new.
            return _NO_THREADS
        request = _request(wire, model or wire.model or "", stream)
        if has_more or wire.metadata or wire.thinking or wire.output_config or wire.tool_choice:
            _note_unknown(body, request)
        return request
    except msgspec.ValidationError as problem:
        return _refuse(str(problem))
    except BlockError as problem:
        return _refuse(str(problem))
    except (ValueError, RecursionError) as problem:
        return LocalReply(
            400, f"The request's body is not valid JSON: {problem}.", ResponseDetail.INVALID_JSON
        )


def _request(wire: Wire, model: str, stream: bool) -> Request:
    if not wire.messages:
        raise BlockError("messages: at least one message is required")
    choice = wire.tool_choice
    extra: list[str] = []
    request = Request(
        model,
        stream,
        _MESSAGES,
        [_message(message, f"messages[{n}]", extra) for n, message in enumerate(wire.messages)],
        system=read_parts(wire.system, "system", extra),
        tool_choice=read_tool_choice(choice) if choice is not None else None,
        max_output_tokens=wire.max_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        stop=wire.stop_sequences or [],
        output=_output(wire),
        reasoning=_reasoning(wire),
        user=((wire.metadata.user_id or "") if wire.metadata is not None else ""),
        service_tier=wire.service_tier or "",
        said=dict(_SAID),
    )
    if choice is not None and choice.disable_parallel_tool_use is not None:
        request.parallel_tool_calls = not choice.disable_parallel_tool_use
    if wire.thinking is None:
        request.said["reasoning"] = "output_config.effort"
    if wire.output_format is not None:
        request.said["output"] = "output_format"
    for place in extra:
        advises = place.rpartition(".")[2] in _BLOCK_HINTS
        (request.hints if advises else request.unknown).append(place)
    _read_tools(wire.tools or [], request)
    return request


def _note_unknown(body: bytes, request: Request) -> None:
    for name, value in _FIELDS.decode(body).items():
        if name in _CARRIED or bytes(value) in _SAID_NOTHING:
            continue
        if name in _NESTED:
            _note_nested(name, value, request)
        elif name not in Wire.__struct_fields__:
            (request.hints if name in _HINTS else request.unknown).append(name)


def _note_nested(name: str, value: msgspec.Raw, request: Request) -> None:
    for key, inner in _FIELDS.decode(value).items():
        if key in _NESTED[name].__struct_fields__ or bytes(inner) in _SAID_NOTHING:
            continue
        field = f"{name}.{key}"
        (request.hints if field in _HINTS or name == "metadata" else request.unknown).append(field)


def _message(wire: WireMessage, at: str, extra: list[str]) -> Message:
    if wire.role not in _ROLES:
        raise BlockError(f"{at}: the role `{wire.role}` is not one of user, assistant, system")
    return Message(wire.role, read_parts(wire.content, f"{at}.content", extra), at=at)


def _read_tools(raws: list[msgspec.Raw], request: Request) -> None:
    tools: list[Tool] = []
    for number, raw in enumerate(raws):
        at = f"tools[{number}]"
        try:
            tool, hints, unknown = read_tool(raw, at)
        except msgspec.MsgspecError as problem:
            raise BlockError(f"{at}: {problem}") from problem
        tools.append(tool)
        request.hints += hints
        request.unknown += unknown
    request.tools = tools


def _output(wire: Wire) -> OutputFormat | None:
    config = wire.output_config
    form = (config.format if config is not None else None) or wire.output_format
    if form is None:
        return None
    if form.type != "json_schema" or not form.schema:
        raise BlockError("output_config.format: a `json_schema` with its `schema` is expected")
    return OutputFormat("json_schema", schema=form.schema, strict=True)


def _reasoning(wire: Wire) -> Reasoning | None:
    effort = (wire.output_config.effort or "") if wire.output_config is not None else ""
    thinking = wire.thinking
    if thinking is None:
        return Reasoning(effort=effort) if effort else None
    shown = {"summarized": True, "omitted": False}.get(thinking.display or "")
    match thinking.type:
        case "enabled":
            return Reasoning(True, effort, thinking.budget_tokens, show=shown)
        case "adaptive":
            return Reasoning(True, effort, show=shown)
        case "disabled" | "between_tools":
            return Reasoning(False, effort)
        case _:
            raise BlockError(
                f"thinking: `{thinking.type}` is not one of enabled, adaptive, between_tools, "
                "disabled"
            )


def _refuse(problem: str) -> LocalReply:
    return LocalReply(
        400, f"The request is not a message request: {problem}.", ResponseDetail.INVALID_BODY
    )
