"""An answer among agents, which is chat, as the events of an A2A task.

Rule: a task that was begun ends in a state that is true, or waits for the client. Events of an A2A
agent are passed on as they are, but for words that somebody has changed on the way.
"""

from collections.abc import Callable
from typing import Any

from dataplane.agents.a2a.hearing import RAW
from dataplane.agents.a2a.values import (
    CANCELED,
    COMPLETED,
    FAILED,
    INPUT_REQUIRED,
    SUBMITTED,
    TERMINAL,
    WORKING,
    Json,
    body_of,
    context_id_of,
    decoded,
    kind_of,
    mapping,
    message,
    objects,
    present,
    state_of,
    status,
    task_id_of,
    text,
    with_words,
    words,
)
from dataplane.llm.sse import DONE, SseDecoder, SseError
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol

MAX_EVENT_BYTES = 32 << 20
PROGRESS = "outrider"
"""The field of a chunk, and of an update's metadata, that says what happens before the answer."""
NewId = Callable[[], str]
Now = Callable[[], str]
"""The time in RFC 3339."""


class Telling:
    """A fold: the bytes of a streamed chat completion -> events of 1.0."""

    def __init__(
        self,
        asked: Json,
        context_id: str,
        new_id: NewId,
        now: Now,
        task: Json | None = None,
        asks: Callable[[], bool] = lambda: False,
    ) -> None:
        """:param asked: the client's message.
        :param task: of ours, that waits for this message; None: another one begins.
        :param asks: whether what is said is a question, as far as that is known by now.
        """
        self._asked = asked
        self._going_on = task or {}
        self._asks = asks
        self._new_id = new_id
        self._now = now
        self._decoder = SseDecoder(MAX_EVENT_BYTES)
        self._raw = False
        self._artifact_id = ""
        self._last: Json = {}
        """An agent's own event that ends its task: filters may still have words."""
        self._calls: dict[int, Json] = {}
        self._finish = ""
        self.context_id = context_id
        self.task_id = ""
        """Empty until a task has begun."""
        self.said: list[str] = []
        self.over = False
        self.error: Json | None = None
        """Of an answer that failed before it began."""

    @property
    def begun(self) -> bool:
        """Whether the client has an event."""
        return self._raw or bool(self.task_id)

    @property
    def is_raw(self) -> bool:
        """Whether the events are an agent's own."""
        return self._raw

    def feed(self, data: bytes) -> list[Json]:
        """The events that bytes make."""
        events: list[Json] = []
        if self.over:
            return events
        try:
            for one in self._decoder.feed(data):
                if one.data.strip() == DONE:
                    events += self._end()
                    break
                chunk = decoded(one.data)
                if isinstance(chunk, dict):
                    events += self._chunk(chunk)
        except SseError as problem:
            error = {"message": f"The answer cannot be read: {problem}."}
            events += self.fail(error, has_asked=True)
        return events

    def whole(self, body: bytes) -> list[Json]:
        """The same of an answer that came in one piece."""
        answer = decoded(body)
        if not isinstance(answer, dict):
            error = {"message": "The answer cannot be read: it is not JSON."}
            return self.fail(error, has_asked=True)
        if isinstance(answer.get("error"), dict):
            return self.fail(answer["error"], has_asked=True)
        choices = objects(answer.get("choices"))
        told = mapping(choices[0].get("message")) if choices else {}
        chunk = {"choices": [{"delta": told, "finish_reason": "stop"}]}
        return [*self._chunk(chunk), *self._end()]

    def fail(self, error: Json, *, has_asked: bool = False) -> list[Json]:
        """There will be no good end.

        :param has_asked: whether agents were asked: a task that waited does not wait any more.
        """
        if self.over:
            return []
        self.over = True
        if has_asked and self._going_on and not self.task_id:
            return [*self.begin(), *self._failed(error)]
        if not self.task_id or self._raw:
            self.error = error
            return []
        return self._failed(error)

    def cancel(self) -> list[Json]:
        """Nobody wants it any more."""
        if self.over or not (self.task_id or self._going_on):
            return []
        self.over = True
        events = [] if self.task_id else self.begin()
        return [*events, self._status(CANCELED)]

    def aside(self, data: bytes) -> list[Json]:
        """What happens before the answer, as a chunk has it (agents/progress.py)."""
        made: list[Json] = []
        if self.over or self._raw:
            return made
        for one in SseDecoder(MAX_EVENT_BYTES).feed(data):
            said = mapping(mapping(decoded(one.data)).get(PROGRESS))
            if said:
                made += [] if self.task_id else self.begin()
                told = self._words_of(text(said.get("text")))
                made.append(self._status(WORKING, told, {"metadata": {PROGRESS: said}}))
        return made

    def begin(self) -> list[Json]:
        """A task of ours begins, or goes on."""
        before = self._going_on
        self.task_id = text(before.get("id")) or self._new_id()
        self._artifact_id = self._new_id()
        ids = {"contextId": self.context_id, "taskId": self.task_id}
        if before:
            asked = mapping(mapping(before.get("status")).get("message"))
            history = [*objects(before.get("history")), *([asked] if asked else [])]
            more = {"history": [*history, self._asked | ids]}
            return [{"task": before | {"status": status(WORKING, at=self._now())} | more}]
        task = {
            "id": self.task_id,
            "contextId": self.context_id,
            "status": status(SUBMITTED, at=self._now()),
            "history": [self._asked | ids],
        }
        return [{"task": task}, self._status(WORKING)]

    def _chunk(self, chunk: Json) -> list[Json]:
        error = chunk.get("error")
        if isinstance(error, dict):
            return self.fail(error, has_asked=True)
        choices = objects(chunk.get("choices"))
        choice = choices[0] if choices else {}
        delta = mapping(choice.get("delta"))
        content = delta.get("content")
        said = content if isinstance(content, str) else words(content)
        self._finish = text(choice.get("finish_reason")) or self._finish
        told = mapping(chunk.get(RAW))
        event = mapping(told.get("event"))
        if kind_of(event) and not self.task_id_is_ours:
            return self._pass_on(event, said, text(told.get("said")))
        if state_of(event) in TERMINAL - {COMPLETED}:
            self.over = True
            return [self._status(state_of(event), self._words_of(said))]
        for call in objects(delta.get("tool_calls")):
            self._called(call)
        if not said:
            return []
        self.said.append(said)
        if self._raw:  # a filter has held them back
            return [self._more(said)]
        events = [] if self.task_id else self.begin()
        if self._asks():  # a question is in the status, where clients look for it
            return events
        first = len(self.said) == 1
        return [*events, self._artifact([{"text": said}], append=not first)]

    @property
    def task_id_is_ours(self) -> bool:
        """Whether a task has begun that no agent knows."""
        return bool(self.task_id or self._going_on) and not self._raw

    def _pass_on(self, event: Json, said: str, was: str) -> list[Json]:
        """An agent's own event; `was` are its words, `said` what filters have left of them."""
        made = self._event(event, said, was)
        if said and not was:  # words of another event, which a filter has held back
            made = [self._more(said), *made]
        if state_of(event) in TERMINAL:
            self._last = made.pop()
        return made

    def _more(self, said: str) -> Json:
        return self._artifact([{"text": said}], append=bool(self._artifact_id))

    def _event(self, event: Json, said: str, was: str) -> list[Json]:
        self._raw = True
        self.context_id = context_id_of(event) or self.context_id
        self.task_id = task_id_of(event) or self.task_id
        if said:
            self.said.append(said)
        kind = kind_of(event)
        body = body_of(event)
        artifact = mapping(body.get("artifact"))
        if kind == "artifactUpdate":
            self._artifact_id = text(artifact.get("artifactId"))
        if said == was or not was:
            return [event]
        match kind:
            case "artifactUpdate":
                artifact = artifact | {"parts": with_words(artifact.get("parts"), said)}
                return [{kind: body | {"artifact": artifact}}] if artifact["parts"] else []
            case "message":
                return [{kind: body | {"parts": with_words(body.get("parts"), said)}}]
            case _:
                return [{kind: _reworded(body, said)}]

    def _called(self, call: Json) -> None:
        at = call.get("index")
        known = self._calls.setdefault(at if isinstance(at, int) else len(self._calls), {})
        function = mapping(call.get("function"))
        known["name"] = text(known.get("name")) + text(function.get("name"))
        known["arguments"] = text(known.get("arguments")) + text(function.get("arguments"))
        known["id"] = text(call.get("id")) or text(known.get("id"))

    def _end(self) -> list[Json]:
        if self.over:
            return []
        self.over = True
        if self._raw:
            return [self._last] if self._last else []
        events = [] if self.task_id else self.begin()
        if self._calls:
            part = {"data": {"tool_calls": list(self._calls.values())}}
            events.append(self._artifact([part], append=bool(self.said)))
        if self._asks():
            return [*events, self._status(INPUT_REQUIRED, self._words_of("".join(self.said)))]
        usual = self._finish in ("", "stop", "tool_calls")
        more = {} if usual else {"metadata": {"finish_reason": self._finish}}
        return [*events, self._status(COMPLETED, None, more)]

    def _artifact(self, parts: list[Json], *, append: bool) -> Json:
        self._artifact_id = self._artifact_id or self._new_id()
        update: Json = {
            "taskId": self.task_id,
            "contextId": self.context_id,
            "artifact": {"artifactId": self._artifact_id, "name": "answer", "parts": parts},
        }
        return {"artifactUpdate": update | ({"append": True} if append else {})}

    def _failed(self, error: Json) -> list[Json]:
        said = text(error.get("message")) or "The agent failed."
        return [self._status(FAILED, self._words_of(said))]

    def _words_of(self, said: str) -> Json | None:
        ids = {"contextId": self.context_id, "taskId": self.task_id}
        return message("agent", self._new_id(), [{"text": said}], **ids) if said else None

    def _status(self, state: str, told: Json | None = None, more: Json | None = None) -> Json:
        update = {
            "taskId": self.task_id,
            "contextId": self.context_id,
            "status": status(state, told, self._now()),
        }
        return {"statusUpdate": update | (more or {})}


class Folded:
    """A fold: events of 1.0 -> the task (or message) that they amount to."""

    def __init__(self) -> None:
        self.message: Json | None = None
        self._task: Json = {}
        self._artifacts: dict[str, Json] = {}

    @property
    def task(self) -> Json | None:
        """As it is now."""
        if not self._task:
            return None
        artifacts = list(self._artifacts.values())
        return self._task | ({"artifacts": artifacts} if artifacts else {})

    def feed(self, event: Json) -> None:
        """One more."""
        body = body_of(event)
        match kind_of(event):
            case "message":
                self.message = body
            case "task":
                self._task = {name: body[name] for name in body if name != "artifacts"}
                for one in objects(body.get("artifacts")):
                    self._artifacts[text(one.get("artifactId"))] = one
            case "statusUpdate":
                self._task = self._task or _bare(event)
                self._task["status"] = mapping(body.get("status"))
                if body.get("metadata") and PROGRESS not in body["metadata"]:
                    self._task["metadata"] = body["metadata"]
            case "artifactUpdate":
                self._task = self._task or _bare(event)
                self._artifact(mapping(body.get("artifact")), append=body.get("append") is True)
            case _:
                pass

    def result(self) -> Json | None:
        """What SendMessage answers with."""
        task = self.task
        if task is not None:
            return {"task": task}
        return {"message": self.message} if self.message is not None else None

    def _artifact(self, artifact: Json, *, append: bool) -> None:
        name = text(artifact.get("artifactId"))
        known = self._artifacts.get(name)
        if known is None or not append:
            self._artifacts[name] = artifact
            return
        parts = [*objects(known.get("parts"))]
        for part in objects(artifact.get("parts")):
            last = parts[-1] if parts else {}
            if set(part) == set(last) == {"text"}:
                parts[-1] = {"text": f"{last['text']}{part['text']}"}
            else:
                parts.append(part)
        self._artifacts[name] = known | {"parts": parts}


def trimmed(task: Json, history: int | None) -> Json:
    """A task with as much of its history as is wanted; None: all."""
    if history is None or "history" not in task:
        return task
    kept = objects(task["history"])[-history:] if history else []
    return {name: task[name] for name in task if name != "history"} | present(history=kept)


def _reworded(body: Json, said: str) -> Json:
    """A task or its status, with `said` in place of all its words."""
    artifacts = [
        one | {"parts": with_words(one.get("parts"), said if at == 0 else "")}
        for at, one in enumerate(objects(body.get("artifacts")))
    ]
    told = mapping(mapping(body.get("status")).get("message"))
    made = body | present(artifacts=artifacts)
    if told:
        parts = with_words(told.get("parts"), "" if artifacts else said)
        made["status"] = mapping(body["status"]) | {"message": told | {"parts": parts}}
    return made


def _bare(event: Json) -> Json:
    return {"id": task_id_of(event), "contextId": context_id_of(event), "status": status(WORKING)}


def error_of(body: bytes) -> dict[str, Any]:
    """The error that a chat answer tells."""
    failure = CODECS[Protocol.CHAT].read_error(502, body)
    return {"message": failure.message, "code": failure.code}
