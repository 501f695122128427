"""A client's chat completion request -> Request."""

from typing import Final

import msgspec
from msgspec.structs import astuple

from dataplane.llm.hub.request import OutputFormat, Reasoning, Request, Tool
from dataplane.llm.translate.chat.body import (
    BODY,
    KNOWN_BODY,
    NOTHING_RARE,
    RARE,
    Body,
    Format,
)
from dataplane.llm.translate.chat.read_messages import BodyError, read_messages
from dataplane.llm.translate.chat.read_tools import (
    read_choice,
    read_functions,
    read_tools,
)
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

HINTS: Final = (
    "prediction",
    "prompt_cache_options",
    "prompt_cache_retention",
    "include_reasoning",
)
"""Fields that are understood, only advise, and have no place in the hub."""
_KNOWN: Final = frozenset(Body.__struct_fields__) | {"model", "stream"}
_FIELDS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NULL: Final = b"null"
_CHAT: Final = Protocol.CHAT
_SYSTEM: Final = ("system", "developer")


def read_request(body: bytes, model: str, stream: bool) -> Request | LocalReply:
    """The body, or a 400 that says what is wrong with it and where."""
    try:
        body.decode()  # msgspec does not look at the bytes of strings it skips
        unknown: list[str] = []
        try:
            wire = KNOWN_BODY.decode(body)
        except msgspec.ValidationError:
            wire = BODY.decode(body)
            unknown = [
                name
                for name, raw in _FIELDS.decode(body).items()
                if name not in _KNOWN and bytes(raw) != _NULL
            ]
        if not wire.messages:
            raise BodyError("`messages` is empty")
        request = _request(wire, model, stream)
        _messages(wire, request)
        has_rare = astuple(wire)[RARE] != NOTHING_RARE
        if has_rare or wire.tools or wire.tool_choice is not None:
            _tools(wire, body, request)
        if wire.parallel_tool_calls is False:
            request.parallel_tool_calls = False
        if wire.response_format is not None:
            request.output = _output(wire.response_format)
        if has_rare or wire.reasoning_effort is not None:
            _think(wire, request)
        if has_rare:
            _sampling(wire, request)
            _form(wire, request)
            _labels(wire, request)
    except (msgspec.ValidationError, BodyError) as problem:
        return LocalReply(
            400,
            f"The request is not a chat completion: {str(problem).rstrip('.')}.",
            ResponseDetail.INVALID_BODY,
        )
    except (ValueError, RecursionError) as problem:
        return LocalReply(
            400, f"The request's body is not valid JSON: {problem}.", ResponseDetail.INVALID_JSON
        )
    for name in unknown:
        (request.hints if name in HINTS else request.unknown).append(name)
    return request


def _messages(wire: Body, request: Request) -> None:
    messages = read_messages(wire.messages, request)
    first = next((n for n, one in enumerate(messages) if one.role not in _SYSTEM), -1)
    if first < 0:
        # Instructions alone are a question, too: no other API takes a request without one.
        first = len(messages) - 1
        messages[first].role = "user"
    for message in messages[:first]:
        request.system += message.parts
        if message.name:
            request.hints.append(f"{message.at}.name")
    request.messages = messages[first:]


def _tools(wire: Body, body: bytes, request: Request) -> None:
    if wire.tools or wire.tool_choice is not None:
        request.tools = read_tools(wire.tools or [], body)
        request.tool_choice = read_choice(wire.tool_choice, "tool_choice")
    if wire.functions is not None and not request.tools:
        request.tools = read_functions(wire.functions)
        request.tool_choice = read_choice(wire.function_call, "function_call")
        request.said |= {"tools": "functions", "tool_choice": "function_call"}
    options = wire.web_search_options
    if options and bytes(options) != _NULL:
        search = Tool("web_search", kind="web_search", raw=options, protocol=Protocol.CHAT)
        request.tools.append(search)
        request.said["tools[web_search]"] = "web_search_options"


def _request(wire: Body, model: str, stream: bool) -> Request:
    """With what many clients say, but for the conversation and its tools."""
    most, stop, options = wire.max_completion_tokens, wire.stop, wire.stream_options
    return Request(
        model,
        stream,
        _CHAT,
        [],
        max_output_tokens=most or wire.max_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        stop=[stop] if isinstance(stop, str) else stop or [],
        include_usage=options.include_usage if options is not None else None,
        user=wire.user or "",
        said={
            "max_output_tokens": "max_completion_tokens" if most else "max_tokens",
            "output": "response_format",
            "include_usage": "stream_options.include_usage",
        },
    )


def _sampling(wire: Body, request: Request) -> None:
    """Values that say nothing (their default) are taken as not said."""
    request.top_k = wire.top_k
    request.seed = wire.seed
    request.frequency_penalty = wire.frequency_penalty or None
    request.presence_penalty = wire.presence_penalty or None
    request.logprobs = wire.logprobs or None
    request.top_logprobs = wire.top_logprobs if wire.logprobs else None
    if wire.logit_bias and bytes(wire.logit_bias) not in (_NULL, b"{}"):
        request.logit_bias = wire.logit_bias
    request.n = wire.n if wire.n != 1 else None


def _form(wire: Body, request: Request) -> None:
    request.verbosity = wire.verbosity or ""
    if wire.modalities and wire.modalities != ["text"]:
        request.modalities = wire.modalities
        request.unknown += [name for name in ("audio",) if "audio" in (wire.modalities or ())]


def _output(wire: Format) -> OutputFormat | None:
    schema = wire.json_schema
    if wire.type == "text":
        return None
    if wire.type == "json_object":
        return OutputFormat("json")
    if wire.type != "json_schema":
        raise BodyError(f"`response_format.type` {wire.type!r} is none that we know")
    if schema is None:
        raise BodyError("`response_format.json_schema` is missing")
    return OutputFormat(
        "json_schema",
        schema.name or "",
        schema.description or "",
        schema.schema if bytes(schema.schema) not in (b"", _NULL) else None,
        schema.strict,
    )


def _think(wire: Body, request: Request) -> None:
    if (
        wire.reasoning_effort is None
        and wire.reasoning is None
        and wire.thinking is None
        and wire.enable_thinking is None
    ):
        return
    effort = wire.reasoning_effort or ""
    name = "reasoning_effort"
    reasoning = Reasoning(effort=effort)
    if wire.reasoning is not None:
        name = name if effort else "reasoning"
        reasoning.effort = effort or wire.reasoning.effort or ""
        reasoning.budget_tokens = wire.reasoning.max_tokens
        reasoning.enabled = wire.reasoning.enabled
        reasoning.show = None if wire.reasoning.exclude is None else not wire.reasoning.exclude
    if wire.thinking is not None and wire.thinking.type:
        name = name if effort else "thinking"
        reasoning.enabled = wire.thinking.type != "disabled"
        reasoning.budget_tokens = wire.thinking.budget_tokens
    if wire.enable_thinking is not None:
        name = name if effort else "enable_thinking"
        reasoning.enabled = wire.enable_thinking
    if reasoning.effort == "none":
        reasoning.enabled = False
    if reasoning != Reasoning():
        request.reasoning = reasoning
        request.said["reasoning"] = name


def _labels(wire: Body, request: Request) -> None:
    if wire.safety_identifier:
        request.user = wire.safety_identifier
        request.said["user"] = "safety_identifier"
        if wire.user and wire.user != wire.safety_identifier:
            request.hints.append("user")
    if wire.metadata and bytes(wire.metadata) not in (_NULL, b"{}"):
        request.metadata = wire.metadata
    request.service_tier = "" if wire.service_tier == "auto" else wire.service_tier or ""
    request.store = wire.store or None
    request.prompt_cache_key = wire.prompt_cache_key or ""
