"""A Converse answer -> Answer. It tells neither an id nor a model."""

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Finish, Unreadable
from dataplane.llm.hub.parts import Part, Thinking
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.read_parts import BlockError, BlockReader
from dataplane.llm.translate.converse.wire import (
    ABSENT,
    FINISHES,
    WireTier,
    WireUsage,
    stop_sequence,
    told_tier,
)
from dataplane.runtime.protocols import Protocol


class _Message(msgspec.Struct):
    content: list[dict[str, msgspec.Raw]]


class _Output(msgspec.Struct):
    message: _Message | None = None


class _Answer(msgspec.Struct):
    output: _Output
    stopReason: str | None = None
    usage: WireUsage | None = None
    additionalModelResponseFields: msgspec.Raw = ABSENT
    serviceTier: WireTier | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def read_answer(body: bytes) -> Answer | Unreadable:
    """The body of a 2xx answer."""
    try:
        body.decode()
        wire = _ANSWER.decode(body)
        content = wire.output.message.content if wire.output.message is not None else []
        parts = BlockReader().parts(content, "output.message.content")
    except (msgspec.ValidationError, BlockError) as problem:
        return Unreadable(f"it is not a Converse answer: {problem}")
    except (ValueError, RecursionError):
        return Unreadable("it is not JSON")
    stopped_by = stop_sequence(wire.additionalModelResponseFields)
    choice = Choice(
        [_sealed(part) for part in parts],
        finish=FINISHES.get(wire.stopReason or "", Finish.STOP),
        stop_sequence=stopped_by,
    )
    return Answer(
        "",
        "",
        [choice],
        usage=wire.usage.counted() if wire.usage is not None else None,
        service_tier=told_tier(wire.serviceTier),
    )


def _sealed(part: Part) -> Part:
    if isinstance(part, Thinking):
        part.signature = seal(Protocol.CONVERSE, part.signature)
    return part
