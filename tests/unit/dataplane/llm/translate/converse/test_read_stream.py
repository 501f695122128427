import json
from typing import Any

import pytest

from dataplane.llm.aws_events import encode, head
from dataplane.llm.hub.answer import Failure, Finish, Usage
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    UsageDelta,
)
from dataplane.llm.hub.parts import Citation, Media, Text, Thinking, ToolCall
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.converse.read_stream import StreamReader
from dataplane.runtime.protocols import Protocol


def event(name: str, **payload: Any) -> bytes:
    return encode(head("event", name), json.dumps(payload).encode())


def delta(index: int, **what: Any) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=index, delta=what, p="abc")


def stop(index: int) -> bytes:
    return event("contentBlockStop", contentBlockIndex=index)


START = event("messageStart", role="assistant")
CALL = event(
    "contentBlockStart",
    contentBlockIndex=0,
    start={"toolUse": {"toolUseId": "t", "name": "f"}},
)
STOPPED = event("messageStop", stopReason="end_turn")
METADATA = event("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3})


def read(*frames: bytes) -> list[Delta]:
    reader = StreamReader()
    return [delta for frame in frames for delta in reader.feed(frame)] + reader.finish()


def within(*frames: bytes) -> list[Delta]:
    """The deltas between Begin and Finished."""
    deltas = read(START, *frames, STOPPED, METADATA)
    assert deltas[0] == Begin("", "")
    assert deltas[-3:] == [Finished(Finish.STOP), UsageDelta(Usage(input=1, output=2)), End()]
    return deltas[1:-3]


def failure(*frames: bytes) -> Failure:
    last = read(*frames)[-1]
    assert isinstance(last, Failed), last
    return last.failure


def test_a_text_begins_with_its_first_words() -> None:
    assert within(delta(0, text=""), delta(0, text="a"), stop(0)) == [
        PartBegin(Text("")),
        TextDelta(b'"a"'),
        PartEnd(),
    ]


def test_a_text_that_is_announced_is_the_same() -> None:
    announced = event("contentBlockStart", contentBlockIndex=0, start={})
    assert within(announced, delta(0, text="a"), stop(0)) == within(delta(0, text="a"), stop(0))


def test_a_block_without_events_is_nothing() -> None:
    assert within(stop(0)) == []


def test_a_call_grows() -> None:
    frames = (delta(0, toolUse={"input": x}) for x in ("", '{"a"', ":1}"))
    assert within(CALL, *frames, stop(0)) == [
        PartBegin(ToolCall("t", "f", "")),
        ArgumentsDelta(b'"{\\"a\\""'),
        ArgumentsDelta(b'":1}"'),
        PartEnd(),
    ]


def test_a_call_without_input_takes_nothing() -> None:
    assert within(CALL, stop(0))[1] == ArgumentsDelta(b'"{}"')


def test_signatures_are_sealed_once() -> None:
    frames = (
        delta(0, reasoningContent=what)
        for what in ({"text": "t"}, {"signature": "a"}, {"signature": "b"})
    )
    assert within(*frames, stop(0)) == [
        PartBegin(Thinking()),
        TextDelta(b'"t"'),
        SignatureDelta(seal(Protocol.CONVERSE, "a")),
        SignatureDelta("b"),
        PartEnd(),
    ]


def test_pieces_of_redacted_thinking_are_joined_as_bytes() -> None:
    frames = (delta(0, reasoningContent={"redactedContent": piece}) for piece in ("YQ==", "Yg=="))
    part = Thinking(signature=seal(Protocol.CONVERSE, "YWI="), redacted=True)
    assert within(*frames, stop(0)) == [PartBegin(part), PartEnd()]


def test_citations_belong_to_their_text() -> None:
    assert within(delta(0, text="a"), delta(0, citation={"title": "T"}), stop(0)) == [
        PartBegin(Text("")),
        TextDelta(b'"a"'),
        CitationDelta(Citation(title="T")),
        PartEnd(),
    ]


def test_pieces_of_an_image_become_one() -> None:
    start = event("contentBlockStart", contentBlockIndex=0, start={"image": {"format": "png"}})
    frames = (delta(0, image={"source": {"bytes": piece}}) for piece in ("YQ==", "Yg=="))
    assert within(start, *frames, stop(0)) == [
        PartBegin(Media("image", "image/png", data="YWI=")),
        PartEnd(),
    ]


def test_what_bedrock_runs_itself_is_no_answer() -> None:
    use = {"toolUseId": "t", "name": "f", "type": "server_tool_use"}
    start = event("contentBlockStart", contentBlockIndex=0, start={"toolUse": use})
    assert within(start, delta(0, toolUse={"input": "{}"}), stop(0)) == []


def test_a_block_that_nothing_ends_is_closed_with_the_message() -> None:
    assert within(delta(0, text="a"))[-1] == PartEnd()


def test_new_events_and_deltas_are_passed_over() -> None:
    assert within(event("future"), delta(0, text="a"), delta(0, future={}), stop(0)) == [
        PartBegin(Text("")),
        TextDelta(b'"a"'),
        PartEnd(),
    ]


def test_a_stream_whose_usage_never_comes_still_ends() -> None:
    assert read(START, STOPPED)[-1] == End()


def test_usage_may_come_before_the_stop() -> None:
    assert read(START, METADATA, STOPPED)[-2:] == [UsageDelta(Usage(input=1, output=2)), End()]


def test_a_stop_sequence_is_told() -> None:
    frame = event(
        "messageStop",
        stopReason="stop_sequence",
        additionalModelResponseFields={"stop_sequence": "x"},
    )
    assert read(START, frame)[1] == Finished(Finish.STOP_SEQUENCE, stop_sequence="x")


@pytest.mark.parametrize(
    "frames",
    [(START, delta(0, text="a")), (START, STOPPED, METADATA[:-1]), (START,), ()],
    ids=["in a text", "in the last frame", "at once", "nothing"],
)
def test_what_is_cut_has_no_end(frames: tuple[bytes, ...]) -> None:
    assert not any(isinstance(delta, End | Failed) for delta in read(*frames))


def test_an_exception_is_the_providers_failure() -> None:
    frame = encode(head("exception", "throttlingException"), b'{"message":"slow down"}')
    assert failure(START, frame) == Failure(
        429, "slow down", "rate_limit", code="throttlingException"
    )


def test_nothing_comes_after_a_failure() -> None:
    frame = encode(head("exception", "throttlingException"), b"{}")
    assert isinstance(read(frame, START, STOPPED, METADATA)[-1], Failed)


@pytest.mark.parametrize(
    "frames",
    [
        (delta(0, text="a"),),
        (START, START),
        (START, delta(0, text="a"), stop(0), delta(0, text="b")),
        (START, delta(0, text="a"), delta(1, text="b")),
        (START, delta(0, text="a"), delta(0, reasoningContent={"text": "b"})),
        (START, delta(0, toolUse={"input": "{}"})),
        (START, delta(0, image={"source": {"bytes": "YQ=="}})),
        (START, CALL, CALL),
        (START, CALL, delta(0, text="a")),
        (START, stop(0), stop(0)),
        (START, STOPPED, delta(0, text="a")),
        (START, STOPPED, STOPPED),
        (STOPPED,),
        (START, delta(0, text="a")[:-1] + b"x"),
        (b'{"message":"a proxy on the way"}',),
        (encode(head("event", "messageStop"), b"{"),),
        (START, encode(head("event", "contentBlockDelta"), b'{"delta":{"text":"\xff"}}')),
        (START, encode(head("event", "contentBlockDelta"), b'{"delta":1}')),
    ],
)
def test_what_is_no_stream_fails(frames: tuple[bytes, ...]) -> None:
    assert failure(*frames).message.startswith("The model's stream broke: ")
