"""A Converse request -> Request.

Rule: every member of the request is read, told as a hint, or named as unknown.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from dataplane.llm.hub.parts import Part, Text
from dataplane.llm.hub.request import Message, OutputFormat, Reasoning, Request
from dataplane.llm.translate.converse.read_extra import read_extra
from dataplane.llm.translate.converse.read_parts import BlockError, BlockReader
from dataplane.llm.translate.converse.read_tools import read_tool_config
from dataplane.llm.translate.converse.wire import FIELDS, WireTier
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

Fields = dict[str, msgspec.Raw]


class _Message(msgspec.Struct):
    role: str
    content: list[Fields]


class _Inference(msgspec.Struct):
    maxTokens: int | None = None
    temperature: float | None = None
    topP: float | None = None
    stopSequences: list[str] | None = None


class _JsonSchema(msgspec.Struct):
    schema: str
    name: str | None = None
    description: str | None = None


class _Structure(msgspec.Struct):
    jsonSchema: _JsonSchema | None = None


class _TextFormat(msgspec.Struct):
    structure: _Structure | None = None
    type: str = ""


class _OutputConfig(msgspec.Struct):
    textFormat: _TextFormat | None = None
    effort: str | None = None


class _Performance(msgspec.Struct):
    latency: str | None = None


_MESSAGES = msgspec.json.Decoder(list[_Message])
_BLOCKS = msgspec.json.Decoder(list[Fields])
_INFERENCE = msgspec.json.Decoder(_Inference)
_OUTPUT = msgspec.json.Decoder(_OutputConfig)
_PERFORMANCE = msgspec.json.Decoder(_Performance)
_TIER = msgspec.json.Decoder(WireTier)
_LABELS = msgspec.json.Decoder(dict[str, str])
_PATHS = msgspec.json.Decoder(list[str])
_ROLES = ("user", "assistant", "system")
_INFERENCE_FIELDS = {
    "maxTokens": "max_output_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "stopSequences": "stop",
}
PATHS = "additionalModelResponseFieldPaths"
STOP_SEQUENCE_PATHS = ("/stop_sequence", "/delta/stop_sequence")
"""The one field of a model's own answer that every answer of ours can tell."""


def read_request(body: bytes, model: str, stream: bool) -> Request | LocalReply:
    """A client's body -> Request, or a 400 that says what is wrong with it."""
    try:
        # msgspec does not look at the bytes of strings it skips.
        body.decode()
        fields = FIELDS.decode(body)
        request = Request(model, stream, Protocol.CONVERSE, [])
        if PATHS in fields:
            request.echo = {PATHS: fields[PATHS].copy()}
        reader = BlockReader()
        said: dict[str, str] = {}
        request.said = said
        request.hints, request.unknown = reader.hints, reader.unknown
        for name, raw in fields.items():
            if bytes(raw) == b"null":
                continue
            take = _TAKES.get(name)
            if take is None:
                request.unknown.append(name)
                continue
            try:
                take(request, raw, reader)
            except msgspec.ValidationError as problem:
                raise BlockError(f"{name}: {problem}") from problem
    except BlockError as problem:
        return _refuse(str(problem))
    except msgspec.ValidationError as problem:
        return _refuse(str(problem))
    except (ValueError, RecursionError) as problem:
        return LocalReply(
            400, f"The request's body is not valid JSON: {problem}.", ResponseDetail.INVALID_JSON
        )
    if not request.messages:
        return _refuse("Expected at least one message - at `$.messages`")
    return request


def _refuse(problem: str) -> LocalReply:
    return LocalReply(
        400, f"The request is not a Converse request: {problem}.", ResponseDetail.INVALID_BODY
    )


def strange(raw: msgspec.Raw, known: type[msgspec.Struct], at: str, reader: BlockReader) -> None:
    """Name the members that `known` does not have."""
    members = FIELDS.decode(raw)
    fields = known.__struct_fields__
    reader.unknown.extend(
        f"{at}.{name}"
        for name, value in members.items()
        if name not in fields and bytes(value) != b"null"
    )


def _messages(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    for number, wire in enumerate(_MESSAGES.decode(raw)):
        at = f"messages[{number}]"
        if wire.role not in _ROLES:
            raise BlockError(f"{at}.role: expected one of {', '.join(_ROLES)}")
        parts = reader.parts(wire.content, f"{at}.content")
        request.messages.append(Message(wire.role, parts, at=at))


def _system(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    parts: list[Part] = []
    for part in reader.parts(_BLOCKS.decode(raw), "system"):
        if isinstance(part, Text):
            parts.append(part)
        else:
            reader.unknown.append("system: a block that is no text")
    request.system = parts


def _inference(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    strange(raw, _Inference, "inferenceConfig", reader)
    wire = _INFERENCE.decode(raw)
    for name, field in _INFERENCE_FIELDS.items():
        value = getattr(wire, name)
        if value is not None:
            setattr(request, field, value)
            request.said[field] = f"inferenceConfig.{name}"


def _tools(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    read_tool_config(request, raw, reader)


def _extra(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    read_extra(request, raw, reader.hints, reader.unknown)


def _output(request: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    strange(raw, _OutputConfig, "outputConfig", reader)
    wire = _OUTPUT.decode(raw)
    if wire.effort:
        reasoning = request.reasoning or Reasoning()
        reasoning.effort = wire.effort
        request.reasoning = reasoning
        request.said.setdefault("reasoning", "outputConfig.effort")
    form = wire.textFormat
    if form is None:
        return
    schema = form.structure.jsonSchema if form.structure is not None else None
    if form.type != "json_schema" or schema is None:
        request.unknown.append("outputConfig.textFormat")
        return
    try:
        # It is a JSON schema, written as a string.
        FIELDS.decode(schema.schema)
    except (ValueError, RecursionError) as problem:
        at = "outputConfig.textFormat.structure.jsonSchema.schema"
        raise BlockError(f"{at}: it is no JSON schema: {problem}") from problem
    request.output = OutputFormat(
        "json_schema",
        name=schema.name or "",
        description=schema.description or "",
        schema=msgspec.Raw(schema.schema.encode()),
    )
    request.said["output"] = "outputConfig.textFormat"


def _metadata(request: Request, raw: msgspec.Raw, _: BlockReader) -> None:
    _LABELS.decode(raw)
    request.metadata = raw
    request.said["metadata"] = "requestMetadata"


def _performance(_: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    if _PERFORMANCE.decode(raw).latency not in (None, "standard"):
        reader.hints.append("performanceConfig.latency")


def _service_tier(request: Request, raw: msgspec.Raw, _: BlockReader) -> None:
    request.service_tier = _TIER.decode(raw).type
    request.said["service_tier"] = "serviceTier.type"


def _response_paths(_: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
    """Fields of a model's own answer: our answers have the stop sequence, see write_answer."""
    reader.hints.extend(
        f"additionalModelResponseFieldPaths: {path}"
        for path in _PATHS.decode(raw)
        if path not in STOP_SEQUENCE_PATHS
    )


def _nothing_asked(name: str) -> Callable[[Request, msgspec.Raw, BlockReader], None]:
    """Members that only Bedrock knows: unknown, unless they are empty."""

    def take(_: Request, raw: msgspec.Raw, reader: BlockReader) -> None:
        if msgspec.json.decode(raw, type=dict[str, Any]):
            reader.unknown.append(name)

    return take


_TAKES: dict[str, Callable[[Request, msgspec.Raw, BlockReader], None]] = {
    "messages": _messages,
    "system": _system,
    "inferenceConfig": _inference,
    "toolConfig": _tools,
    "additionalModelRequestFields": _extra,
    "outputConfig": _output,
    "requestMetadata": _metadata,
    "performanceConfig": _performance,
    "serviceTier": _service_tier,
    "additionalModelResponseFieldPaths": _response_paths,
    "guardrailConfig": _nothing_asked("guardrailConfig"),
    "promptVariables": _nothing_asked("promptVariables"),
}


def wants_stop_sequence(echo: Mapping[str, msgspec.Raw]) -> str:
    """The path by which a client asked for the stop sequence; empty when it did not."""
    try:
        paths = _PATHS.decode(echo[PATHS])
    except (KeyError, ValueError, RecursionError):
        return ""
    return next((path for path in paths if path in STOP_SEQUENCE_PATHS), "")
