import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Media, Native, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.chat.read_request import read_request
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol
from tests.support.examples import share_of

HI = {"role": "user", "content": "Hi"}


def read(**body: object) -> Request:
    request = read_request(msgspec.json.encode({"messages": [HI]} | body), "m", False)
    assert isinstance(request, Request), request
    return request


def refused(body: object) -> LocalReply:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    reply = read_request(raw, "m", False)
    assert isinstance(reply, LocalReply)
    assert reply.status == 400
    return reply


@pytest.mark.parametrize(
    ("body", "detail", "where"),
    [
        (b"", "invalid_json", "truncated"),
        (b'{"messages":[{"role":"user","content":"\xff"}]}', "invalid_json", "utf-8"),
        (b'{"x":' + b"[" * 100_000, "invalid_json", "recursion"),
        ([], "invalid_body", "Expected `object`"),
        ({}, "invalid_body", "`messages`"),
        ({"messages": []}, "invalid_body", "`messages` is empty"),
        ({"messages": ["x"]}, "invalid_body", "$.messages[0]"),
        ({"messages": [{"content": "x"}]}, "invalid_body", "`messages[0].role` is missing"),
        ({"messages": [HI, {"role": "user", "content": 4}]}, "invalid_body", "messages[1].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "invalid_body", "tool_call_id"),
        ({"messages": [HI], "stop": 4}, "invalid_body", "$.stop"),
        ({"messages": [HI], "tools": [{}]}, "invalid_body", "`tools[0].function` is missing"),
        ({"messages": [HI], "tool_choice": "some"}, "invalid_body", "`tool_choice`"),
        (
            {"messages": [HI], "response_format": {"type": "grammar"}},
            "invalid_body",
            "response_format.type",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_understood_is_a_400_that_says_where(
    body: object, detail: str, where: str
) -> None:
    reply = refused(body)
    assert reply.detail == detail
    assert where in reply.message


def test_nulls_are_not_said() -> None:
    fields = dict.fromkeys(
        ["tools", "tool_choice", "stop", "n", "metadata", "seed", "user", "reasoning", "future"]
    )
    assert read(**fields) == read()


def test_what_is_not_known_is_named() -> None:
    message = {"role": "user", "content": "x", "weight": 1, "refusal": None}
    request = read(messages=[message], min_p=0.1, audio={"voice": "a"})
    assert request.unknown == ["messages[0].weight", "min_p", "audio"]


def test_stop_may_be_one_text() -> None:
    assert read(stop="END").stop == ["END"]


def test_instructions_at_the_start_are_the_system_and_later_ones_are_messages() -> None:
    system = {"role": "system", "content": "Be brief."}
    developer = {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}
    request = read(messages=[system, developer, HI, system])
    assert request.system == [Text("Be brief."), Text("Be kind.")]
    assert [(m.role, m.at) for m in request.messages] == [
        ("user", "messages[2]"),
        ("system", "messages[3]"),
    ]


def test_instructions_alone_are_a_question() -> None:
    request = read(messages=[{"role": "system", "content": "Sing."}])
    assert [(m.role, m.parts) for m in request.messages] == [("user", [Text("Sing.")])]


def test_data_urls_are_taken_apart() -> None:
    part = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"},
    }
    request = read(messages=[{"role": "user", "content": [part]}])
    assert request.messages[0].parts == [Media("image", "image/png", "aGk=", detail="low")]


def test_part_of_the_future_is_kept_as_it_came() -> None:
    request = read(messages=[{"role": "user", "content": [{"type": "smell", "smell": "rose"}]}])
    (part,) = request.messages[0].parts
    assert isinstance(part, Native)
    assert (part.protocol, part.kind) == (Protocol.CHAT, "smell")


def test_result_of_a_custom_call_is_known_as_one() -> None:
    call = {"id": "c", "type": "custom", "custom": {"name": "sh", "input": "ls"}}
    request = read(
        messages=[
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "a"},
        ]
    )
    assert request.messages[0].parts == [ToolCall("c", "sh", "ls", custom=True)]
    assert request.messages[1].parts == [ToolResult("c", [Text("a")], custom=True)]


def test_legacy_results_belong_to_the_last_call_of_their_function() -> None:
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "1"}
    request = read(messages=[HI, call, result, call, result], functions=[{"name": "f"}])
    ids = [
        part.id if isinstance(part, ToolCall) else part.call_id
        for message in request.messages[1:]
        for part in message.parts
        if isinstance(part, ToolCall | ToolResult)
    ]
    assert ids == ["call_1", "call_1", "call_2", "call_2"]
    assert request.said["tools"] == "functions"


def test_signature_with_the_id_of_a_call_goes_to_the_call() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    details = [
        {"type": "reasoning.text", "text": "Hm", "signature": "s"},
        {"type": "reasoning.encrypted", "data": "d", "id": "c"},
    ]
    message = {"role": "assistant", "tool_calls": [call], "reasoning_details": details}
    assert read(messages=[message]).messages[0].parts == [
        Thinking("Hm", "s"),
        ToolCall("c", "f", "{}", signature="d"),
    ]


def test_signed_thoughts_are_found_where_litellm_keeps_them() -> None:
    details = [{"type": "reasoning.encrypted", "data": "d"}]
    kept = {"refusal": None, "reasoning_details": details}
    message = {"role": "assistant", "content": "Hi", "provider_specific_fields": kept}
    assert read(messages=[message]).messages[0].parts == [
        Thinking(signature="d", redacted=True),
        Text("Hi"),
    ]


@pytest.mark.parametrize(
    ("fields", "effort", "enabled", "budget"),
    [
        ({"reasoning_effort": "low"}, "low", None, None),
        ({"reasoning_effort": "none"}, "none", False, None),
        ({"reasoning": {"max_tokens": 9}}, "", None, 9),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "", True, 9),
        ({"thinking": {"type": "disabled"}}, "", False, None),
        ({"enable_thinking": False}, "", False, None),
    ],
)
def test_thinking_is_asked_for_in_many_ways(
    fields: dict[str, object], effort: str, enabled: bool | None, budget: int | None
) -> None:
    reasoning = read(**fields).reasoning
    assert reasoning is not None
    assert (reasoning.effort, reasoning.enabled, reasoning.budget_tokens) == (
        effort,
        enabled,
        budget,
    )


def test_searches_that_servers_offer_as_tools_are_web_searches() -> None:
    (tool,) = read(tools=[{"type": "web_search_preview"}]).tools
    assert (tool.name, tool.kind) == ("web_search", "web_search")


def test_tool_that_is_not_known_is_kept_as_it_came() -> None:
    (tool,) = read(tools=[{"type": "robot", "arm": 1}]).tools
    assert (tool.kind, tool.raw) == ("native", msgspec.Raw(b'{"type":"robot","arm":1}'))


_LEAF = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
_WORD = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "user",
        "assistant",
        "tool",
        "tool_calls",
        "id",
        "function",
        "name",
        "arguments",
        "image_url",
        "url",
        "file",
        "tool_call_id",
        "custom",
        "input",
        "reasoning_details",
        "data",
        "function_call",
        "annotations",
        "system",
        "x",
    ]
)
_JSON = st.recursive(
    _LEAF | _WORD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORD, inner, max_size=4),
    max_leaves=12,
)
_MESSAGE = st.dictionaries(_WORD, _JSON, max_size=3).flatmap(
    lambda rest: st.sampled_from(["user", "assistant", "tool", "function", "system"]).map(
        lambda role: rest | {"role": role}
    )
)
_FIELDS = st.dictionaries(
    st.sampled_from(
        [
            "tools",
            "tool_choice",
            "functions",
            "function_call",
            "response_format",
            "stop",
            "thinking",
            "reasoning",
            "modalities",
            "metadata",
            "web_search_options",
            "stream_options",
            "n",
        ]
    ),
    _JSON,
    max_size=2,
)


@settings(max_examples=share_of(150))
@given(st.lists(_MESSAGE, min_size=1, max_size=3), _FIELDS)
def test_any_json_is_a_request_that_all_can_write_or_a_400(
    messages: list[dict[str, object]], fields: dict[str, object]
) -> None:
    body = msgspec.json.encode({"messages": messages} | fields)
    request = read_request(body, "m", False)
    if isinstance(request, LocalReply):
        assert request.status == 400
        return
    for codec in CODECS.values():
        msgspec.json.decode(codec.write_request(request, PLAIN, Losses(request)))
