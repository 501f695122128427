"""What an A2A agent is asked: a chat request as a message of A2A, and the calls about its task.

Rule: an agent that has the conversation hears only what is new; one that has not, hears all of it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import msgspec

from dataplane.agents.a2a.card import JSON_RPC, Card, Interface
from dataplane.agents.a2a.rpc import Asked, Op, method_of
from dataplane.agents.a2a.v03 import Form, old_message
from dataplane.agents.a2a.values import (
    ENCODER,
    Json,
    mapping,
    message,
    objects,
    present,
    text,
    words,
)
from dataplane.llm.chat import ChatRequest
from dataplane.runtime.decision import Turn
from dataplane.runtime.messages import Headers, Request

VERSION = "a2a-version"
EVENT_STREAM = "text/event-stream"
_JSON = "application/json"
_OURS = frozenset((VERSION, "accept", "content-type"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation stands with an agent."""

    context_id: str = ""
    task_id: str = ""
    """A task that waits for the next message."""
    heard: int = 0
    """How many messages of the conversation the agent knows."""


class _Messages(msgspec.Struct):
    messages: list[Json]


_MESSAGES = msgspec.json.Decoder(_Messages)


def question(chat: ChatRequest, place: Place, message_id: str, given: Asked | None) -> Json:
    """The message of 1.0 that asks the last question of `chat`.

    :param message_id: for clients that have none of their own.
    :param given: what the client asks itself in A2A: its files and data go along as they are.
    """
    told = _MESSAGES.decode(chat.body).messages[place.heard :]
    last = next((at for at in reversed(range(len(told))) if told[at].get("role") == "user"), -1)
    before = [one for at, one in enumerate(told) if at != last]
    parts = _parts(told[last].get("content")) if last >= 0 else []
    theirs = mapping(given.message) if given is not None else {}
    if given is not None:
        kept = objects(theirs.get("parts"))
        if words(kept) == "".join(words([part]) for part in parts):
            parts = kept
        else:  # a filter has changed what is said
            parts += [part for part in kept if not isinstance(part.get("text"), str)]
    preface = "\n\n".join(filter(None, map(_line, before)))
    if preface:
        parts = [{"text": preface}, *parts]
    made = message("user", text(theirs.get("messageId")) or message_id, parts or [{"text": ""}])
    kept_fields = {
        name: theirs[name]
        for name in ("metadata", "extensions", "referenceTaskIds")
        if theirs.get(name)
    }
    ids = present(contextId=place.context_id, taskId=place.task_id)
    return made | kept_fields | ids


def _line(told: Json) -> str:
    """What was said before, as a line of a transcript."""
    said = words(_parts(told.get("content")))
    who = text(told.get("name")) or text(told.get("role"))
    return f"{who}: {said}" if said else ""


def _parts(content: object) -> list[Json]:
    """Content of a chat message as parts of 1.0."""
    if isinstance(content, str):
        return [{"text": content}] if content else []
    parts: list[Json] = []
    for one in objects(content):
        url = text(mapping(one.get("image_url")).get("url"))
        if isinstance(one.get("text"), str):
            parts.append({"text": one["text"]})
        elif url.startswith("data:") and ";base64," in url:
            kind, _, raw = url.removeprefix("data:").partition(";base64,")
            parts.append({"raw": raw, "mediaType": kind})
        elif url:
            parts.append({"url": url})
    return parts


def send(
    card: Card, request: Request, told: Json, given: Asked | None, rpc_id: str, *, stream: bool
) -> Request:
    """The call that asks; `request` has the client's headers."""
    form = card.interface.form
    params: Json = {"message": old_message(told, form)}
    theirs = mapping(given.configuration) if given is not None else {}
    wanted = present(
        acceptedOutputModes=theirs.get("acceptedOutputModes"),
        historyLength=theirs.get("historyLength"),
    )
    if form is Form.V1:
        params |= present(configuration=wanted)
    else:
        params["configuration"] = wanted | {"blocking": True}
    if given is not None and given.metadata:
        params["metadata"] = given.metadata
    op = Op.STREAM if stream else Op.SEND
    path = "/message:stream" if stream else "/message:send"
    return _call(card.interface, request.headers, op, path, params, rpc_id)


def about(card: Card, headers: Headers, op: Op, task_id: str, rpc_id: str) -> Request:
    """GET, CANCEL or SUBSCRIBE of a task."""
    path = f"/tasks/{quote(task_id, safe='')}"
    path += {Op.CANCEL: ":cancel", Op.SUBSCRIBE: ":subscribe"}.get(op, "")
    made = _call(card.interface, headers, op, path, {"id": task_id}, rpc_id)
    if card.interface.binding != JSON_RPC and op is not Op.CANCEL:
        return replace(made, method="GET", body=b"")
    return made


def _call(
    interface: Interface, headers: Headers, op: Op, path: str, params: Json, rpc_id: str
) -> Request:
    streams = op in (Op.STREAM, Op.SUBSCRIBE)
    form = interface.form
    kept = tuple(one for one in headers if one[0].lower() not in _OURS)
    ours: Headers = (
        ("content-type", _JSON),
        ("accept", EVENT_STREAM if streams else _JSON),
        (VERSION, "1.0" if form is Form.V1 else "0.3"),
    )
    base = interface.path
    if interface.binding == JSON_RPC:
        body: Json = {"jsonrpc": "2.0", "id": rpc_id, "method": method_of(op, form)}
        return Request("POST", base, (*kept, *ours), ENCODER.encode(body | {"params": params}))
    base = base.rstrip("/") + ("" if form is Form.V1 else "/v1")
    return Request("POST", base + path, (*kept, *ours), ENCODER.encode(params))


def digest(turns: Sequence[Turn]) -> str:
    """A conversation by what was said in it."""
    made = hashlib.sha256()
    for turn in turns:
        made.update(ENCODER.encode((turn.role, turn.text)))
    return made.hexdigest()


def candidates(turns: Sequence[Turn]) -> list[tuple[int, str]]:
    """The points up to which an agent may know a conversation: after its own answers, the last one
    first; how many messages that is, and their digest.
    """
    ends = [at + 1 for at, turn in enumerate(turns) if turn.role == "assistant"]
    return [(end, digest(turns[:end])) for end in reversed(ends[-MAX_ASKED:])]


MAX_ASKED = 3
"""Look-ups of one question."""
