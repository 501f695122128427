"""What depends on the model's generation."""

import json
from typing import Any

import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Reasoning, Request, Tool, ToolChoice
from dataplane.llm.translate.gemini.write_request import write_request
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.protocols import Protocol


def written(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(write_request(request, PLAIN, Losses(request)))
    return body


def asking(model: str, *parts: Any, **fields: Any) -> Request:
    messages = [Message("user", [Text("Hi")])]
    if parts:
        messages.append(Message("assistant", list(parts)))
    return Request(model, False, Protocol.CHAT, messages, **fields)


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking"),
    [
        ("gemini-2.5-flash", Reasoning(effort="low"), {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", Reasoning(effort="max"), {"thinkingBudget": 24576}),
        ("gemini-2.5-flash", Reasoning(enabled=False), {"thinkingBudget": 0}),
        ("gemini-3-pro-preview", Reasoning(effort="xhigh"), {"thinkingLevel": "HIGH"}),
        ("google/gemini-3.5-flash", Reasoning(effort="none"), {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro", Reasoning(budget_tokens=2000), {"thinkingLevel": "LOW"}),
        (
            "gemini-2.5-pro",
            Reasoning(enabled=True, budget_tokens=5000),
            {"thinkingBudget": 5000, "includeThoughts": True},
        ),
    ],
)
def test_effort_is_said_as_the_model_knows_it(
    model: str, reasoning: Reasoning, thinking: dict[str, Any]
) -> None:
    body = written(asking(model, reasoning=reasoning))
    assert body["generationConfig"]["thinkingConfig"] == thinking


def test_a_signature_goes_back_to_the_call_it_came_with() -> None:
    thinking = Thinking(signature="outrider.gemini.CiQB", redacted=True)
    calls = [ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")]
    parts = written(asking("gemini-3-pro", thinking, Text("I look."), *calls))["contents"][1]
    assert [part.get("thoughtSignature") for part in parts["parts"]] == [None, "CiQB", None]


def test_a_call_of_another_model_is_excused() -> None:
    body = written(asking("gemini-3-pro", ToolCall("a", "f", "{}")))
    part = body["contents"][1]["parts"][0]
    assert part["thoughtSignature"] == "skip_thought_signature_validator"


def test_older_models_need_no_excuse() -> None:
    body = written(asking("gemini-2.5-pro", ToolCall("a", "f", "{}")))
    assert "thoughtSignature" not in body["contents"][1]["parts"][0]


def test_answers_of_several_messages_stand_together() -> None:
    request = asking("m", ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}"))
    request.messages += [
        Message("user", [ToolResult(call_id, [Text(call_id)])]) for call_id in ("a", "b")
    ]
    answers = written(request)["contents"][2]["parts"]
    assert [part["functionResponse"]["name"] for part in answers] == ["f", "g"]


@pytest.mark.parametrize(
    ("choice", "refused"),
    [
        (None, ["parallel_tool_calls"]),
        (ToolChoice("tools", ["f", "g"]), ["parallel_tool_calls"]),
        (ToolChoice("tools", ["f"], may=True), ["parallel_tool_calls"]),
        (ToolChoice("tools", ["f"]), []),
        (ToolChoice("required"), []),
    ],
)
def test_one_call_at_a_time_is_refused_unless_one_tool_must_be_called(
    choice: ToolChoice | None, refused: list[str]
) -> None:
    tool = Tool("f")
    request = asking("m", tools=[tool], tool_choice=choice, parallel_tool_calls=False)
    losses = Losses(request)
    write_request(request, PLAIN, losses)
    assert losses.refused == refused


def test_search_is_only_had_without_functions() -> None:
    search = Tool("web_search", kind="web_search")
    assert written(asking("m", tools=[search]))["tools"] == [{"googleSearch": {}}]
    request = asking("m", tools=[search, Tool("f")])
    losses = Losses(request)
    body = json.loads(write_request(request, PLAIN, losses))
    assert [list(tool) for tool in body["tools"]] == [["functionDeclarations"]]
    assert (losses.refused, losses.hints) == ([], ["tools: web_search"])


def test_search_that_must_be_used_is_not_dropped_for_functions() -> None:
    tools = [Tool("web_search", kind="web_search"), Tool("f")]
    request = asking("m", tools=tools, tool_choice=ToolChoice("tools", ["web_search"]))
    losses = Losses(request)
    write_request(request, PLAIN, losses)
    assert "tools: web_search" in losses.refused
