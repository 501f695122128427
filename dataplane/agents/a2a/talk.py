"""What a client says in A2A, as a chat request; and what is kept of a context.

Rule: agents that know only chat are told the whole conversation, so a context keeps it, up to a
limit; the oldest turns go first. A task of ours that waits for the client keeps where its run has
stopped, so a context may have several of them.
"""

from dataclasses import dataclass, field

import msgspec

from dataplane.agents.a2a.rpc import Asked
from dataplane.agents.a2a.values import ENCODER, Json, mapping, objects, text, words
from dataplane.agents.run import Run
from dataplane.agents.session import Asking, asking_of

MAX_KEPT_BYTES = 256 * 1024
"""Of a context's conversation."""


class Context(msgspec.Struct):
    """What is kept of a conversation."""

    agent: str = ""
    """Who answered last."""
    messages: list[msgspec.Raw] = []
    session: str = ""
    """What sessions call the conversation, where an agent calls its context otherwise."""


class Waiting(msgspec.Struct, omit_defaults=True):
    """A task of an agent, that waits for an answer."""

    context_id: str = ""
    task_id: str = ""
    version: str = ""
    """Of the agent, where it has several."""


class Paused(msgspec.Struct, omit_defaults=True):
    """Where a run has stopped because an agent asks the client something."""

    asking: Asking
    theirs: Waiting
    """The agent's own task."""


@dataclass(slots=True, eq=False)
class Outcome:
    """What a run leaves to be known of it, filled in as it ends."""

    asking: Asking | None = None
    """Its answer is a question."""
    waiting: dict[str, Waiting] = field(default_factory=dict)
    """Tasks of agents of A2A, by the agent."""
    has_asked: bool = False
    """Whether any agent was asked."""

    def ended(self, run: Run) -> None:
        """The run is over."""
        self.asking, self.has_asked = asking_of(run), bool(run.steps)

    @property
    def paused(self) -> Paused | None:
        """Where it goes on."""
        if self.asking is None:
            return None
        return Paused(self.asking, self.waiting.get(self.asking.agent, Waiting()))


CONTEXT = msgspec.json.Decoder(Context)


@dataclass(frozen=True, slots=True)
class Talk:
    """One turn of a client that speaks A2A."""

    asked: Asked
    context_id: str
    """The client's; else one of ours."""
    context: Context
    task: Json = field(default_factory=dict)
    """Of ours, that the client goes on with; empty: none, or it is an agent's own."""
    paused: Paused | None = None
    """Where the run of the task that the client names has stopped."""
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def message(self) -> Json:
        """What the client says, as of 1.0."""
        return mapping(self.asked.message)

    @property
    def names_context(self) -> bool:
        """Whether the client says where it is."""
        return bool(self.message.get("contextId") or self.message.get("taskId"))

    @property
    def session(self) -> str:
        """What sessions call the conversation."""
        return self.context.session or self.context_id


def question_of(message: Json) -> Json:
    """A message of 1.0 as one of chat."""
    parts = objects(message.get("parts"))
    if all(isinstance(part.get("text"), str) for part in parts):
        return {"role": "user", "content": "".join(part["text"] for part in parts)}
    return {"role": "user", "content": [_content(part) for part in parts]}


def _content(part: Json) -> Json:
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    mime = text(part.get("mediaType"))
    url = text(part.get("url"))
    if not url and isinstance(part.get("raw"), str):
        url = f"data:{mime or 'application/octet-stream'};base64,{part['raw']}"
    if url and mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    if url.startswith("data:"):
        file = {"file_data": url, "filename": text(part.get("filename")) or "file"}
        return {"type": "file", "file": file}
    return {"type": "text", "text": words([part])}


def chat_body(talk: Talk) -> bytes:
    """The chat request of a turn; always streamed, so that progress can be told."""
    messages = [*talk.context.messages, _raw(question_of(talk.message))]
    return ENCODER.encode({"model": "", "messages": messages, "stream": True})


def grown(talk: Talk, agent: str, answer: str) -> bytes:
    """The context after the turn."""
    told = {"role": "assistant", "content": answer}
    messages = [*talk.context.messages, _raw(question_of(talk.message)), _raw(told)]
    size = sum(len(bytes(one)) for one in messages)
    while size > MAX_KEPT_BYTES and messages:
        size -= len(bytes(messages.pop(0)))
    return ENCODER.encode(Context(agent, messages, talk.session))


def _raw(value: Json) -> msgspec.Raw:
    return msgspec.Raw(ENCODER.encode(value))
