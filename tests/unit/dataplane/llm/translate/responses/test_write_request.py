"""Request -> the body of POST /v1/responses."""

from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Media, Part, Text, Thinking, ToolCall, ToolResult
from dataplane.llm.hub.request import Message, Reasoning, Request
from dataplane.llm.translate.responses.write_request import write_request
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.protocols import Protocol

HI = Message("user", [Text("Hi")], at="messages[0]")


def written(model: str = "gpt-5.1", *messages: Message, **fields: Any) -> tuple[Any, Losses]:
    request = Request(model, False, Protocol.MESSAGES, [*messages] or [HI], **fields)
    losses = Losses(request)
    return msgspec.json.decode(write_request(request, PLAIN, losses)), losses


def test_nothing_is_kept_that_the_client_did_not_ask_to_keep() -> None:
    assert written()[0]["store"] is False


def test_fewest_tokens_are_the_least_that_the_api_takes() -> None:
    body, losses = written(max_output_tokens=1)
    assert body["max_output_tokens"] == 16
    assert losses.hints == ["max_output_tokens"]


def test_user_that_is_too_long_is_a_hint() -> None:
    body, losses = written(user="u" * 65)
    assert "user" not in body
    assert losses.hints == ["user"]


@pytest.mark.parametrize(
    ("budget", "effort"), [(1024, "low"), (1025, "medium"), (8192, "medium"), (31999, "high")]
)
def test_budget_becomes_an_effort(budget: int, effort: str) -> None:
    body, _ = written(reasoning=Reasoning(True, budget_tokens=budget))
    assert body["reasoning"] == {"effort": effort, "summary": "auto"}


@pytest.mark.parametrize(
    ("model", "effort"),
    [("gpt-5.1", "none"), ("gpt-5-mini", "minimal"), ("o3", "low"), ("openai/o4-mini", "low")],
)
def test_thinking_is_turned_off_as_far_as_the_model_can(model: str, effort: str) -> None:
    assert written(model, reasoning=Reasoning(False))[0]["reasoning"] == {"effort": effort}


def test_model_that_cannot_think_is_not_asked_to() -> None:
    body, losses = written("gpt-4o", reasoning=Reasoning(True, "high"))
    assert "reasoning" not in body
    assert "include" not in body
    assert losses.hints == ["reasoning"]


def test_encrypted_reasoning_is_asked_for_and_given_back() -> None:
    thinking = Thinking("Hm", "outrider.responses.rs_1.gA")
    body, _ = written("gpt-5.1", HI, Message("assistant", [thinking, Text("Yo")]), HI)
    assert body["include"] == ["reasoning.encrypted_content"]
    assert body["input"][1] == {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm"}],
        "encrypted_content": "gA",
    }


def test_thinking_of_others_is_a_hint() -> None:
    thinking = Thinking("Hm", "outrider.messages.s")
    message = Message("assistant", [thinking, Text("Yo")], at="messages[1]")
    assert written("gpt-5.1", HI, message, HI)[1].hints == ["messages[1]: thinking"]


def test_words_before_and_after_a_call_keep_their_places() -> None:
    parts: list[Part] = [Text("A"), ToolCall("c", "get", ""), Text("B")]
    result = ToolResult("c", [Text("1")])
    body, _ = written("gpt-5.1", Message("assistant", parts), Message("user", [result]))
    kinds = [item["type"] for item in body["input"]]
    assert kinds == ["message", "function_call", "message", "function_call_output"]


def test_file_of_another_provider_is_refused() -> None:
    message = Message("user", [Media("document", file_id="file_1")], at="messages[0]")
    assert written("gpt-5.1", message)[1].refused == ["messages[0]: file file_1"]


def test_answer_that_was_begun_by_the_client_is_named() -> None:
    begun = Message("assistant", [Text("{")], at="messages[1]")
    assert written("gpt-5.1", HI, begun)[1].hints == ["messages[1]: prefill"]
