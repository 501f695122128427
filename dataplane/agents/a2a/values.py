"""The values of A2A as we hold them: the JSON of version 1.0, read with tolerance.

Rule: a field that is not what it should be counts as absent; nothing here raises for a peer's data.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

Json = dict[str, Any]
ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder()

SUBMITTED = "TASK_STATE_SUBMITTED"
WORKING = "TASK_STATE_WORKING"
COMPLETED = "TASK_STATE_COMPLETED"
FAILED = "TASK_STATE_FAILED"
CANCELED = "TASK_STATE_CANCELED"
REJECTED = "TASK_STATE_REJECTED"
INPUT_REQUIRED = "TASK_STATE_INPUT_REQUIRED"
AUTH_REQUIRED = "TASK_STATE_AUTH_REQUIRED"
TERMINAL = frozenset((COMPLETED, FAILED, CANCELED, REJECTED))
PAUSED = frozenset((INPUT_REQUIRED, AUTH_REQUIRED))
"""The task goes on with the next message."""
STATES = frozenset((SUBMITTED, WORKING)) | TERMINAL | PAUSED
KINDS = ("task", "message", "statusUpdate", "artifactUpdate")
"""An event, and a result, is an object with one of these keys."""


def decoded(data: bytes) -> object | None:
    """JSON; None when it is none."""
    try:
        data.decode()
        value: object = _DECODER.decode(data)
    except (ValueError, RecursionError):
        return None
    return value


def mapping(value: object) -> Json:
    """An object; an empty one when it is none."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """A string; an empty one when it is none."""
    return value if isinstance(value, str) else ""


def objects(value: object) -> list[Json]:
    """The objects of an array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """The strings of an array."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def present(**fields: object) -> Json:
    """An object without what is None or empty."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def kind_of(event: Mapping[str, Any]) -> str:
    """Which of KINDS an event is; empty: none."""
    return next((kind for kind in KINDS if isinstance(event.get(kind), dict)), "")


def body_of(event: Mapping[str, Any]) -> Json:
    """What an event says."""
    return mapping(event.get(kind_of(event)))


def state_of(event: Mapping[str, Any]) -> str:
    """The state of the task after an event; empty when it says nothing of it."""
    if kind_of(event) in ("task", "statusUpdate"):
        return text(mapping(body_of(event).get("status")).get("state"))
    return ""


def task_id_of(event: Mapping[str, Any]) -> str:
    """The task that an event is about; empty: none."""
    body = body_of(event)
    return text(body.get("id" if kind_of(event) == "task" else "taskId"))


def context_id_of(event: Mapping[str, Any]) -> str:
    """The context that an event belongs to."""
    return text(body_of(event).get("contextId"))


def words(parts: object) -> str:
    """What parts say in plain text: a file by its address, data as JSON."""
    return "".join(_words(part) for part in objects(parts))


def _words(part: Json) -> str:
    if isinstance(part.get("text"), str):
        return text(part["text"])
    if isinstance(part.get("url"), str):
        return f"[{text(part.get('filename')) or 'file'}]({part['url']})"
    if "data" in part:
        return ENCODER.encode(part["data"]).decode()
    return ""


def with_words(parts: object, said: str) -> list[Json]:
    """The same parts, with `said` in place of their texts."""
    others = [part for part in objects(parts) if not isinstance(part.get("text"), str)]
    return [{"text": said}, *others] if said else others


def message(role: str, message_id: str, parts: Iterable[Json], **more: object) -> Json:
    """A message; `role` is "user" or "agent"."""
    made = {"messageId": message_id, "role": f"ROLE_{role.upper()}", "parts": list(parts)}
    return made | present(**more)


def status(state: str, told: Json | None = None, at: str = "") -> Json:
    """A status; `at` is a time in RFC 3339."""
    return {"state": state} | present(message=told, timestamp=at)
