"""What an A2A agent says, as the chat completion that it amounts to.

Rule: only a completed task, a message, or a task that asks back is an answer. What failed, was
cancelled or rejected is an error that says so, and what is unfinished is no answer yet.
"""

from collections.abc import Mapping

from dataplane.agents.a2a.card import JSON_RPC, Interface
from dataplane.agents.a2a.v03 import Form, new_event, new_task
from dataplane.agents.a2a.values import (
    AUTH_REQUIRED,
    CANCELED,
    ENCODER,
    FAILED,
    PAUSED,
    REJECTED,
    TERMINAL,
    Json,
    body_of,
    context_id_of,
    decoded,
    kind_of,
    mapping,
    objects,
    state_of,
    task_id_of,
    text,
    words,
)
from dataplane.llm.hub.answer import Failure

RAW = "a2a"
"""The field of a chunk that has the agent's own event and the words that the chunk had of it, for
clients that speak A2A themselves.
"""
_BAD = {FAILED: "failed", CANCELED: "was cancelled", REJECTED: "was rejected"}


def read_event(data: bytes, interface: Interface) -> Json | Failure:
    """One event of a stream, or one whole answer, as an event of 1.0."""
    value = decoded(data)
    if not isinstance(value, dict):
        return _broken("what it said is not JSON")
    error = value.get("error")
    if isinstance(error, dict):
        return told_failure(error)
    if interface.binding == JSON_RPC:
        value = mapping(value.get("result"))
    event = value if interface.form is Form.V1 else new_event(value)
    return event if kind_of(event) else _broken("what it said is neither a task nor a message")


def read_task(data: bytes, interface: Interface) -> Json | Failure:
    """The answer to GET and CANCEL: a task of 1.0."""
    value = decoded(data)
    if not isinstance(value, dict):
        return _broken("what it said is not JSON")
    error = value.get("error")
    if isinstance(error, dict):
        return told_failure(error)
    if interface.binding == JSON_RPC:
        value = mapping(value.get("result"))
    task = value if interface.form is Form.V1 else new_task(value)
    return task if text(task.get("id")) else _broken("what it said is not a task")


def told_failure(error: Mapping[str, object]) -> Failure:
    """An agent's own error. The codes of JSON-RPC that blame the caller are 400."""
    code = error.get("code")
    said = text(error.get("message")) or "it told an error without words"
    blames_us = code in (-32602, -32005, -32001, -32004, 400, 404)
    return Failure(400 if blames_us else 502, said, code=str(code or ""))


class Hearing:
    """A fold over the events of one answer."""

    def __init__(self, answer_id: str, created: int, model: str, *, raw: bool = False) -> None:
        """:param raw: whether chunks bring the agent's own events along (RAW)."""
        self._head = {"id": f"chatcmpl-{answer_id}", "created": created, "model": model}
        self._raw = raw
        self._said: dict[str, str] = {}
        """The words of each artifact."""
        self._last = ""
        self._begun = False
        self.context_id = ""
        self.task_id = ""
        self.state = ""
        self.answer = ""
        """All words so far."""
        self.over = False
        """Whether nothing more is to come."""
        self.failure: Failure | None = None

    def feed(self, event: Json) -> bytes:
        """An event of 1.0 -> chunks of a streamed chat completion."""
        if self.over:
            return b""
        self.context_id = context_id_of(event) or self.context_id
        self.task_id = task_id_of(event) or self.task_id
        state = state_of(event)
        self.state = state or self.state
        said = self._words(event)
        self.over = kind_of(event) == "message" or state in TERMINAL or state in PAUSED
        out = b""
        if state in _BAD and not self._raw:
            self.failure = self._bad(event, state)
            return error_event(self.failure)
        if state == AUTH_REQUIRED and not (said or self.answer or self._raw):
            self.failure = Failure(502, "The agent wants its caller to authenticate.")
            return error_event(self.failure)
        self.answer += said
        if said or self._raw:
            out = self._chunk({"content": said}, None, event)
        return out + self._chunk({}, "stop") + b"data: [DONE]\n\n" if self.over else out

    def whole(self) -> bytes:
        """The chat completion, when it is over and no failure."""
        message = {"role": "assistant", "content": self.answer}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return ENCODER.encode(self._head | {"object": "chat.completion", "choices": [choice]})

    def _words(self, event: Json) -> str:
        """What is new of the answer."""
        body = body_of(event)
        match kind_of(event):
            case "message":
                return self._apart("", words(body.get("parts")))
            case "artifactUpdate":
                return self._artifact(
                    mapping(body.get("artifact")), append=body.get("append") is True
                )
            case "task":
                said = "".join(self._artifact(one) for one in objects(body.get("artifacts")))
            case _:
                said = ""
        if self.over_with(event) and not (said or self._has_words()):
            said = self._apart("", self._told(body))
        elif state_of(event) in PAUSED:
            said += self._apart("?", self._told(body))
        return said

    def over_with(self, event: Json) -> bool:
        """Whether an event ends a task, for good or until the next message."""
        state = state_of(event)
        return state in TERMINAL or state in PAUSED

    def _has_words(self) -> bool:
        return any(self._said.values())

    def _told(self, body: Json) -> str:
        """The words of a status, else the agent's last ones in a task's history."""
        said = words(mapping(mapping(body.get("status")).get("message")).get("parts"))
        if said:
            return said
        for one in reversed(objects(body.get("history"))):
            if one.get("role") == "ROLE_AGENT":
                return words(one.get("parts"))
        return ""

    def _artifact(self, artifact: Json, *, append: bool = False) -> str:
        name = text(artifact.get("artifactId"))
        said, before = words(artifact.get("parts")), self._said.get(name, "")
        if not append and before:
            if said.startswith(before):  # the whole of what came in pieces
                said = said[len(before) :]
            elif before.endswith(said):
                said = ""
            else:
                self._last = ""  # in place of what was said, which nobody can take back
        return self._apart(name, said)

    def _apart(self, name: str, said: str) -> str:
        """Words, with a gap before those of another speaker."""
        if not said:
            return ""
        gap = "\n\n" if self._has_words() and name != self._last else ""
        self._said[name] = self._said.get(name, "") + said
        self._last = name
        return gap + said

    def _bad(self, event: Json, state: str) -> Failure:
        said = self._told(body_of(event))
        message = f"The agent's task {_BAD[state]}" + (f": {said}" if said else ".")
        status = 422 if state == REJECTED else 424  # nothing to be tried again
        return Failure(status, message, code=f"task_{state[11:].lower()}")

    def _chunk(self, delta: Json, finish: str | None, event: Json | None = None) -> bytes:
        if not self._begun:
            self._begun = True
            delta = {"role": "assistant"} | delta
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        made = self._head | {"object": "chat.completion.chunk", "choices": [choice]}
        if self._raw and event is not None:
            made[RAW] = {"event": event, "said": delta.get("content", "")}
        return b"data: %b\n\n" % ENCODER.encode(made)


def error_event(failure: Failure) -> bytes:
    """A failure as the last event of a streamed chat completion, with its status as the code; with
    JSON-RPC's, if it is one of those.
    """
    told = failure.code if failure.code.startswith("-") else failure.status
    kind = "invalid_request_error" if failure.status < 500 else "server_error"
    error = {"message": failure.message, "type": kind, "code": told}
    return b"data: %b\n\n" % ENCODER.encode({"error": error})


def _broken(problem: str) -> Failure:
    return Failure(502, f"The agent's answer cannot be read: {problem}.", "server")
