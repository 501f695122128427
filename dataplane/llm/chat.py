"""OpenAI chat completion requests, read as far as agents need it and changed only where needed.

Rule: what we do not understand stays as it came. Fields are kept as raw JSON, and a request that
nobody changed is sent on byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from dataplane.runtime.decision import Turn
from dataplane.runtime.messages import LocalReply, ResponseDetail


class Part(msgspec.Struct, gc=False):
    """One part of a message's content; only texts are read."""

    text: str | None = None


class Message(msgspec.Struct):
    """A message as far as it is read."""

    role: str
    content: str | list[Part] | None = None
    name: str | None = None

    def text(self) -> str:
        """The words of the content; pictures and tool calls have none."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.text)
        return self.content or ""


class _Wire(msgspec.Struct):
    messages: list[Message]
    model: str | None = None
    stream: bool | None = None


class _WireMessages(msgspec.Struct):
    messages: list[msgspec.Raw]


_WIRE = msgspec.json.Decoder(_Wire)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MESSAGES = msgspec.json.Decoder(_WireMessages)
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat completion request: its bytes, and what we know of them."""

    body: bytes
    model: str
    stream: bool
    turns: tuple[Turn, ...]
    """One for each message; the text may be empty."""

    def conversation(self) -> tuple[Turn, ...]:
        """What was said, for a router: the messages that have words."""
        return tuple(turn for turn in self.turns if turn.text)

    def with_answer_before_question(self, name: str, text: str) -> "ChatRequest":
        """Another speaker's answer, put before the last message of the user (or at the end)."""
        said = Turn("assistant", text, name)
        at = self._question()
        raw = _MESSAGES.decode(self.body).messages
        raw.insert(at, _raw({"role": said.role, "name": name, "content": text}))
        turns = (*self.turns[:at], said, *self.turns[at:])
        return replace(self, body=_with(self.body, messages=_raw(raw)), turns=turns)

    def with_messages_of(self, other: "ChatRequest") -> "ChatRequest":
        """This request, saying what `other` says."""
        messages = _FIELDS.decode(other.body)["messages"]
        return replace(self, body=_with(self.body, messages=messages), turns=other.turns)

    def only_messages(self) -> bytes:
        """{"model", "messages"} alone: what a filter of one agent is shown."""
        fields = _FIELDS.decode(self.body)
        return _ENCODER.encode(
            {name: fields[name] for name in ("model", "messages") if name in fields}
        )

    def whole(self) -> "ChatRequest":
        """The same question, to be answered in one piece."""
        if not self.stream:
            return self
        fields = _FIELDS.decode(self.body)
        # Servers refuse stream options on a request that does not stream.
        fields.pop("stream_options", None)
        fields["stream"] = _raw(False)
        return replace(self, body=_ENCODER.encode(fields), stream=False)

    def with_usage(self) -> "ChatRequest":
        """The same question, streamed, with what it uses up at the end."""
        fields = _FIELDS.decode(self.body)
        fields["stream"] = _raw(True)
        fields["stream_options"] = msgspec.Raw(b'{"include_usage":true}')
        return replace(self, body=_ENCODER.encode(fields), stream=True)

    def _question(self) -> int:
        users = [at for at, turn in enumerate(self.turns) if turn.role == "user"]
        return users[-1] if users else len(self.turns)


def parse_chat(body: bytes) -> ChatRequest | LocalReply:
    """Read a chat request, or say in a 400 what is wrong with it."""
    wire = _read(body)
    if isinstance(wire, LocalReply):
        return wire
    turns = tuple(
        Turn(message.role, message.text(), message.name or "") for message in wire.messages
    )
    return ChatRequest(body, wire.model or "", wire.stream is True, turns)


def chat_problem(body: bytes) -> LocalReply | None:
    """What `parse_chat` would find wrong, in half of its time."""
    wire = _read(body)
    return wire if isinstance(wire, LocalReply) else None


def _read(body: bytes) -> _Wire | LocalReply:
    try:
        # msgspec does not look at the bytes of strings it skips.
        body.decode()
        wire = _WIRE.decode(body)
    except msgspec.ValidationError as problem:
        return _refuse(str(problem))
    except (ValueError, RecursionError) as problem:
        return LocalReply(
            400, f"The request's body is not valid JSON: {problem}.", ResponseDetail.INVALID_JSON
        )
    return wire if wire.messages else _refuse("Expected at least one message - at `$.messages`")


def is_json_object(body: bytes) -> bool:
    """Whether these bytes are one JSON object."""
    try:
        body.decode()
        _FIELDS.decode(body)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(problem: str) -> LocalReply:
    return LocalReply(
        400, f"The request is not a chat completion: {problem}.", ResponseDetail.INVALID_BODY
    )


def _with(body: bytes, **changed: msgspec.Raw) -> bytes:
    return _ENCODER.encode(_FIELDS.decode(body) | changed)


def _raw(value: bool | dict[str, str] | Sequence[msgspec.Raw]) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(value))
