import json
from dataclasses import replace
from typing import Any

import pytest

from dataplane.llm.hub.delta import Begin, Delta, PartBegin, PartEnd, TextDelta
from dataplane.llm.hub.parts import Text, Thinking
from dataplane.llm.hub.request import OutputFormat, Reasoning, Request, ToolChoice
from dataplane.llm.recovery.delivered import Delivered
from dataplane.llm.recovery.prefill import form_of, prefill_of, with_prefill
from dataplane.runtime.dialect import Dialect, Prefill
from dataplane.runtime.protocols import Protocol

CHAT, MESSAGES, RESPONSES, GEMINI, CONVERSE = (
    Protocol.CHAT,
    Protocol.MESSAGES,
    Protocol.RESPONSES,
    Protocol.GEMINI,
    Protocol.CONVERSE,
)
USER = {"role": "user", "content": "Weather?"}
ASKED = Request("m", True, CHAT, [])
RAIN: list[Delta] = [PartBegin(Text("")), TextDelta(b'"Rain in \\n"')]


def after(*deltas: Delta) -> Delivered:
    delivered = Delivered()
    delivered.feed([Begin("id", "model"), *deltas])
    return delivered


def test_beginning_is_what_was_said_without_the_blank_at_its_end() -> None:
    assert prefill_of(ASKED, after(*RAIN)) == "Rain in"


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 2},
        {"output": OutputFormat("json")},
        {"output": OutputFormat("json_schema")},
        {"reasoning": Reasoning(enabled=True)},
        {"reasoning": Reasoning(effort="high")},
        {"reasoning": Reasoning(budget_tokens=1024)},
        {"tool_choice": ToolChoice("required")},
    ],
    ids=str,
)
def test_some_requests_cannot_be_gone_on_with(changes: dict[str, Any]) -> None:
    assert prefill_of(replace(ASKED, **changes), after(*RAIN)) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 1},
        {"output": OutputFormat("text")},
        {"reasoning": Reasoning(enabled=False)},
        {"reasoning": Reasoning(effort="none")},
        {"tool_choice": ToolChoice("auto")},
    ],
    ids=str,
)
def test_others_can(changes: dict[str, Any]) -> None:
    assert prefill_of(replace(ASKED, **changes), after(*RAIN)) == "Rain in"


def test_models_that_thought_are_not_given_their_words_without_their_thoughts() -> None:
    thought: list[Delta] = [PartBegin(Thinking()), TextDelta(b'"Hm."'), PartEnd()]
    assert prefill_of(ASKED, after(*thought, *RAIN)) == ""


@pytest.mark.parametrize(
    ("protocol", "body", "key", "turn"),
    [
        (CHAT, {"messages": [USER]}, "messages", {"role": "assistant", "content": "Rain"}),
        (MESSAGES, {"messages": [USER]}, "messages", {"role": "assistant", "content": "Rain"}),
        (
            RESPONSES,
            {"input": "Weather?"},
            "input",
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Rain"}],
            },
        ),
        (
            GEMINI,
            {"contents": [{"role": "user", "parts": []}]},
            "contents",
            {"role": "model", "parts": [{"text": "Rain"}]},
        ),
        (
            CONVERSE,
            {"messages": [USER]},
            "messages",
            {"role": "assistant", "content": [{"text": "Rain"}]},
        ),
    ],
    ids=lambda value: value.value if isinstance(value, Protocol) else "",
)
def test_last_turn_is_the_models(
    protocol: Protocol, body: dict[str, Any], key: str, turn: dict[str, Any]
) -> None:
    body["unknown"] = [1.5]
    made = with_prefill(protocol, json.dumps(body).encode(), "Rain", Prefill.PLAIN, 3)
    assert made is not None
    said = json.loads(made)
    assert said[key][-1] == turn
    assert len(said[key]) == 2
    assert said["unknown"] == [1.5]


@pytest.mark.parametrize(
    ("form", "marks"),
    [
        (Prefill.PLAIN, {}),
        (Prefill.PREFIX, {"prefix": True}),
        (Prefill.REPEATED, {"prefix": True}),
        (Prefill.TEMPLATE, {}),
    ],
)
def test_chat_has_several_forms(form: Prefill, marks: dict[str, Any]) -> None:
    made = with_prefill(CHAT, json.dumps({"messages": [USER]}).encode(), "Rain", form, 0)
    assert made is not None
    said = json.loads(made)
    assert said["messages"][-1] == {"role": "assistant", "content": "Rain"} | marks
    assert said.get("continue_final_message") is (True if form is Prefill.TEMPLATE else None)
    assert said.get("add_generation_prompt") is (False if form is Prefill.TEMPLATE else None)


def test_turn_that_the_client_has_begun_is_lengthened() -> None:
    for content in ("It will ", [{"type": "text", "text": "It will "}]):
        body = {"messages": [USER, {"role": "assistant", "content": content}]}
        made = with_prefill(MESSAGES, json.dumps(body).encode(), "rain", Prefill.PLAIN, 0)
        assert made is not None
        turns = json.loads(made)["messages"]
        assert len(turns) == 2
        assert "It will rain" in json.dumps(turns[-1])


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"messages":7}',
        b'{"messages":[{"role":"assistant","content":null,"tool_calls":[]}]}',
        b'{"messages":[{"role":"assistant","content":[{"type":"image"}]}]}',
    ],
)
def test_what_cannot_be_lengthened_is_not(body: bytes) -> None:
    assert with_prefill(CHAT, body, "Rain", Prefill.PLAIN, 0) is None


@pytest.mark.parametrize(
    ("protocol", "limits", "left"),
    [
        (CHAT, {"max_tokens": 10}, {"max_tokens": 7}),
        (CHAT, {"max_completion_tokens": 2}, {"max_completion_tokens": 1}),
        (MESSAGES, {"max_tokens": 100}, {"max_tokens": 97}),
        (CHAT, {"max_tokens": None}, {"max_tokens": None}),
    ],
)
def test_no_limit_is_used_up_twice(
    protocol: Protocol, limits: dict[str, Any], left: dict[str, Any]
) -> None:
    body = json.dumps({"messages": [USER]} | limits).encode()
    made = with_prefill(protocol, body, "Rain", Prefill.PLAIN, 3)
    assert made is not None
    assert left.items() <= json.loads(made).items()


def test_limits_of_google_and_amazon_are_found() -> None:
    google = {"contents": [], "generationConfig": {"maxOutputTokens": 9}}
    made = with_prefill(GEMINI, json.dumps(google).encode(), "a", Prefill.PLAIN, 3)
    assert made is not None
    assert json.loads(made)["generationConfig"] == {"maxOutputTokens": 6}
    amazon = {"messages": [], "inferenceConfig": {"maxTokens": 9}}
    made = with_prefill(CONVERSE, json.dumps(amazon).encode(), "a", Prefill.PLAIN, 3)
    assert made is not None
    assert json.loads(made)["inferenceConfig"] == {"maxTokens": 6}


@pytest.mark.parametrize(
    ("model", "form"),
    [
        ("claude-sonnet-4-5-20250929", Prefill.PLAIN),
        ("anthropic/claude-opus-4.5", Prefill.PLAIN),
        ("claude-3-5-haiku-20241022", Prefill.PLAIN),
        ("claude-opus-4-6", Prefill.NONE),
        ("us.anthropic.claude-sonnet-4-6-v1:0", Prefill.NONE),
        ("claude-sonnet-5", Prefill.NONE),
        ("claude-mythos-preview", Prefill.NONE),
        ("gpt-5", Prefill.NONE),
    ],
)
def test_name_of_a_claude_says_whether_it_takes_a_beginning(model: str, form: Prefill) -> None:
    assert form_of(Dialect(), model) is form


def test_what_is_said_of_a_provider_counts_more_than_a_name() -> None:
    assert form_of(Dialect(prefill=Prefill.PLAIN), "gpt-5") is Prefill.PLAIN
    assert form_of(Dialect(prefill=Prefill.NONE), "claude-3-opus") is Prefill.NONE
