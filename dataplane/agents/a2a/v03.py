"""Version 0.3 of A2A <-> the JSON of 1.0; of 0.3 there are two: with `kind`, and protobuf's (REST).

Rule: what a value says is the same in all three; what 1.0 has no word for is dropped.
"""

from enum import Enum
from typing import Any

from dataplane.agents.a2a.values import (
    PAUSED,
    TERMINAL,
    Json,
    kind_of,
    mapping,
    objects,
    present,
    strings,
    text,
)


class Form(Enum):
    """How values are written."""

    V1 = "1.0"
    KINDS = "0.3"
    """JSON-RPC of 0.3: every object says its `kind`."""
    PROTO = "0.3 proto"
    """REST of 0.3, as the Python SDK has it."""


_KINDS = {
    "task": "task",
    "message": "message",
    "status-update": "statusUpdate",
    "artifact-update": "artifactUpdate",
}
_NAMES = {ours: theirs for theirs, ours in _KINDS.items()}


def old_event(event: Json, form: Form) -> Json:
    """An event or a result of 1.0, in another form."""
    kind = kind_of(event)
    if form is Form.V1 or not kind:
        return event
    body = mapping(event[kind])
    made = _MAKERS[kind](body, form)
    return made | {"kind": _NAMES[kind]} if form is Form.KINDS else {kind: made}


def new_event(value: Json) -> Json:
    """An event or a result of 0.3, either form, as one of 1.0; empty when it is none."""
    kind = _KINDS.get(text(value.get("kind")), "")
    body = value
    if not kind:
        kind = kind_of(value)
        body = mapping(value.get(kind))
    return {kind: _READERS[kind](body)} if kind else {}


def old_task(task: Json, form: Form) -> Json:
    """A task of 1.0."""
    if form is Form.V1:
        return task
    made = present(
        id=task.get("id"),
        contextId=task.get("contextId"),
        artifacts=[_old_artifact(one, form) for one in objects(task.get("artifacts"))],
        history=[old_message(one, form) for one in objects(task.get("history"))],
        metadata=task.get("metadata"),
    ) | {"status": _old_status(mapping(task.get("status")), form)}
    return made | {"kind": "task"} if form is Form.KINDS else made


def new_task(task: Json) -> Json:
    """A task of 0.3."""
    return present(
        id=task.get("id"),
        contextId=task.get("contextId"),
        artifacts=[_new_artifact(one) for one in objects(task.get("artifacts"))],
        history=[new_message(one) for one in objects(task.get("history"))],
        metadata=task.get("metadata"),
    ) | {"status": _new_status(mapping(task.get("status")))}


def old_message(message: Json, form: Form) -> Json:
    """A message of 1.0."""
    if form is Form.V1:
        return message
    parts = [_old_part(one, form) for one in objects(message.get("parts"))]
    kept = ("messageId", "contextId", "taskId", "metadata", "extensions", "referenceTaskIds")
    made = {name: message[name] for name in kept if message.get(name)}
    role = text(message.get("role"))
    if form is Form.PROTO:
        return made | {"role": role or "ROLE_AGENT", "content": parts}
    return made | {
        "kind": "message",
        "role": "user" if role == "ROLE_USER" else "agent",
        "parts": parts,
    }


def new_message(message: Json) -> Json:
    """A message of 0.3, either form."""
    parts = message.get("parts", message.get("content"))
    kept = ("messageId", "contextId", "taskId", "metadata", "extensions", "referenceTaskIds")
    role = text(message.get("role")).upper().removeprefix("ROLE_")
    made = {name: message[name] for name in kept if message.get(name)}
    return made | {
        "role": "ROLE_USER" if role == "USER" else "ROLE_AGENT",
        "parts": [_new_part(one) for one in objects(parts)],
    }


def _old_part(part: Json, form: Form) -> Json:
    more = present(metadata=part.get("metadata"))
    if isinstance(part.get("text"), str):
        made: Json = {"text": part["text"]}
        kind = "text"
    elif "data" in part:
        data = part["data"] if isinstance(part["data"], dict) else {"value": part["data"]}
        made = {"data": data if form is Form.KINDS else {"data": data}}
        kind = "data"
    else:
        name, mime = part.get("filename"), part.get("mediaType")
        proto = form is Form.PROTO
        at, raw = ("fileWithUri", "fileWithBytes") if proto else ("uri", "bytes")
        place = {at: part["url"]} if part.get("url") else {raw: text(part.get("raw"))}
        made = {"file": place | present(name=name, mimeType=mime)}
        kind = "file"
    return ({"kind": kind} if form is Form.KINDS else {}) | made | more


def _new_part(part: Json) -> Json:
    more = present(metadata=part.get("metadata"))
    if isinstance(part.get("text"), str):
        return {"text": part["text"]} | more
    if "data" in part:
        data = part["data"]
        if not part.get("kind") and isinstance(data, dict) and set(data) == {"data"}:
            data = data["data"]
        return {"data": data} | more
    file = mapping(part.get("file"))
    uri = file.get("uri", file.get("fileWithUri"))
    raw = file.get("bytes", file.get("fileWithBytes"))
    place = {"url": uri} if uri else {"raw": text(raw)}
    return place | present(filename=file.get("name"), mediaType=file.get("mimeType")) | more


def _old_artifact(artifact: Json, form: Form) -> Json:
    parts = [_old_part(one, form) for one in objects(artifact.get("parts"))]
    return artifact | {"parts": parts}


def _new_artifact(artifact: Json) -> Json:
    return artifact | {"parts": [_new_part(one) for one in objects(artifact.get("parts"))]}


def old_state(state: str, form: Form) -> str:
    """A state's name."""
    if form is Form.V1:
        return state
    if form is Form.PROTO:
        return "TASK_STATE_CANCELLED" if state == "TASK_STATE_CANCELED" else state
    return state.removeprefix("TASK_STATE_").lower().replace("_", "-") or "unknown"


def new_state(state: str) -> str:
    """A state's name of 0.3, either form."""
    name = state.upper().replace("-", "_").removeprefix("TASK_STATE_")
    return f"TASK_STATE_{'CANCELED' if name == 'CANCELLED' else name or 'UNSPECIFIED'}"


def _old_status(status: Json, form: Form) -> Json:
    told = status.get("message")
    made = {"state": old_state(text(status.get("state")), form)}
    said = old_message(told, form) if isinstance(told, dict) else None
    return made | present(message=said, timestamp=status.get("timestamp"))


def _new_status(status: Json) -> Json:
    told = status.get("message")
    made = {"state": new_state(text(status.get("state")))}
    said = new_message(told) if isinstance(told, dict) else None
    return made | present(message=said, timestamp=status.get("timestamp"))


def _old_status_update(update: Json, form: Form) -> Json:
    state = text(mapping(update.get("status")).get("state"))
    return update | {
        "status": _old_status(mapping(update.get("status")), form),
        "final": state in TERMINAL or state in PAUSED,
    }


def _new_status_update(update: Json) -> Json:
    made = {name: value for name, value in update.items() if name not in ("kind", "final")}
    return made | {"status": _new_status(mapping(update.get("status")))}


def _old_artifact_update(update: Json, form: Form) -> Json:
    return update | {"artifact": _old_artifact(mapping(update.get("artifact")), form)}


def _new_artifact_update(update: Json) -> Json:
    made = {name: value for name, value in update.items() if name != "kind"}
    return made | {"artifact": _new_artifact(mapping(update.get("artifact")))}


_MAKERS: dict[str, Any] = {
    "task": old_task,
    "message": old_message,
    "statusUpdate": _old_status_update,
    "artifactUpdate": _old_artifact_update,
}
_READERS: dict[str, Any] = {
    "task": new_task,
    "message": new_message,
    "statusUpdate": _new_status_update,
    "artifactUpdate": _new_artifact_update,
}


def new_configuration(configuration: Json) -> Json:
    """How an answer is wanted, of 0.3."""
    blocking = configuration.get("blocking")
    return present(
        acceptedOutputModes=strings(configuration.get("acceptedOutputModes")),
        historyLength=configuration.get("historyLength"),
        taskPushNotificationConfig=configuration.get("pushNotificationConfig")
        or configuration.get("pushNotification"),
        returnImmediately=True if blocking is False else None,
    )
