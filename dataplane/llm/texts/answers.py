"""Texts of answers and of the events of streamed ones, by operation."""

from collections.abc import Callable, Sequence
from typing import Any

from dataplane.llm.texts import converse, gemini, messages, openai, responses
from dataplane.llm.texts.slot import Part, Slot
from dataplane.runtime.protocols import Operation

_EVENTS: dict[Operation, Callable[[Any], list[Slot]]] = {
    Operation.CHAT: openai.event_slots,
    Operation.COMPLETIONS: openai.completion_slots,
    Operation.RESPONSES: responses.event_slots,
    Operation.MESSAGES: messages.event_slots,
    Operation.GENERATE_CONTENT: gemini.slots,
    Operation.CONVERSE: converse.event_slots,
}
_WHOLE: dict[Operation, Callable[[Any], list[Slot]]] = {
    Operation.CHAT: openai.answer_slots,
    Operation.COMPLETIONS: openai.completion_slots,
    Operation.RESPONSES: responses.answer_slots,
    Operation.MESSAGES: messages.answer_slots,
    Operation.GENERATE_CONTENT: gemini.slots,
    Operation.CONVERSE: converse.answer_slots,
}
_ENDS: dict[Operation, Callable[[Any], Sequence[Part] | None]] = {
    Operation.CHAT: openai.ended,
    Operation.COMPLETIONS: openai.ended,
    Operation.RESPONSES: responses.ended,
    Operation.MESSAGES: messages.ended,
    Operation.GENERATE_CONTENT: gemini.ended,
    Operation.CONVERSE: converse.ended,
}


def slots_of(operation: Operation, is_whole: bool, json: Any) -> Sequence[Slot]:
    """The texts of a whole answer or of one event; none where there are none that we know."""
    find = (_WHOLE if is_whole else _EVENTS).get(operation)
    return find(json) if find is not None and isinstance(json, dict) else ()


def ended_by(operation: Operation, json: Any) -> Sequence[Part] | None:
    """What an event of a stream ends: beginnings of Slot.part; None: every part there is.

    ("text", 0) ends ("text", 0) and ("text", 0, 2).
    """
    find = _ENDS.get(operation)
    return find(json) if find is not None and isinstance(json, dict) else ()
