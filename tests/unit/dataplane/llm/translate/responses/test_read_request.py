"""A client's body -> Request."""

import json
from collections.abc import Mapping
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.hub.answer import Answer, Choice
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Media, Native, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, OutputFormat, Reasoning, Request, ToolChoice
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.responses.read_request import read_request
from dataplane.llm.translate.responses.write_answer import write_answer
from dataplane.llm.translate.responses.write_request import write_request
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol
from tests.support.examples import share_of

GET = {"type": "function", "name": "get", "parameters": {"type": "object"}}
CRM = {"type": "namespace", "name": "crm", "description": "Customers", "tools": [GET]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
WORDS = """message user assistant developer input_text output_text input_image input_file refusal
input_audio function_call function_call_output custom_tool_call reasoning namespace custom auto
item_reference additional_tools json_schema allowed_tools function web_search"""
NAMES = """input type role content text id call_id name arguments output summary encrypted_content
image_url file_data tools tool_choice format schema reasoning effort include metadata namespace
annotations input_audio phase previous_response_id top_logprobs instructions"""
KINDS = st.sampled_from(WORDS.split())
FIELDS = st.sampled_from(NAMES.split())
LIKELY = st.recursive(
    JSON | KINDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=12,
)


def read(**fields: object) -> Request:
    request = read_request(json.dumps({"model": "m", "input": "Hi"} | fields).encode(), "", False)
    assert isinstance(request, Request), request
    return request


def refused(body: bytes) -> LocalReply:
    reply = read_request(body, "m", False)
    assert isinstance(reply, LocalReply)
    assert reply.status == 400
    return reply


def problem(**fields: object) -> str:
    reply = refused(json.dumps({"input": "Hi"} | fields).encode())
    assert reply.detail is ResponseDetail.INVALID_BODY
    return reply.message.removeprefix("The request is not a Responses request: ")


def parts_of(*items: Mapping[str, object]) -> list[list[object]]:
    return [list(message.parts) for message in read(input=list(items)).messages]


def test_text_is_what_the_user_says() -> None:
    assert read().messages == [Message("user", [Text("Hi")], at="input")]


def test_model_of_the_caller_wins() -> None:
    request = read_request(b'{"model":"m","input":"Hi","stream":true}', "alias", False)
    assert isinstance(request, Request)
    assert (request.model, request.stream) == ("alias", True)


def test_instructions_and_first_developer_messages_are_the_system() -> None:
    items = [{"role": "developer", "content": "B"}, {"role": "user", "content": "Hi"}]
    assert read(instructions="A", input=items).system == [Text("A"), Text("B")]


def test_late_developer_message_keeps_its_place() -> None:
    items = [{"role": "user", "content": "Hi"}, {"role": "developer", "content": "B"}]
    assert read(input=items).messages[1] == Message("developer", [Text("B")], at="input[1]")


def test_reasoning_words_and_calls_are_one_turn() -> None:
    turns = parts_of(
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "T"}]},
        {"role": "assistant", "content": "Look."},
        {"type": "function_call", "call_id": "c1", "name": "get", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "get", "arguments": "{}"},
    )
    assert turns == [
        [
            Thinking("T", id="rs_1"),
            Text("Look."),
            ToolCall("c1", "get", "{}"),
            ToolCall("c2", "get", "{}"),
        ]
    ]


def test_two_answers_in_a_row_stay_two_messages() -> None:
    turns = parts_of({"role": "assistant", "content": "A"}, {"role": "assistant", "content": "B"})
    assert turns == [[Text("A")], [Text("B")]]


def test_results_are_one_turn_and_the_next_question_another() -> None:
    turns = parts_of(
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
        {"role": "user", "content": "And?"},
    )
    assert turns == [
        [ToolResult("c1", [Text("1")]), ToolResult("c2", [Text("2")], custom=True)],
        [Text("And?")],
    ]


def test_signature_before_a_call_is_the_call_s_for_chat() -> None:
    signature = seal(Protocol.CHAT, "sig")
    (parts,) = parts_of(
        {"type": "reasoning", "summary": [], "encrypted_content": signature},
        {"type": "function_call", "call_id": "c1", "name": "get", "arguments": "{}"},
    )
    assert parts[1] == ToolCall("c1", "get", "{}", signature=signature)


def test_empty_summary_part_is_thinking_that_is_not_shown() -> None:
    item = {"type": "reasoning", "summary": [{"type": "summary_text", "text": ""}]}
    (parts,) = parts_of(item)
    assert isinstance(parts[0], Thinking)
    assert not parts[0].redacted


def test_file_without_a_place_is_kept_as_it_came() -> None:
    ((part,),) = parts_of({"role": "user", "content": [{"type": "input_file", "filename": "a"}]})
    assert isinstance(part, Native)


def test_image_in_the_form_of_chat_is_read() -> None:
    image = {"type": "input_image", "image_url": {"url": "https://a/b.png", "detail": "low"}}
    ((part,),) = parts_of({"role": "user", "content": [image]})
    assert part == Media("image", url="https://a/b.png", detail="low")


def test_search_for_tools_is_advice() -> None:
    """Codex offers it to every model it knows."""
    search = {"type": "tool_search", "execution": "client", "parameters": {"type": "object"}}
    request = read(tools=[search, GET])
    assert [tool.name for tool in request.tools] == ["get"]
    assert request.hints == ["tools: tool_search"]


def test_member_of_a_namespace_keeps_a_name_that_is_free() -> None:
    (tool,) = read(tools=[CRM]).tools
    assert (tool.name, tool.namespace, tool.description) == ("get", "crm", "[crm: Customers]")


def test_member_of_a_namespace_gets_another_name_when_its_own_is_taken() -> None:
    assert [tool.name for tool in read(tools=[CRM, GET]).tools] == ["crm__get", "get"]


def test_names_of_members_are_not_too_long_and_unique() -> None:
    long = {"type": "namespace", "name": "n" * 70, "tools": [GET, GET]}
    names = [tool.name for tool in read(tools=[GET, long]).tools]
    assert names == ["get", "n" * 64, "n" * 62 + "_2"]


def test_call_of_a_member_has_the_name_that_the_provider_knows() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "get", "namespace": "crm"}
    (message,) = read(tools=[CRM, GET], input=[item]).messages
    assert message.parts == [ToolCall("c", "crm__get", "", namespace="crm")]


def test_choice_of_a_member_has_the_name_that_the_provider_knows() -> None:
    own = {**GET, "name": "put"}
    choice = {"type": "function", "name": "get"}
    crm = {**CRM, "tools": [GET]}
    other = {**CRM, "name": "erp", "tools": [GET]}
    request = read(tools=[own, crm, other], tool_choice={**choice, "namespace": "erp"})
    assert request.tool_choice == ToolChoice("tools", ["erp__get"])


def test_additional_tools_are_tools() -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": [GET]}
    request = read(input=[item, {"role": "user", "content": "Hi"}])
    assert [tool.name for tool in request.tools] == ["get"]
    assert len(request.messages) == 1


def test_half_a_character_is_a_replacement() -> None:
    request = read_request(b'{"model":"m","input":"a\\ud83d"}', "", False)
    assert isinstance(request, Request)
    assert request.messages[0].parts == [Text("a\ufffd")]


def test_summary_asks_for_reasoning_to_be_shown() -> None:
    assert read(reasoning={"summary": "auto"}).reasoning == Reasoning(summary="auto")


def test_effort_none_turns_reasoning_off() -> None:
    assert read(reasoning={"effort": "none"}).reasoning == Reasoning(False, "none")


def test_format_is_read() -> None:
    form = {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object"}}
    output = read(text={"format": form}).output
    assert output is not None
    assert replace(output, schema=None) == OutputFormat("json_schema", "n", strict=True)


def test_limit_of_calls_is_a_hint_without_tools_that_it_counts() -> None:
    request = read(max_tool_calls=3)
    assert (request.hints, request.unknown) == (["max_tool_calls"], [])


def test_predecessor_is_kept_for_the_answer() -> None:
    request = read(previous_response_id="resp_1")
    assert (request.previous_response_id, request.unknown) == ("resp_1", [])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": None}, "input: a text or a list of items is needed."),
        ({"input": [{}]}, "input[0]: an item needs a `type` or a `role`."),
        (
            {"input": [{"role": "robot", "content": "Hi"}]},
            "input[0].role: 'robot' is none of user, assistant, system, developer.",
        ),
        (
            {"input": [{"role": "user", "content": [{"text": "Hi"}]}]},
            "input[0].content[0]: a content part needs a `type`.",
        ),
        (
            {"input": [{"type": "function_call_output", "output": "1"}]},
            "input[0]: a tool's output needs a `call_id`.",
        ),
        ({"tools": [{"type": "function"}]}, "tools[0]: a tool needs a `name`."),
        (
            {"tools": [{"type": "function", "name": "f", "parameters": [1]}]},
            "tools[0].parameters: a JSON schema is needed.",
        ),
        ({"tool_choice": "any"}, "tool_choice: 'any' is none of auto, none, required."),
        (
            {"text": {"format": {"type": "json_schema", "name": "n"}}},
            "text.format.schema: a JSON schema is needed.",
        ),
        ({"temperature": "hot"}, "Expected `float | null`, got `str` - at `$.temperature`."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_nonsense_is_refused_with_its_place(fields: dict[str, object], said: str) -> None:
    assert problem(**fields) == said


@pytest.mark.parametrize("body", [b"", b"{", b'{"input":"\xff"}', b'{"input":' + b"[" * 100_000])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refused(body).detail is ResponseDetail.INVALID_JSON


@settings(max_examples=share_of(150))
@given(st.dictionaries(FIELDS, LIKELY, max_size=6))
def test_any_json_is_a_request_that_can_be_answered_or_a_refusal(body: dict[str, object]) -> None:
    request = read_request(json.dumps(body).encode(), "m", False)
    if isinstance(request, LocalReply):
        assert request.status == 400
        return
    assert msgspec.json.decode(write_request(request, PLAIN, Losses(request)))
    answer = write_answer(Answer("", "m", [Choice([])]), Echo(request, 1, "a"))
    assert msgspec.json.decode(answer)
