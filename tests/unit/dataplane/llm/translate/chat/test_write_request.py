from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import (
    Message,
    OutputFormat,
    Reasoning,
    Request,
    Tool,
    ToolChoice,
)
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.chat.wire import ReasoningDetail, seal_detail, seal_extra
from dataplane.llm.translate.chat.write_request import write_request
from dataplane.runtime.dialect import PLAIN, Dialect
from dataplane.runtime.protocols import Protocol

OPENAI = Dialect(max_completion_tokens=True, developer_role=True, openai_fields=True)
HI = Message("user", [Text("Hi")], at="messages[0]")


def request(*messages: Message, **fields: Any) -> Request:
    return Request("m", False, Protocol.MESSAGES, list(messages) or [HI], **fields)


def written(asked: Request, dialect: Dialect = PLAIN) -> tuple[dict[str, Any], Losses]:
    losses = Losses(asked)
    return msgspec.json.decode(write_request(asked, dialect, losses)), losses


def assistant(*parts: Part) -> Message:
    return Message("assistant", list(parts), at="messages[1]")


def test_every_stream_is_asked_for_its_usage() -> None:
    asked = request()
    asked.stream = True
    assert written(asked)[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in written(asked, Dialect(stream_usage=False))[0]


def test_limit_has_the_name_that_the_server_knows() -> None:
    asked = request(max_output_tokens=9)
    assert written(asked)[0]["max_tokens"] == 9
    assert written(asked, OPENAI)[0]["max_completion_tokens"] == 9


def test_results_come_right_after_their_calls_and_pictures_after_all_results() -> None:
    calls = assistant(ToolCall("a", "f", "{}"), ToolCall("b", "f", ""))
    picture = Media("image", "image/png", "aGk=")
    results = Message(
        "user",
        [Text("So?"), ToolResult("a", [picture]), ToolResult("b", [Text("2")])],
        at="messages[2]",
    )
    body, _ = written(request(HI, calls, results))
    assert [message["role"] for message in body["messages"]] == [
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
    ]
    assert body["messages"][1]["tool_calls"][1]["function"]["arguments"] == "{}"
    assert [part["type"] for part in body["messages"][4]["content"]] == [
        "text",
        "image_url",
        "text",
    ]


def test_failed_call_is_told_in_words() -> None:
    results = [ToolResult("a", [Text("no such file")], is_error=True)]
    body, _ = written(request(assistant(ToolCall("a", "f", "{}")), Message("user", [*results])))
    assert body["messages"][1]["content"] == "Error: no such file"


def test_items_of_one_turn_become_one_message() -> None:
    body, _ = written(request(HI, assistant(Text("I look.")), assistant(ToolCall("a", "f", "{}"))))
    (_, message) = body["messages"]
    assert message["content"] == "I look."
    assert message["tool_calls"][0]["id"] == "a"


def test_thinking_goes_back_to_who_wants_it() -> None:
    asked = request(HI, assistant(Thinking("Hm."), Text("Yes.")))
    plain, losses = written(asked)
    assert "reasoning_content" not in plain["messages"][1]
    assert losses.hints == ["messages[1]: thinking"]
    deepseek, losses = written(asked, Dialect(reasoning_content=True))
    assert deepseek["messages"][1]["reasoning_content"] == "Hm."
    assert losses.dropped() == ()


def test_signature_of_a_chat_provider_goes_back_as_it_came() -> None:
    signature = seal_detail(ReasoningDetail(signature="s", format="f", id="i"))
    extra = seal_extra(msgspec.Raw(b'{"google":{"thought_signature":"g"}}'))
    asked = request(
        assistant(Thinking("Hm.", signature), ToolCall("a", "f", "{}", signature=extra))
    )
    body, losses = written(asked)
    assert body["messages"][0]["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hm.", "signature": "s", "id": "i", "format": "f"}
    ]
    call = body["messages"][0]["tool_calls"][0]
    assert call["extra_content"] == {"google": {"thought_signature": "g"}}
    assert losses.dropped() == ()


def test_signature_of_another_protocol_does_not_reach_a_chat_provider() -> None:
    redacted = Thinking(signature=seal(Protocol.MESSAGES, "s"), redacted=True)
    body, losses = written(request(assistant(redacted, Text("Yes."))))
    assert "outrider" not in str(body)
    assert losses.hints == ["messages[1]: thinking"]


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        (Media("video", "video/mp4", "aGk="), "messages[0]: video by data"),
        (Media("image", file_id="f"), "messages[0]: image by file_id"),
        (Media("document", url="https://a"), "messages[0]: document by url"),
        (Native(Protocol.MESSAGES, "server_tool_use", msgspec.Raw(b"{}")), "server_tool_use"),
    ],
)
def test_part_that_chat_cannot_say_is_refused_by_its_place(part: Part, lost: str) -> None:
    _, losses = written(request(Message("user", [Text("x"), part], at="messages[0]")))
    assert losses.refused[0].endswith(lost)


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"top_k": 4}, "top_k"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"tools": [Tool("bash", kind="native", protocol=Protocol.MESSAGES)]}, "tools: bash"),
    ],
)
def test_field_that_chat_cannot_say_is_refused(fields: dict[str, Any], lost: str) -> None:
    assert written(request(**fields))[1].refused == [lost]


def test_schema_is_refused_where_the_server_knows_none() -> None:
    asked = request(output=OutputFormat("json_schema", schema=msgspec.Raw(b"{}")))
    assert written(asked, Dialect(json_schema=False))[1].refused == ["output"]
    assert written(asked)[0]["response_format"]["json_schema"]["name"] == "answer"


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        (Reasoning(budget_tokens=1024), "low"),
        (Reasoning(budget_tokens=31999), "high"),
        (Reasoning(enabled=True), "medium"),
        (Reasoning(effort="max"), "xhigh"),
        (Reasoning(effort="none", enabled=False), "none"),
        (Reasoning(enabled=False), None),
        (Reasoning(budget_tokens=0), None),
        (Reasoning(summary="auto"), None),
    ],
)
def test_thinking_is_asked_for_by_effort(reasoning: Reasoning, effort: str | None) -> None:
    assert written(request(reasoning=reasoning))[0].get("reasoning_effort") == effort


def test_model_that_cannot_think_is_not_asked_to() -> None:
    asked = request(reasoning=Reasoning(effort="high"))
    asked.model = "openai/gpt-4o"
    body, losses = written(asked)
    assert "reasoning_effort" not in body
    assert losses.hints == ["reasoning"]


def test_custom_tool_is_a_function_but_for_openai() -> None:
    tool = Tool("sh", "Runs", kind="custom", raw=msgspec.Raw(b'{"type":"custom","name":"sh"}'))
    asked = request(
        assistant(ToolCall("a", "sh", "ls", custom=True)),
        tools=[tool],
        tool_choice=ToolChoice("tools", ["sh"]),
    )
    body, _ = written(asked)
    assert body["tools"][0]["function"]["parameters"]["required"] == ["input"]
    assert body["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"input":"ls"}'
    assert body["tool_choice"] == {"type": "function", "function": {"name": "sh"}}
    body, _ = written(asked, OPENAI)
    assert body["tools"] == [{"type": "custom", "custom": {"name": "sh", "description": "Runs"}}]
    assert body["tool_choice"] == {"type": "custom", "custom": {"name": "sh"}}


def test_tools_of_namespaces_get_one_name() -> None:
    tools = [Tool("read", namespace="a"), Tool("read", namespace="b")]
    call = ToolCall("1", "read", "{}", namespace="b")
    body, _ = written(request(assistant(call), tools=tools))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["a__read", "b__read"]
    assert body["messages"][0]["tool_calls"][0]["function"]["name"] == "b__read"


def test_web_search_that_is_only_offered_is_left_out() -> None:
    tools = [Tool("web_search", kind="web_search")]
    assert written(request(tools=tools))[1].hints == ["tools: web_search"]
    forced = request(tools=tools, tool_choice=ToolChoice("tools", ["web_search"]))
    assert written(forced)[1].refused == ["tool_choice"]


def test_users_id_that_is_too_long_is_left_out() -> None:
    body, losses = written(request(user="u" * 65))
    assert "user" not in body
    assert losses.hints == ["user"]


def test_cache_markers_stay_where_the_server_knows_them() -> None:
    asked = request(Message("user", [Text("Hi", cache="1h")]))
    body, losses = written(asked)
    assert body["messages"] == [{"role": "user", "content": "Hi"}]
    assert losses.hints == ["cache_control"]
    body, _ = written(asked, Dialect(cache_control=True))
    marker = body["messages"][0]["content"][0]["cache_control"]
    assert marker == {"type": "ephemeral", "ttl": "1h"}
