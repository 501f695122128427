"""Message -> Answer."""

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Finish, Unreadable
from dataplane.llm.hub.parts import Part, Thinking
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.messages.read_parts import BlockError, read_parts
from dataplane.llm.translate.messages.wire import ABSENT, FINISHES, WireUsage, marked
from dataplane.runtime.protocols import Protocol


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    content: msgspec.Raw = ABSENT
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: WireUsage | None = None


_MESSAGE = msgspec.json.Decoder(_Message)


def read_answer(body: bytes) -> Answer | Unreadable:
    """The body of a 2xx answer."""
    try:
        body.decode()
        message = _MESSAGE.decode(body)
        if not message.content:
            return Unreadable("it has no content")
        parts = read_parts(message.content, "content")
    except msgspec.ValidationError as problem:
        return Unreadable(f"it is not a message: {problem}")
    except BlockError as problem:
        return Unreadable(f"it is not a message: {problem}")
    except (ValueError, RecursionError):
        return Unreadable("it is not JSON")
    usage = message.usage
    choice = Choice(
        [sealed(part) for part in parts],
        finish=FINISHES.get(message.stop_reason or "", Finish.STOP),
        stop_sequence=message.stop_sequence or "",
    )
    return Answer(
        message.id,
        message.model,
        [choice],
        usage=usage.counted() if usage is not None else None,
        service_tier=(usage.service_tier or "") if usage is not None else "",
    )


def sealed(part: Part) -> Part:
    """A part as it may leave for clients of other protocols."""
    if isinstance(part, Thinking) and part.signature:
        part.signature = seal(Protocol.MESSAGES, marked(part.signature, part.redacted))
    return part
