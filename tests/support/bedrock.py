"""Bedrock's own model of Converse (botocore's) as a strict judge: no unknown member, none missing,
every value within its bounds.
"""

import base64
import json
import re
from functools import cache
from typing import Any

import botocore.session
from botocore.eventstream import EventStreamBuffer


@cache
def _service() -> Any:
    return botocore.session.get_session().get_service_model("bedrock-runtime")


def problems_of_request(body: bytes) -> list[str]:
    """What Bedrock's model says against the body of a Converse request."""
    told = json.loads(body)
    shape = _service().operation_model("ConverseStream").input_shape
    return _problems(shape, {"modelId": "a.b"} | told, "$")


def problems_of_answer(body: bytes) -> list[str]:
    """The same for an answer."""
    return _problems(_service().operation_model("Converse").output_shape, json.loads(body), "$")


def events_of(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Name and payload of each frame, as botocore reads them (checksums included)."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    found = []
    for message in buffer:
        told = message.to_response_dict()
        kind = told["headers"][":message-type"]
        found.append((told["headers"][f":{kind}-type"], json.loads(told["body"])))
    return found


def problems_of_stream(stream: bytes) -> list[str]:
    """What Bedrock's model says against the events of a stream, and against their order."""
    shape = _service().operation_model("ConverseStream").output_shape.members["stream"]
    found: list[str] = []
    order = []
    for name, payload in events_of(stream):
        if name not in shape.members:
            found.append(f"event {name} is unknown")
            continue
        found += _problems(shape.members[name], payload, name)
        at = payload.get("contentBlockIndex")
        order.append(f"{name}{'' if at is None else f' {at}'};")
    told = "".join(order)
    block = r"(contentBlockStart (\d+);)?(contentBlockDelta \d+;)*"
    # A stream that is cut is judged as far as it goes.
    rule = rf"(messageStart;({block}contentBlockStop \d+;)*{block})?(messageStop;(metadata;)?)?"
    told = re.sub(r"\w+Exception;$", "", told)
    if not re.fullmatch(rule, told):
        found.append(f"order: {told}")
    return found


def _problems(shape: Any, value: Any, at: str) -> list[str]:
    match shape.type_name:
        case "structure" if shape.is_document_type:
            return []
        case "structure":
            return _of_structure(shape, value, at)
        case "list":
            if not isinstance(value, list):
                return [f"{at}: no list"]
            found = [] if len(value) >= shape.metadata.get("min", 0) else [f"{at}: too short"]
            for number, item in enumerate(value):
                found += _problems(shape.member, item, f"{at}[{number}]")
            return found
        case "map":
            return [p for key, item in value.items() for p in _problems(shape.value, item, at)]
        case "blob":
            return [] if base64.b64decode(value, validate=True) else [f"{at}: empty"]
        case "string":
            return _of_string(shape, value, at)
        case "boolean":
            return [] if isinstance(value, bool) else [f"{at}: no boolean"]
        case _:
            return _of_number(shape, value, at)


def _of_structure(shape: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: no object"]
    found = [f"{at}: unknown {name}" for name in value if name not in shape.members]
    found += [f"{at}: lacks {name}" for name in shape.required_members if name not in value]
    union = shape.is_tagged_union or shape.name in ("ContentBlock", "Tool", "SystemContentBlock")
    if union and len(value) != 1:
        found.append(f"{at}: not one of {list(shape.members)}")
    for name, item in value.items():
        if name in shape.members:
            found += _problems(shape.members[name], item, f"{at}.{name}")
    return found


def _of_string(shape: Any, value: Any, at: str) -> list[str]:
    if not isinstance(value, str):
        return [f"{at}: no string"]
    bounds = shape.metadata
    found = []
    if shape.enum and value not in shape.enum:
        found.append(f"{at}: {value} is none of {shape.enum}")
    if not bounds.get("min", 0) <= len(value) <= bounds.get("max", len(value)):
        found.append(f"{at}: length {len(value)}")
    if "pattern" in bounds and not re.fullmatch(bounds["pattern"], value):
        found.append(f"{at}: {value!r} has other characters")
    if shape.name == "DocumentBlockNameString" and not re.fullmatch(
        r"[A-Za-z0-9()\[\]-]+( [A-Za-z0-9()\[\]-]+)*", value
    ):
        found.append(f"{at}: {value!r} has other characters")
    return found


def _of_number(shape: Any, value: Any, at: str) -> list[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return [f"{at}: no number"]
    bounds = shape.metadata
    if not bounds.get("min", value) <= value <= bounds.get("max", value):
        return [f"{at}: {value} is out of bounds"]
    return []
