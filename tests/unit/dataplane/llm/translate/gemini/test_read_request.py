"""What Gemini clients send, in all the spellings that the API takes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.hub.parts import Media, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Request
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.gemini.read_request import read_count_request, read_request
from dataplane.llm.translate.gemini.signature import to_wire
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol
from tests.support.examples import share_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
WORDS = [
    *("role", "parts", "text", "thought", "thoughtSignature", "functionCall", "functionResponse"),
    *("name", "args", "id", "response", "inlineData", "mime_type", "data", "fileData", "fileUri"),
    *("functionDeclarations", "parameters", "parametersJsonSchema", "mode", "temperature", "topK"),
    *("functionCallingConfig", "allowedFunctionNames", "responseSchema", "responseMimeType"),
    *("thinkingConfig", "thinkingBudget", "type", "properties", "enum", "anyOf"),
]
SHAPED = st.recursive(
    JSON,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(**body: Any) -> Request:
    body.setdefault("contents", [{"parts": [{"text": "Hi"}]}])
    request = read_request(json.dumps(body).encode(), "m", False)
    assert isinstance(request, Request), request
    return request


def refused(body: bytes) -> LocalReply:
    reply = read_request(body, "m", False)
    assert isinstance(reply, LocalReply)
    return reply


def model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def test_names_may_be_in_snake_case() -> None:
    request = read(
        system_instruction={"parts": [{"text": "Be brief."}]},
        generation_config={"max_output_tokens": 5, "thinking_config": {"thinking_budget": 0}},
    )
    assert request.system == [Text("Be brief.")]
    assert request.max_output_tokens == 5
    assert request.reasoning is not None
    assert request.reasoning.enabled is False
    assert request.unknown == []


@pytest.mark.parametrize("told", [3, 3.0, "3"])
def test_a_whole_number_may_be_written_in_three_ways(told: object) -> None:
    assert read(generationConfig={"topK": told}).top_k == 3


def test_null_is_not_said() -> None:
    request = read(tools=None, cachedContent=None, generationConfig={"seed": None})
    assert (request.tools, request.seed, request.unknown) == ([], None, [])


def test_instructions_may_be_just_a_text() -> None:
    assert read(systemInstruction="Be brief.").system == [Text("Be brief.")]


def test_base64_in_the_alphabet_of_urls_becomes_the_usual_one() -> None:
    part = {"inlineData": {"mimeType": "image/png", "data": "ab-_"}}
    (message,) = read(contents=[{"parts": [part]}]).messages
    assert message.parts == [Media("image", "image/png", data="ab+/")]


def test_answers_of_functions_find_their_calls_by_name_and_order() -> None:
    calls = [{"functionCall": {"name": name}} for name in ("a", "b", "a")]
    answers = [
        {"functionResponse": {"name": name, "response": {"result": name}}}
        for name in ("a", "a", "b")
    ]
    asked, answered = read(contents=[model(*calls), {"parts": answers}]).messages
    ids = [part.id for part in asked.parts if isinstance(part, ToolCall)]
    found = [part.call_id for part in answered.parts if isinstance(part, ToolResult)]
    assert len(set(ids)) == 3
    assert found == [ids[0], ids[2], ids[1]]


@pytest.mark.parametrize(
    ("response", "text"),
    [
        ({"result": "4 C"}, "4 C"),
        ({"name": "f", "content": "4 C"}, "4 C"),
        ({"name": "g", "content": "4 C"}, '{"name": "g", "content": "4 C"}'),
        ({"name": "f", "celsius": 4}, '{"name": "f", "celsius": 4}'),
    ],
)
def test_answer_of_a_function_is_its_text_without_the_wrapping(
    response: dict[str, Any], text: str
) -> None:
    answer = {"functionResponse": {"name": "f", "response": response}}
    _, answered = read(
        contents=[model({"functionCall": {"name": "f"}}), {"parts": [answer]}]
    ).messages
    (result,) = answered.parts
    assert isinstance(result, ToolResult)
    (said,) = result.parts
    assert isinstance(said, Text)
    assert said.text == text


def test_pieces_of_a_streamed_answer_are_one_thought_and_one_text() -> None:
    wire = to_wire(Thinking("", seal(Protocol.MESSAGES, "Eq")))
    thought: list[dict[str, Any]] = [
        model({"text": "I ", "thought": True}),
        model({"text": "think.", "thought": True}),
        model({"thought": True, "thoughtSignature": wire}),
        model({"text": "So "}),
        model({"text": "it is."}),
    ]
    (message,) = read(contents=thought).messages
    assert message.parts == [Thinking("I think.", "outrider.messages.Eq"), Text("So it is.")]


def test_signatures_of_gemini_are_sealed() -> None:
    part = {"functionCall": {"name": "a"}, "thoughtSignature": "CiQB"}
    (message,) = read(contents=[model(part)]).messages
    (call,) = message.parts
    assert isinstance(call, ToolCall)
    assert call.signature == "outrider.gemini.CiQB"


def test_the_model_in_a_body_is_not_unknown() -> None:
    assert read(model="models/x").unknown == []


def test_fields_of_the_future_are_unknown_by_their_place() -> None:
    request = read(contents=[{"parts": [{"text": "Hi", "aura": 1}]}], mood=1)
    assert request.unknown == ["contents[0].parts[0].aura", "mood"]


def test_a_call_without_a_name_is_refused() -> None:
    body = {"contents": [model({"functionCall": {"args": {}}})]}
    reply = refused(json.dumps(body).encode())
    assert "contents[0].parts[0].functionCall.name" in reply.message
    assert reply.detail is ResponseDetail.INVALID_BODY


@pytest.mark.parametrize("body", [b"", b"{", b'"\xff"', b'{"contents":' + b"[" * 100_000])
def test_what_is_no_json_is_refused_as_such(body: bytes) -> None:
    assert refused(body).detail is ResponseDetail.INVALID_JSON


@pytest.mark.parametrize("body", [b"[]", b"1", b'{"contents":1}', b'{"contents":[1]}'])
def test_other_json_is_refused(body: bytes) -> None:
    assert refused(body).detail is ResponseDetail.INVALID_BODY


def test_tokens_are_counted_of_contents_or_of_a_whole_request() -> None:
    content = {"parts": [{"text": "Hi"}]}
    plain = read_count_request(json.dumps({"contents": [content]}).encode(), "m")
    whole = {"generateContentRequest": {"model": "models/m", "contents": [content]}}
    nested = read_count_request(json.dumps(whole).encode(), "m")
    assert isinstance(plain, Request)
    assert isinstance(nested, Request)
    assert plain.messages[0].parts == nested.messages[0].parts == [Text("Hi")]


@settings(max_examples=share_of(60))
@given(contents=SHAPED, tools=SHAPED, config=SHAPED, other=JSON)
def test_no_json_crashes_the_reader(
    contents: object, tools: object, config: object, other: object
) -> None:
    body = {
        "contents": [{"role": "model", "parts": contents}],
        "tools": tools,
        "toolConfig": config,
        "generationConfig": config,
        "systemInstruction": other,
    }
    assert read_request(json.dumps(body).encode(), "m", False) is not None
