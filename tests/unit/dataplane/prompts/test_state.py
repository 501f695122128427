"""What clients keep of calls of targets, in Plano's words."""

import json
from typing import Any

from dataplane.llm.sse import SseDecoder
from dataplane.prompts.state import Remembered, first_chunks, ours, with_metadata

CALLED = Remembered("weather", "call_7", '{"city":"Rome"}', '{"rain":true}')
FUNCTION = {"name": "weather", "arguments": '{"city":"Rome"}'}
CALL = {"id": "call_7", "type": "function", "function": FUNCTION}
SAID = {"role": "assistant", "content": "", "tool_calls": [CALL]}
RESULT = {"role": "tool", "content": '{"rain":true}', "tool_call_id": "call_7"}


def test_whole_answer_has_the_messages_in_its_metadata() -> None:
    body = json.loads(with_metadata(b'{"choices":[],"metadata":{"a":"b"},"x":1e3}', CALLED))
    assert (body["choices"], body["x"], body["metadata"].pop("a")) == ([], 1000.0, "b")
    state = json.loads(body["metadata"].pop("x-arch-state"))
    assert json.loads(state["messages"]) == [SAID, RESULT]
    assert json.loads(body["metadata"].pop("x-arch-tool-call-message")) == SAID
    assert json.loads(body["metadata"].pop("x-arch-api-response-message")) == RESULT
    assert body["metadata"] == {}


def test_what_is_no_answer_stays_as_it_is() -> None:
    for body in (b"", b"[1]", b'{"a":', b'"text"'):
        assert with_metadata(body, CALLED) == body


def chunks(with_messages: bool) -> list[dict[str, Any]]:
    events = SseDecoder().feed(b"".join(first_chunks(CALLED, "abc", 7, with_messages)))
    return [json.loads(event.data) for event in events]


def test_stream_begins_with_the_call_and_what_it_said() -> None:
    first, second = chunks(with_messages=True)
    assert {one["model"] for one in (first, second)} == {"Arch-Function"}
    assert first["choices"][0]["delta"] == {**SAID, "tool_calls": [{"index": 0, **CALL}]}
    assert second["choices"][0]["delta"] == RESULT
    assert "x-arch-state" in second["metadata"]


def test_stream_may_have_them_in_metadata_alone() -> None:
    (only,) = chunks(with_messages=False)
    assert (only["choices"], "x-arch-state" in only["metadata"]) == ([], True)


def test_messages_of_ours_are_found_and_the_clients_own_are_not() -> None:
    own = {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Rain?"},
        SAID,
        RESULT,
        {"role": "assistant", "tool_calls": [own]},
        {"role": "tool", "content": "", "tool_call_id": "c2"},
        {"role": "assistant", "tool_calls": [own, CALL]},
    ]
    tools = [{"type": "function", "function": {"name": "look"}}]
    body: dict[str, Any] = {"messages": messages, "tools": tools}
    assert ours(json.dumps(body).encode(), {"weather"}) == frozenset({1, 2})
    body["tools"].append({"type": "function", "function": {"name": "weather"}})
    assert ours(json.dumps(body).encode(), {"weather"}) == frozenset()
    assert ours(b'{"messages":[]}', {"weather"}) == frozenset()
