from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.answer import Answer, Choice, Failure, Finish, Usage
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
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
from dataplane.llm.hub.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Request
from dataplane.llm.hub.seal import seal
from dataplane.llm.hub.whole import deltas_of
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.converse.wire import FIELDS
from dataplane.llm.translate.converse.write_stream import StreamWriter
from dataplane.runtime.protocols import Protocol
from tests.support.bedrock import events_of, problems_of_stream

SEALED = seal(Protocol.MESSAGES, "Eq==")
BYTES = "b3V0cmlkZXIubWVzc2FnZXMuRXE9PQ=="
EMPTY_USAGE = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


def write(deltas: list[Delta], body: bytes = b"{}") -> list[tuple[str, dict[str, Any]]]:
    request = Request("m", True, Protocol.CONVERSE, [], echo=FIELDS.decode(body))
    writer = StreamWriter(Echo(request, 1, "abc"))
    stream = b"".join(writer.feed([delta]) for delta in deltas)
    assert problems_of_stream(stream) == []
    return events_of(stream)


def blocks(*parts: Part) -> list[dict[str, Any]]:
    """What is told of the parts of an answer, between its start and its stop."""
    events = write(deltas_of(Answer("", "", [Choice(list(parts))])))
    assert [name for name, _ in (events[0], *events[-2:])] == [
        "messageStart",
        "messageStop",
        "metadata",
    ]
    return [payload.get("start") or payload.get("delta") or {} for _, payload in events[1:-2]]


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Text("a"), [{"text": "a"}]),
        (Refusal("no"), [{"text": "no"}]),
        (
            Text("a", [Citation(title="T")]),
            [{"text": "a"}, {"citation": {"title": "T"}}],
        ),
        (
            Thinking("t", SEALED),
            [{"reasoningContent": {"text": "t"}}, {"reasoningContent": {"signature": SEALED}}],
        ),
        (
            Thinking(signature=SEALED, redacted=True),
            [{"reasoningContent": {"redactedContent": BYTES}}],
        ),
        (
            ToolCall("c", "f", '{"a":1}'),
            [
                {"toolUse": {"toolUseId": "c", "name": "f"}},
                {"toolUse": {"input": '{"a":1}'}},
            ],
        ),
        (
            ToolCall("c", "f", ""),
            [{"toolUse": {"toolUseId": "c", "name": "f"}}, {"toolUse": {"input": "{}"}}],
        ),
        (
            Media("image", "image/png", data="AAAA"),
            [{"image": {"format": "png"}}, {"image": {"source": {"bytes": "AAAA"}}}],
        ),
    ],
)
def test_parts_become_blocks(part: Part, told: list[dict[str, Any]]) -> None:
    assert blocks(part) == [*told, {}]


def test_media_that_cannot_be_carried_are_named() -> None:
    told = blocks(Media("audio", "audio/wav", data="AAAA"))
    assert "audio/wav" in told[0]["text"]


def test_what_is_empty_or_foreign_is_no_block() -> None:
    foreign = Native(Protocol.MESSAGES, "server_tool_use", msgspec.Raw(b"{}"))
    assert blocks(Text(""), Thinking(), foreign, Text("a")) == [{"text": "a"}, {}]


def test_data_of_redacted_thinking_may_come_late() -> None:
    deltas: list[Delta] = [
        Begin("", ""),
        PartBegin(Thinking(redacted=True)),
        SignatureDelta(SEALED),
        PartEnd(),
    ]
    assert write(deltas)[1][1]["delta"] == {"reasoningContent": {"redactedContent": BYTES}}


def test_words_are_handed_on_as_they_came() -> None:
    deltas: list[Delta] = [Begin("", ""), PartBegin(Text("")), TextDelta(b'"\\u00e9\\n"')]
    assert write(deltas)[1][1]["delta"] == {"text": "é\n"}


def test_a_signature_of_a_call_is_not_told() -> None:
    deltas: list[Delta] = [Begin("", ""), PartBegin(ToolCall("c", "f", "")), SignatureDelta("s")]
    assert [name for name, _ in write(deltas)] == ["messageStart", "contentBlockStart"]


def test_only_the_first_choice_is_told() -> None:
    deltas: list[Delta] = [
        Begin("", ""),
        PartBegin(Text(""), 1),
        TextDelta(b'"a"', 1),
        PartEnd(1),
        Finished(Finish.STOP, 1),
    ]
    assert [name for name, _ in write(deltas)] == ["messageStart"]


def test_the_last_usage_is_told_once_at_the_end() -> None:
    deltas: list[Delta] = [
        Begin("", "", usage=Usage(input=9)),
        UsageDelta(Usage(input=1, output=2)),
        Finished(Finish.LENGTH),
        End(),
    ]
    assert write(deltas)[1:] == [
        ("messageStop", {"stopReason": "max_tokens"}),
        (
            "metadata",
            {
                "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
                "metrics": {"latencyMs": 0},
            },
        ),
    ]


def test_a_stream_with_calls_stops_for_them() -> None:
    deltas: list[Delta] = [
        Begin("", ""),
        PartBegin(ToolCall("c", "f", "")),
        ArgumentsDelta(b'"{}"'),
        PartEnd(),
        Finished(Finish.STOP),
    ]
    assert write(deltas)[-1] == ("messageStop", {"stopReason": "tool_use"})


def test_a_failure_is_an_exception_and_nothing_comes_after_it() -> None:
    failed = Failed(Failure(429, "slow down", "rate_limit"))
    deltas: list[Delta] = [Begin("", ""), failed, Finished(Finish.STOP), End()]
    assert write(deltas)[1:] == [("throttlingException", {"message": "slow down"})]


def test_the_stop_sequence_is_told_when_asked_for() -> None:
    deltas: list[Delta] = [Begin("", ""), Finished(Finish.STOP_SEQUENCE, stop_sequence="x")]
    events = write(deltas, b'{"additionalModelResponseFieldPaths":["/stop_sequence"]}')
    assert events[1][1]["additionalModelResponseFields"] == {"stop_sequence": "x"}
