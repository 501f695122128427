"""Message -> Answer."""

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Finish, Unreadable
from dataplane.llm.hub.parts import Part, Text, Thinking
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.messages.blocks import ONLY_TEXTS
from dataplane.llm.translate.messages.read_parts import BlockError, read_parts
from dataplane.llm.translate.messages.wire import FINISHES, MESSAGE, Message, marked
from dataplane.runtime.protocols import Protocol


def read_answer(body: bytes) -> Answer | Unreadable:
    """The body of a 2xx answer."""
    try:
        body.decode()
        message = MESSAGE.decode(body)
        if not message.content:
            return Unreadable("it has no content")
        parts = _parts(message)
    except msgspec.ValidationError as problem:
        return Unreadable(f"it is not a message: {problem}")
    except BlockError as problem:
        return Unreadable(f"it is not a message: {problem}")
    except (ValueError, RecursionError):
        return Unreadable("it is not JSON")
    usage = message.usage
    choice = Choice(
        parts,
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


def _parts(message: Message) -> list[Part]:
    if message.stop_reason != "tool_use":  # most answers without calls are words and nothing else
        try:
            return [Text(one.text) for one in ONLY_TEXTS.decode(message.content) if one.text]
        except msgspec.ValidationError:
            pass
    return [sealed(part) for part in read_parts(message.content, "content")]


def sealed(part: Part) -> Part:
    """A part as it may leave for clients of other protocols."""
    if isinstance(part, Thinking) and part.signature:
        part.signature = seal(Protocol.MESSAGES, marked(part.signature, part.redacted))
    return part
