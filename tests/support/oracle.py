"""What vendors' own types say of an answer: strict, and with no key that they do not know.

Each function returns the problems it finds, in words; none means that the answer is what the
vendor's current SDK takes it for.
"""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast, get_args

from anthropic import types as anthropic_types
from botocore.eventstream import EventStreamBuffer
from botocore.exceptions import ParamValidationError
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.validate import ParamValidator
from google.genai import types as google_types
from openai.types import chat as chat_types
from openai.types import responses as responses_types
from pydantic import BaseModel, TypeAdapter, ValidationError

from dataplane.llm.sse import SseDecoder
from dataplane.runtime.protocols import Protocol

EXTENSIONS = frozenset(
    (
        # what we say beyond OpenAI's own schema, as everybody's reasoning models do
        *("reasoning_content", "reasoning_details"),
        # what OpenAI says beyond its SDK's types (recordings) and the Open Responses schema wants
        *("annotations", "store", "presence_penalty", "frequency_penalty"),
        # beside the usage of a stream that somebody else has gone on with (README, Recovery)
        "outrider",
    )
)


def problems_of_answer(protocol: Protocol, body: bytes) -> list[str]:
    """Of a whole answer."""
    match protocol:
        case Protocol.CHAT:
            return _checked(chat_types.ChatCompletion, body)
        case Protocol.RESPONSES:
            return _checked(responses_types.Response, body)
        case Protocol.MESSAGES:
            return _checked(anthropic_types.Message, body)
        case Protocol.GEMINI:
            return _checked(google_types.GenerateContentResponse, body)
        case Protocol.CONVERSE:
            return _converse_answer(body)


def problems_of_stream(protocol: Protocol, body: bytes) -> list[str]:
    """Of a whole stream: each event by itself, and their order."""
    match protocol:
        case Protocol.CONVERSE:
            return _converse_stream(body)
        case Protocol.CHAT:
            return _chat_stream(_events(body))
        case Protocol.RESPONSES:
            return _responses_stream(_events(body))
        case Protocol.MESSAGES:
            return _messages_stream(_events(body))
        case Protocol.GEMINI:
            return [
                f"event {number}: {problem}"
                for number, (_, data) in enumerate(_events(body))
                for problem in _checked(google_types.GenerateContentResponse, data)
            ]


Named = tuple[str, bytes]


def _events(body: bytes) -> list[Named]:
    return [(event.name.decode(), event.data) for event in SseDecoder().feed(body)]


@cache
def _adapter(of: Any) -> TypeAdapter[Any]:
    return TypeAdapter(of)


def _checked(of: Any, body: bytes) -> list[str]:
    try:
        value = _adapter(of).validate_json(body, strict=True)
    except ValidationError as problem:
        return [
            f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in problem.errors()[:5]
        ]
    return list(_extras(value, ""))


def _extras(value: object, path: str) -> Iterator[str]:
    """Keys that the model does not know: its classes take them without a word."""
    if isinstance(value, BaseModel):
        for name in value.model_extra or ():
            if name not in EXTENSIONS:
                yield f"{path}{name}: no such key"
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            yield from _extras(item, f"{path}{at}.")


def _chat_stream(events: Sequence[Named]) -> list[str]:
    problems = []
    if not events or events[-1][1] != b"[DONE]":
        problems.append("it does not end with [DONE]")
    for number, (name, data) in enumerate(events[:-1]):
        if name:
            problems.append(f"event {number} is named {name!r}")
        problems += [f"event {number}: {p}" for p in _checked(chat_types.ChatCompletionChunk, data)]
    return problems


@cache
def _by_type(union: Any) -> dict[str, Any]:
    """Classes of a union of events by the literal of their `type`."""
    found = {}
    for one in get_args(get_args(union)[0]) or get_args(union):
        for literal in get_args(one.model_fields["type"].annotation):
            found[literal] = one
    return found


def _typed(union: Any, events: Sequence[Named]) -> Iterator[tuple[int, dict[str, Any], list[str]]]:
    for number, (name, data) in enumerate(events):
        said = json.loads(data)
        problems = [] if name == said["type"] else [f"event {number}: named {name!r}"]
        model = _by_type(union).get(said["type"])
        if model is None:
            problems.append(f"event {number}: no such type {said['type']!r}")
        else:
            problems += [f"event {number} {name}: {p}" for p in _checked(model, data)]
        yield number, said, problems


def _responses_stream(events: Sequence[Named]) -> list[str]:
    problems = []
    texts: dict[tuple[Any, ...], list[str]] = {}
    last = ""
    for number, said, wrong in _typed(responses_types.ResponseStreamEvent, events):
        problems += wrong
        if said.get("sequence_number") != number:
            problems.append(f"event {number}: sequence_number {said.get('sequence_number')}")
        kind, _, step = said["type"].rpartition(".")
        place = (kind, said.get("item_id"), said.get("content_index"), said.get("summary_index"))
        if step == "delta":
            texts.setdefault(place, []).append(said["delta"])
        elif step == "done" and ("text" in said or "arguments" in said or "refusal" in said):
            whole = said.get("text", said.get("arguments", said.get("refusal")))
            if "".join(texts.get(place, [])) != whole:
                problems.append(f"event {number}: {said['type']} is not the sum of its deltas")
        last = said["type"]
    if last not in ("response.completed", "response.incomplete", "response.failed"):
        problems.append(f"it ends with {last!r}")
    return problems


def _messages_stream(events: Sequence[Named]) -> list[str]:
    problems = []
    order = []
    named = [(name, data) for name, data in events if name != "ping"]
    for _, said, wrong in _typed(anthropic_types.RawMessageStreamEvent, named):
        problems += wrong
        order.append((said["type"], said.get("index")))
    expected: list[tuple[str, int | None]] = [("message_start", None)]
    blocks = sum(kind == "content_block_start" for kind, _ in order)
    for at in range(blocks):
        deltas = [one for one in order if one == ("content_block_delta", at)]
        expected += [("content_block_start", at), *deltas, ("content_block_stop", at)]
    expected += [("message_delta", None), ("message_stop", None)]
    if order != expected:
        problems.append(f"order: {[kind for kind, _ in order]}")
    return problems


@cache
def _bedrock() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def _operation(name: str) -> OperationModel:
    return cast(OperationModel, _bedrock().operation_model(name))


def _converse_answer(body: bytes) -> list[str]:
    shape = _operation("Converse").output_shape
    said = json.loads(body)
    return [*_unknown(said, shape, ""), *_invalid(_decoded(said, shape), shape)]


def _converse_stream(body: bytes) -> list[str]:
    shape = _operation("ConverseStream").output_shape.members["stream"]
    problems = []
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    last = ""
    for number, frame in enumerate(buffer):
        kind = frame.headers.get(":event-type") or frame.headers.get(":exception-type")
        if kind not in shape.members:
            problems.append(f"frame {number}: no such event {kind!r}")
            continue
        member = shape.members[kind]
        said = json.loads(frame.payload)
        said.pop("p", None)
        problems += [f"frame {number} {p}" for p in _unknown(said, member, kind + ".")]
        problems += [f"frame {number} {p}" for p in _invalid(_decoded(said, member), member)]
        last = str(kind)
    if last not in ("metadata", "messageStop"):
        problems.append(f"it ends with {last!r}")
    return problems


def _invalid(said: Any, shape: Any) -> list[str]:
    report = ParamValidator().validate(said, shape)
    try:
        return [report.generate_report()] if report.has_errors() else []
    except ParamValidationError as problem:
        return [str(problem)]


def _decoded(said: Any, shape: Any) -> Any:
    """JSON as botocore would hand it to a caller: its validator wants real bytes."""
    match shape.type_name:
        case "structure" if isinstance(said, dict) and not shape.metadata.get("document"):
            return {
                name: _decoded(value, shape.members[name])
                for name, value in said.items()
                if name in shape.members
            }
        case "list" if isinstance(said, list):
            return [_decoded(value, shape.member) for value in said]
        case "blob" if isinstance(said, str):
            return said.encode()
        case _:
            return said


def _unknown(said: Any, shape: Any, path: str) -> Iterator[str]:
    if isinstance(said, dict) and shape.type_name == "structure":
        if shape.metadata.get("document"):
            return
        for name, value in said.items():
            if name not in shape.members:
                yield f"{path}{name}: no such key"
            else:
                yield from _unknown(value, shape.members[name], f"{path}{name}.")
    elif isinstance(said, list) and shape.type_name == "list":
        for at, value in enumerate(said):
            yield from _unknown(value, shape.member, f"{path}{at}.")
