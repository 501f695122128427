"""A client's body -> Request."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, OutputFormat, Reasoning, Request, ToolChoice
from dataplane.llm.translate.messages.read_request import read_request
from dataplane.runtime.messages import LocalReply, ResponseDetail
from tests.support.examples import share_of

HELLO = [{"role": "user", "content": "Hello"}]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
PLACES = ["role", "type", "text", "source", "input", "id", "name", "content", "thinking"]
FIELDS = st.sampled_from([*Request.__match_args__, *PLACES, "output_config", "cache_control"])
LIKELY = st.recursive(
    JSON | st.sampled_from(["user", "assistant", "text", "image", "document", "tool_use", "auto"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=12,
)


def read(**fields: object) -> Request:
    body = {"model": "m", "max_tokens": 9, "messages": HELLO} | fields
    request = read_request(json.dumps(body).encode(), "", False)
    assert isinstance(request, Request), request
    return request


def refused(body: bytes) -> LocalReply:
    reply = read_request(body, "", False)
    assert isinstance(reply, LocalReply)
    assert reply.status == 400
    return reply


def test_text_alone_is_a_part() -> None:
    assert read().messages == [Message("user", [Text("Hello")], at="messages[0]")]


def test_model_of_the_caller_wins() -> None:
    body = json.dumps({"model": "m", "messages": HELLO}).encode()
    request = read_request(body, "alias", True)
    assert isinstance(request, Request)
    assert (request.model, request.stream) == ("alias", True)


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_instructions_are_a_text_or_blocks(system: object) -> None:
    assert read(system=system).system == [Text("Be brief.")]


@pytest.mark.parametrize(
    ("thinking", "effort", "reasoning"),
    [
        pytest.param({"type": "disabled"}, None, Reasoning(False), id="disabled"),
        pytest.param({"type": "between_tools"}, None, Reasoning(False), id="between-tools"),
        pytest.param({"type": "adaptive"}, "low", Reasoning(True, "low"), id="adaptive"),
        pytest.param(
            {"type": "enabled", "budget_tokens": 2048, "display": "omitted"},
            None,
            Reasoning(True, "", 2048, show=False),
            id="budget",
        ),
        pytest.param(None, "high", Reasoning(effort="high"), id="effort-alone"),
        pytest.param(None, None, None, id="nothing"),
    ],
)
def test_thinking_is_read(
    thinking: dict[str, Any] | None, effort: str | None, reasoning: Reasoning | None
) -> None:
    assert read(thinking=thinking, output_config={"effort": effort}).reasoning == reasoning


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_schema_of_the_answer_is_read_where_it_stands(field: str) -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    request = read(**{field: {"format": form} if field == "output_config" else form})
    schema = msgspec.Raw(b'{"type": "object"}')
    assert request.output == OutputFormat("json_schema", schema=schema, strict=True)
    assert request.said["output"].startswith(field)


def test_choice_of_tools_carries_whether_several_may_be_called() -> None:
    request = read(tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True})
    assert request.tool_choice == ToolChoice("tools", ["f"])
    assert request.parallel_tool_calls is False


def test_fields_that_only_advise_are_hints() -> None:
    request = read(context_management={"edits": [{}]}, cache_control={"type": "ephemeral"})
    assert request.hints == ["context_management", "cache_control"]
    assert request.unknown == []


def test_fields_that_nobody_knows_are_unknown() -> None:
    request = read(container="c", mcp_servers=[{"name": "x"}], some_future_field=1)
    assert request.unknown == ["container", "mcp_servers", "some_future_field"]


def test_fields_within_objects_are_told_by_their_place() -> None:
    request = read(
        metadata={"user_id": "u", "team": "x"},
        thinking={"type": "adaptive", "style": "loud"},
        output_config={"effort": "low", "task_budget": {"total": 9}, "tone": None},
    )
    assert request.hints == ["metadata.team", "output_config.task_budget"]
    assert request.unknown == ["thinking.style"]


def test_fields_of_blocks_are_told_by_their_place() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "caller": {}, "toolset_name": "x"}
    text = {"type": "text", "text": "x", "mood": "glad", "citations": None, "tone": None}
    request = read(messages=[{"role": "assistant", "content": [call, text]}])
    assert request.hints == ["messages[0].content[0].toolset_name"]
    assert request.unknown == ["messages[0].content[1].mood"]


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_field_that_asks_for_nothing_is_no_loss(nothing: object) -> None:
    request = read(mcp_servers=nothing, container=nothing, context_management=nothing)
    assert (request.hints, request.unknown) == ([], [])


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        pytest.param(b"{", ResponseDetail.INVALID_JSON, id="cut"),
        pytest.param(b"\xff", ResponseDetail.INVALID_JSON, id="not-utf8"),
        pytest.param(b'{"a":' + b"[" * 5000, ResponseDetail.INVALID_JSON, id="too-deep"),
        pytest.param(b"[]", ResponseDetail.INVALID_BODY, id="a-list"),
        pytest.param(b"{}", ResponseDetail.INVALID_BODY, id="no-messages"),
        pytest.param(b'{"messages":[]}', ResponseDetail.INVALID_BODY, id="empty-messages"),
    ],
)
def test_body_that_is_no_request_is_refused(body: bytes, detail: ResponseDetail) -> None:
    assert refused(body).detail is detail


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"messages": [{"role": "tool", "content": "x"}]}, "`tool`", id="role"),
        pytest.param({"thinking": {"type": "hard"}}, "`hard`", id="thinking"),
        pytest.param({"tool_choice": {"type": "all"}}, "`all`", id="tool-choice"),
        pytest.param({"tool_choice": {"type": "tool"}}, "`name`", id="tool-without-name"),
        pytest.param({"tools": [{"input_schema": {}}]}, "tools[0]", id="tool"),
        pytest.param({"max_tokens": "many"}, "$.max_tokens", id="max-tokens"),
        pytest.param(
            {"output_config": {"format": {"type": "grammar"}}}, "output_config", id="format"
        ),
    ],
)
def test_refusal_names_the_place(fields: dict[str, Any], words: str) -> None:
    body = {"model": "m", "messages": HELLO} | fields
    assert words in refused(json.dumps(body).encode()).message


@settings(max_examples=share_of(150))
@given(LIKELY, st.dictionaries(FIELDS, LIKELY, max_size=6))
def test_any_json_is_read_or_refused(content: object, fields: dict[str, object]) -> None:
    body = {"messages": [{"role": "user", "content": content}]} | fields
    assert isinstance(read_request(json.dumps(body).encode(), "", False), Request | LocalReply)


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue"}, "?"])
def test_thread_is_refused_in_the_words_that_sdks_know(thread: object) -> None:
    """Dropped in silence, the next turn would say only what is new."""
    body = json.dumps({"model": "m", "messages": HELLO, "thread": thread}).encode()
    assert refused(body).detail.value == "thread_unsupported_request"


def test_no_thread_is_nothing() -> None:
    assert read(thread=None).unknown == []
