"""Texts where they stand: what the codecs hear is what stands in the slots."""

from collections.abc import Iterable

import pytest

from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing, cutter_of
from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.parts import Refusal, Text, Thinking
from dataplane.llm.hub.whole import Whole
from dataplane.llm.texts.answers import ended_by, slots_of
from dataplane.llm.texts.slot import Part, Slot, TextKind
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import GENERATION_OF, Operation, Protocol
from tests.support.llm_golden import Case, cases

NOT_SAID = "gemini/stream/blocked-prompt"
"""Its codec says "Blocked." of a field that has no words."""


def events(case: Case) -> list[Event]:
    """The events of a stream."""
    framing = Framing.FRAMES if case.protocol is Protocol.CONVERSE else Framing.SSE
    form = Form(GENERATION_OF[case.protocol], framing)
    cutter = cutter_of(framing, 0)
    return [Event(piece, form) for piece in cutter.feed(case.stream())]


def heard(answer: Answer, *kinds: type[Text | Refusal | Thinking]) -> str:
    """What an answer says, as a codec reads it; paragraphs are made by codecs."""
    parts = [part for choice in answer.choices for part in choice.parts]
    text = "".join(part.text for part in parts if isinstance(part, kinds))
    return text.replace("\n\n", "")


def said(slots: Iterable[Slot], kind: TextKind) -> str:
    """What stands in slots, choice by choice."""
    found = [slot for slot in slots if slot.kind is kind and not slot.repeats]
    found.sort(key=lambda slot: slot.part[0])
    return "".join(slot.text for slot in found).replace("\n\n", "")


@pytest.mark.parametrize("case", cases("answer"), ids=lambda case: case.name)
def test_a_whole_answer_says_what_its_codec_reads(case: Case) -> None:
    answer = CODECS[case.protocol].read_answer(case.path.read_bytes())
    event = Event(case.path.read_bytes(), Form(GENERATION_OF[case.protocol], Framing.WHOLE))
    if isinstance(answer, Answer):
        assert said(event.slots, TextKind.TEXT) == heard(answer, Text, Refusal)
        assert said(event.slots, TextKind.REASONING) == heard(answer, Thinking)


@pytest.mark.parametrize("case", cases("stream"), ids=lambda case: case.name)
def test_a_stream_says_what_its_codec_hears(case: Case) -> None:
    whole, reader = Whole(), CODECS[case.protocol].stream_reader()
    whole.feed(reader.feed(case.stream()) + reader.finish())
    answer = whole.answer()
    slots = [slot for event in events(case) for slot in event.slots]
    if answer is not None and whole.failure is None and case.name != NOT_SAID:
        assert said(slots, TextKind.TEXT) == heard(answer, Text, Refusal)
        assert said(slots, TextKind.REASONING) == heard(answer, Thinking)


@pytest.mark.parametrize("case", cases("stream"), ids=lambda case: case.name)
def test_what_is_said_again_is_what_was_said(case: Case) -> None:
    so_far: dict[Part, str] = {}
    for event in events(case):
        for slot in event.slots:
            if slot.repeats and slot.part in so_far and slot.text:
                assert slot.text == so_far[slot.part]
            elif not slot.repeats:
                so_far[slot.part] = so_far.get(slot.part, "") + slot.text


@pytest.mark.parametrize(
    ("operation", "event", "parts"),
    [
        (Operation.CHAT, {"choices": [{"index": 1, "delta": {}}]}, []),
        (Operation.CHAT, {"choices": [{"index": 1, "finish_reason": "stop"}]}, [(1,)]),
        (Operation.MESSAGES, {"type": "content_block_stop", "index": 2}, [(2,)]),
        (Operation.MESSAGES, {"type": "message_stop"}, None),
        (Operation.RESPONSES, {"type": "response.completed"}, None),
        (
            Operation.RESPONSES,
            {"type": "response.output_text.done", "output_index": 3, "content_index": 1},
            [(3, "content_index", 1)],
        ),
        (Operation.RESPONSES, {"type": "response.output_item.done", "output_index": 3}, [(3,)]),
        (Operation.GENERATE_CONTENT, {"candidates": [{"finishReason": "STOP"}]}, [(0,)]),
        (Operation.CONVERSE, {"contentBlockIndex": 4}, [(4,)]),
        (Operation.CONVERSE, {"contentBlockIndex": 4, "delta": {"text": "x"}}, []),
        (Operation.CONVERSE, {"stopReason": "end_turn"}, None),
        (Operation.EMBEDDINGS, {"data": []}, []),
    ],
)
def test_events_that_end_something(
    operation: Operation, event: object, parts: list[Part] | None
) -> None:
    found = ended_by(operation, event)
    assert (list(found) if found is not None else None) == parts


def test_a_text_that_is_set_stands_in_the_json() -> None:
    json = {"choices": [{"delta": {"content": "4111"}}]}
    (slot,) = slots_of(Operation.CHAT, False, json)
    slot.text = "****"
    assert json == {"choices": [{"delta": {"content": "****"}}]}
    assert slot.changed


def test_arguments_that_are_an_object_are_written_as_json() -> None:
    json = {"content": [{"type": "tool_use", "input": {"city": "Oslo"}}]}
    (slot,) = slots_of(Operation.MESSAGES, True, json)
    assert (slot.kind, slot.text) == (TextKind.ARGUMENTS, '{"city":"Oslo"}')
    slot.text = '{"city":"?"}'
    assert json["content"][0]["input"] == {"city": "?"}


@pytest.mark.parametrize("value", [None, [], {"choices": 1}, {"choices": [1, {"delta": "x"}]}])
def test_what_is_no_answer_has_no_texts(value: object) -> None:
    assert list(slots_of(Operation.CHAT, False, value)) == []
