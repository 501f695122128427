import json
from typing import Any

import msgspec

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
from dataplane.llm.hub.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Request, Tool
from dataplane.llm.translate.chat.write_stream import StreamWriter
from dataplane.llm.translate.codec import Echo
from dataplane.runtime.protocols import Protocol

BEGIN = Begin("", "")


def client(**fields: Any) -> Request:
    return Request("asked", True, Protocol.CHAT, [], **fields)


def written(*deltas: Delta, asked: Request | None = None) -> list[Any]:
    out = StreamWriter(Echo(asked or client(), 7, "abc")).feed([BEGIN, *deltas])
    assert out.endswith(b"\n\n") or not out
    data = [event.removeprefix("data: ") for event in out.decode().split("\n\n")[:-1]]
    return [one if one == "[DONE]" else json.loads(one) for one in data]


def told(*deltas: Delta, asked: Request | None = None) -> list[dict[str, Any]]:
    """The deltas of the first choice after the one that names the role."""
    return [one["choices"][0]["delta"] for one in written(*deltas, asked=asked)[1:]]


def part(part: Part, *inside: Delta) -> list[Delta]:
    return [PartBegin(part), *inside, PartEnd()]


def test_first_chunk_names_the_role_and_who_answers() -> None:
    assert written(*part(Text("")))[0] == {
        "id": "chatcmpl-abc",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "asked",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": ""},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
    }


def test_usage_is_for_who_asked_for_it() -> None:
    deltas: list[Delta] = [UsageDelta(Usage(3, 4)), Finished(Finish.STOP), End()]
    assert [one if one == "[DONE]" else "usage" in one for one in written(*deltas)] == [
        False,
        False,
        "[DONE]",
    ]
    asked = written(*deltas, asked=client(include_usage=True))
    assert [one["usage"] for one in asked[:2]] == [None, None]
    assert asked[2]["choices"] == []
    assert asked[2]["usage"]["total_tokens"] == 7


def test_failure_is_the_last_word() -> None:
    *_, last = written(*part(Text(""), TextDelta(b'"a"')), Failed(Failure(429, "m")))
    assert last["error"]["type"] == "rate_limit_error"


def test_failure_may_be_the_first_word() -> None:
    out = StreamWriter(Echo(client(), 7, "abc")).feed([Failed(Failure(500, "m"))])
    assert out.startswith(b'data: {"error":')


def test_call_without_arguments_has_an_empty_object() -> None:
    first, second = told(*part(ToolCall("c", "f", "")))
    assert first["tool_calls"][0]["function"] == {"name": "f", "arguments": ""}
    assert second == {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}


def test_calls_are_counted() -> None:
    deltas = [*part(ToolCall("a", "f", "{}")), *part(ToolCall("b", "g", "{}"))]
    assert [one["tool_calls"][0]["index"] for one in told(*deltas)] == [0, 0, 1, 1]


def test_signed_thinking_is_told_again_whole_in_the_end() -> None:
    deltas = part(
        Thinking(), TextDelta(b'"a"'), TextDelta(b'"b"'), SignatureDelta("s"), SignatureDelta("t")
    )
    assert told(*deltas) == [
        {"reasoning_content": "a"},
        {"reasoning_content": "b"},
        {
            "reasoning_details": [
                {"type": "reasoning.text", "text": "ab", "signature": "st", "index": 0}
            ]
        },
    ]


def test_signature_of_a_call_carries_the_calls_id() -> None:
    *_, last = told(*part(ToolCall("c", "f", "{}", signature="s")))
    assert last["reasoning_details"] == [
        {"type": "reasoning.encrypted", "data": "s", "index": 0, "id": "c"}
    ]


def test_citations_are_placed_in_the_whole_content() -> None:
    first = part(Text(""), TextDelta(b'"\\u00e9."'))
    second = part(Text(""), TextDelta(b'"abc"'), CitationDelta(Citation("https://a", "A")))
    *_, last = told(*first, *second)
    cited = last["annotations"][0]["url_citation"]
    assert (cited["start_index"], cited["end_index"]) == (2, 5)


def test_function_that_stands_for_a_custom_tool_comes_back_as_one() -> None:
    asked = client(tools=[Tool("sh", kind="custom")])
    pieces = [ArgumentsDelta(b'"{\\"input\\": \\"l"'), ArgumentsDelta(b'"s\\\\n\\"}"')]
    first, second = told(*part(ToolCall("c", "sh", ""), *pieces), asked=asked)
    assert first["tool_calls"][0]["custom"] == {"name": "sh", "input": ""}
    assert second["tool_calls"][0]["custom"] == {"input": "ls\n"}


def test_legacy_client_gets_a_function_call() -> None:
    asked = client(said={"tools": "functions"})
    call = part(ToolCall("c", "f", ""), ArgumentsDelta(b'"{}"'))
    *deltas, last = written(*call, Finished(Finish.TOOL_CALLS), asked=asked)
    assert [one["choices"][0]["delta"] for one in deltas[1:]] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
    ]
    assert last["choices"][0]["finish_reason"] == "function_call"


def test_refusal_in_words_is_no_content_filter() -> None:
    deltas = [*part(Refusal(""), TextDelta(b'"No."')), Finished(Finish.REFUSAL)]
    assert written(*deltas)[-1]["choices"][0]["finish_reason"] == "stop"
    assert written(Finished(Finish.REFUSAL))[-1]["choices"][0]["finish_reason"] == "content_filter"


def test_picture_is_shown_in_markdown_and_native_parts_are_passed_over() -> None:
    native = Native(Protocol.MESSAGES, "server_tool_use", msgspec.Raw(b"{}"))
    assert told(*part(native), *part(Media("image", "image/png", "aGk="))) == [
        {"content": "![image](data:image/png;base64,aGk=)"}
    ]


def test_choices_do_not_mix() -> None:
    chunks = written(
        PartBegin(Text("")),
        PartBegin(Text(""), 1),
        TextDelta(b'"a"'),
        TextDelta(b'"b"', 1),
        PartEnd(),
        PartEnd(1),
    )
    assert [(one["choices"][0]["index"], one["choices"][0]["delta"]) for one in chunks[2:]] == [
        (0, {"content": "a"}),
        (1, {"content": "b"}),
    ]
