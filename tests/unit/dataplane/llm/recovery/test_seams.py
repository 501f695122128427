"""Every recorded stream, cut after each of its events and gone on with: the client reads one
answer, as whole and as well-formed as the one it would have got.
"""

import json

import pytest

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.delta import Delta, End
from dataplane.llm.hub.parts import Native, Part, Text, Thinking, ToolCall
from dataplane.llm.hub.whole import Whole
from dataplane.llm.recovery.delivered import Delivered
from dataplane.llm.recovery.repetition import Repetition
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.llm_golden import Case, cases, echo
from tests.support.oracle import problems_of_stream


def read(protocol: Protocol, body: bytes) -> list[Delta]:
    reader = CODECS[protocol].stream_reader()
    return [*reader.feed(body), *reader.finish()]


def answer_of(deltas: list[Delta]) -> Answer | None:
    whole = Whole()
    whole.feed(deltas)
    return whole.answer()


def plain(answer: Answer | None) -> object:
    """What must be the same, however it came: signatures, numbers of tokens and what only one
    provider knows are told once, by whoever told them.
    """
    assert answer is not None
    return (
        answer.id,
        answer.model,
        answer.usage,
        [
            (one.finish, [_plain(part) for part in one.parts if _speaks(part)])
            for one in answer.choices
        ],
    )


def _speaks(part: Part) -> bool:
    return not isinstance(part, Native | Thinking) or bool(getattr(part, "text", ""))


def _plain(part: Part) -> object:
    match part:
        case Text(text, citations):
            return ("text", text, citations)
        case Thinking(text):
            return ("thinking", text)
        case ToolCall():
            meant = part.arguments if part.custom else json.loads(part.arguments or "{}")
            return ("call", part.name, meant)
        case _:
            return part


def problems(protocol: Protocol, body: bytes) -> set[str]:
    """What is wrong with a stream, wherever in it."""
    told = {one.partition(": ")[2] or one for one in problems_of_stream(protocol, body)}
    return {one for one in told if "no such key" not in one and "message_start" not in one}


NOT_COMPARED = (
    "chat/stream/reasoning_details",
    "responses/stream/sparse_events",
    "responses/stream/one_event_not_json",
    "messages/stream/one_event_not_json",
    "chat/stream/one_event_not_json",
)
"""Our chat tells thinking in two fields, for two kinds of clients, and this provider in one. And
events that the vendor's own types do not read.
"""
NEVER = (
    "responses/stream/reasoning_text",
    "responses/stream/interleaved_items",
    "responses/stream/sparse_events",
    "responses/stream/reasoning_encrypted_only",
    "responses/stream/arguments_only_when_done",
    "chat/stream/content_filter",
    "gemini/stream/blocked-prompt",
    "gemini/stream/finish-with-text",
    "messages/stream/empty",
)
"""Where nobody goes on: events that are not ours, or one event with all words in it."""
WHOLE = [
    pytest.param(case, id=case.name)
    for case in cases("stream")
    if CODECS[case.protocol].resume_stream is not None
    and case.name not in NOT_COMPARED
    and any(isinstance(delta, End) for delta in read(case.protocol, case.stream()))
]


@pytest.mark.parametrize("case", WHOLE)
def test_stream_is_one_wherever_it_is_cut(case: Case) -> None:
    protocol = case.protocol
    body = case.stream().replace(b"\r\n", b"\n")
    expected = plain(answer_of(read(protocol, body)))
    known = problems(protocol, body)
    events = [event + b"\n\n" for event in body.split(b"\n\n") if event]
    resume = CODECS[protocol].resume_stream
    assert resume is not None
    gone_on = 0
    for cut in range(1, len(events)):
        told = b"".join(events[:cut])
        reader = CODECS[protocol].stream_reader()
        deltas = reader.feed(told)
        delivered = Delivered()
        delivered.feed(deltas)
        if not delivered.is_known or not delivered.tokens:
            continue  # (what says nothing is not passed on)
        writer = resume(echo(protocol, stream=True), deltas, told)
        if writer is None:
            continue
        seam = Repetition(delivered)
        again = seam.feed(read(protocol, body))
        assert not seam.differs, f"after {cut} events"
        whole = told + writer.feed(again)
        gone_on += 1
        assert plain(answer_of(read(protocol, whole))) == expected, f"after {cut} events"
        if cut % 2 or cut == len(events) - 1:  # (they take most of the time)
            assert problems(protocol, whole) <= known, f"after {cut} events: {whole.decode()}"
    assert gone_on or case.name in NEVER
