"""What a client says in A2A, as a chat request; and what is kept of a context.

Rule: agents that know only chat are told the whole conversation, so a context keeps it, up to a
limit; the oldest turns go first.
"""

from dataclasses import dataclass

import msgspec

from dataplane.agents.a2a.rpc import Asked
from dataplane.agents.a2a.values import ENCODER, Json, mapping, objects, text, words

MAX_KEPT_BYTES = 256 * 1024
"""Of a context's conversation."""


class Context(msgspec.Struct):
    """What is kept of a conversation."""

    agent: str = ""
    """Who answered last."""
    messages: list[msgspec.Raw] = []


CONTEXT = msgspec.json.Decoder(Context)


@dataclass(frozen=True, slots=True)
class Talk:
    """One turn of a client that speaks A2A."""

    asked: Asked
    context_id: str
    """The client's; else one of ours."""
    context: Context

    @property
    def message(self) -> Json:
        """What the client says, as of 1.0."""
        return mapping(self.asked.message)

    @property
    def names_context(self) -> bool:
        """Whether the client says where it is."""
        return bool(self.message.get("contextId"))


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
    return ENCODER.encode(Context(agent, messages))


def _raw(value: Json) -> msgspec.Raw:
    return msgspec.Raw(ENCODER.encode(value))
