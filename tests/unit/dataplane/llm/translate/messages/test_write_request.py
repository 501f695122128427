"""Request -> body."""

import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text, ToolCall, ToolResult
from dataplane.llm.hub.request import (
    Message,
    OutputFormat,
    Reasoning,
    Request,
    Tool,
    ToolChoice,
)
from dataplane.llm.translate.messages.write_request import write_request
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.protocols import Protocol

CLASSIC = "claude-sonnet-4-5"
MODERN = "claude-opus-4-8"


def write(model: str = CLASSIC, **fields: Any) -> tuple[dict[str, Any], Losses]:
    fields.setdefault("messages", [Message("user", [Text("Hi")])])
    request = Request(model, fields.pop("stream", False), Protocol.CHAT, **fields)
    losses = Losses(request)
    body: dict[str, Any] = json.loads(write_request(request, PLAIN, losses))
    return body, losses


def test_smallest_request_has_tokens_of_our_own_choice() -> None:
    body, losses = write()
    assert body == {
        "model": CLASSIC,
        "max_tokens": PLAIN.default_max_tokens,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert losses.dropped() == ()


@pytest.mark.parametrize(
    ("system", "written"),
    [
        pytest.param([Text("A")], "A", id="one"),
        pytest.param([Text("A"), Text(" ")], "A", id="blank"),
        pytest.param(
            [Text("A"), Text("B", cache="5m")],
            [
                {"type": "text", "text": "A"},
                {"type": "text", "text": "B", "cache_control": {"type": "ephemeral"}},
            ],
            id="marked",
        ),
    ],
)
def test_instructions_are_written(system: list[Text], written: object) -> None:
    assert write(system=system)[0]["system"] == written


@pytest.mark.parametrize(
    ("model", "fields", "written"),
    [
        pytest.param(CLASSIC, {"temperature": 0.5}, {"temperature": 0.5}, id="temperature"),
        pytest.param(CLASSIC, {"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}, id="tops"),
        pytest.param(CLASSIC, {"top_p": 1.0}, {}, id="top-p-of-one"),
        pytest.param(MODERN, {"temperature": 1.0, "top_p": 1.0}, {}, id="defaults-of-modern-ones"),
        pytest.param(
            CLASSIC,
            {"temperature": 1.0, "top_p": 0.96, "reasoning": Reasoning(effort="low")},
            {"top_p": 0.96},
            id="with-thinking",
        ),
    ],
)
def test_sampling_is_written(model: str, fields: dict[str, Any], written: object) -> None:
    body, losses = write(model, **fields)
    assert {
        name: body[name] for name in ("temperature", "top_p", "top_k") if name in body
    } == written
    assert losses.refused == []


@pytest.mark.parametrize(
    ("model", "fields", "refused"),
    [
        pytest.param(CLASSIC, {"temperature": 1.5}, "temperature", id="too-hot"),
        pytest.param(MODERN, {"temperature": 0.0}, "temperature", id="modern-temperature"),
        pytest.param(MODERN, {"top_k": 3}, "top_k", id="modern-top-k"),
        pytest.param(
            CLASSIC,
            {"temperature": 0.2, "reasoning": Reasoning(effort="low")},
            "temperature",
            id="thinking",
        ),
        pytest.param(
            CLASSIC, {"top_p": 0.5, "reasoning": Reasoning(effort="low")}, "top_p", id="thinking-p"
        ),
        pytest.param(CLASSIC, {"seed": 0}, "seed", id="seed"),
        pytest.param(CLASSIC, {"n": 2}, "n", id="n"),
        pytest.param(CLASSIC, {"frequency_penalty": 0.1}, "frequency_penalty", id="penalty"),
        pytest.param(CLASSIC, {"logprobs": True}, "logprobs", id="logprobs"),
        pytest.param(CLASSIC, {"logit_bias": msgspec.Raw(b'{"1":1}')}, "logit_bias", id="bias"),
        pytest.param(CLASSIC, {"modalities": ["text", "audio"]}, "modalities", id="sound"),
        pytest.param(CLASSIC, {"output": OutputFormat("json")}, "output", id="json-mode"),
        pytest.param(CLASSIC, {"stop": [" ", "END"]}, "stop", id="blank-stop"),
    ],
)
def test_what_cannot_be_said_is_refused(model: str, fields: dict[str, Any], refused: str) -> None:
    _, losses = write(model, **fields)
    assert losses.refused == [refused]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "logprobs": False, "frequency_penalty": 0.0, "presence_penalty": 0.0},
        {"output": OutputFormat("text"), "modalities": ["text"], "top_logprobs": 0},
        {"store": False, "verbosity": "", "include": [], "logit_bias": None},
        {"include_usage": True, "tool_choice": ToolChoice("auto")},
    ],
)
def test_values_that_ask_for_nothing_are_no_loss(fields: dict[str, Any]) -> None:
    assert write(**fields)[1].dropped() == ()


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"verbosity": "low"}, "verbosity"),
        ({"metadata": msgspec.Raw(b'{"a":"b"}')}, "metadata"),
        ({"store": True}, "store"),
        ({"prompt_cache_key": "k"}, "prompt_cache_key"),
        ({"service_tier": "flex"}, "service_tier"),
    ],
)
def test_what_only_advises_is_a_hint(fields: dict[str, Any], hint: str) -> None:
    _, losses = write(**fields)
    assert (losses.refused, losses.hints) == ([], [hint])


@pytest.mark.parametrize(
    ("said", "tier"), [("auto", "auto"), ("default", "standard_only"), ("priority", "auto")]
)
def test_tier_is_the_nearest(said: str, tier: str) -> None:
    assert write(service_tier=said)[0]["service_tier"] == tier


def test_who_asks_stop_and_stream_are_written() -> None:
    body, _ = write(user="u", stop=["END"], stream=True, max_output_tokens=7)
    assert body["metadata"] == {"user_id": "u"}
    assert (body["stop_sequences"], body["stream"], body["max_tokens"]) == (["END"], True, 7)


def test_schema_of_the_answer_closes_its_objects() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "object"}}, "b": {}},
    }
    output = OutputFormat("json_schema", name="n", schema=msgspec.Raw(msgspec.json.encode(schema)))
    body, losses = write(MODERN, output=output, reasoning=Reasoning(effort="low"))
    assert body["output_config"]["effort"] == "low"
    found = body["output_config"]["format"]["schema"]
    assert found["additionalProperties"] is False
    assert found["properties"]["a"]["items"]["additionalProperties"] is False
    assert losses.dropped() == ()


def test_budget_is_left_out_where_earlier_thinking_is_missing() -> None:
    history = [
        Message("user", [Text("Hi")]),
        Message("assistant", [ToolCall("t", "f", "{}")]),
        Message("user", [ToolResult("t", [Text("x")])]),
    ]
    body, losses = write(messages=history, tools=[Tool("f")], reasoning=Reasoning(effort="high"))
    assert "thinking" not in body
    assert losses.hints == ["thinking"]


def test_adaptive_thinking_does_not_mind_what_is_missing() -> None:
    history = [Message("user", [Text("Hi")]), Message("assistant", [ToolCall("t", "f", "{}")])]
    body, _ = write(MODERN, messages=history, reasoning=Reasoning(effort="high"))
    assert body["thinking"] == {"type": "adaptive"}
