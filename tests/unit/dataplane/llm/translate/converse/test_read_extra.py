import json
from typing import Any

import pytest

from dataplane.llm.hub.request import Reasoning, Request
from dataplane.llm.translate.converse.read_extra import read_extra
from dataplane.llm.translate.converse.wire import FIELDS
from dataplane.runtime.protocols import Protocol


def read(**fields: Any) -> Request:
    request = Request("m", False, Protocol.CONVERSE, [])
    request.said, request.hints, request.unknown = {}, [], []
    raw = FIELDS.decode(json.dumps({"a": fields}))["a"]
    read_extra(request, raw, request.hints, request.unknown)
    return request


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
            Reasoning(True, budget_tokens=2000, show=False),
        ),
        ({"thinking": {"type": "disabled"}}, Reasoning(False)),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            Reasoning(True, "max"),
        ),
        (
            {"reasoning_config": {"type": "enabled", "budget_tokens": 1024}},
            Reasoning(True, budget_tokens=1024),
        ),
        ({"reasoning_effort": "low"}, Reasoning(effort="low")),
        (
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            Reasoning(True, "high"),
        ),
    ],
)
def test_every_vendors_word_for_reasoning_is_read(
    fields: dict[str, Any], expected: Reasoning
) -> None:
    assert read(**fields).reasoning == expected


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"top_k": 5}, "additionalModelRequestFields.top_k"),
        ({"k": 5}, "additionalModelRequestFields.k"),
        ({"inferenceConfig": {"topK": 5}}, "additionalModelRequestFields.inferenceConfig.topK"),
    ],
)
def test_every_vendors_word_for_top_k_is_read(fields: dict[str, Any], said: str) -> None:
    found = read(**fields)
    assert (found.top_k, found.said["top_k"]) == (5, said)


def test_anthropics_ban_on_parallel_calls_is_read() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert read(tool_choice=choice).parallel_tool_calls is False


def test_betas_only_advise() -> None:
    assert read(anthropic_beta=["x"]).hints == ["additionalModelRequestFields.anthropic_beta"]


def test_everything_else_is_named() -> None:
    found = read(
        made_up=1, null=None, tool_choice={}, output_config={"x": 1}, inferenceConfig={"y": 1}
    )
    assert found.unknown == [
        "additionalModelRequestFields.made_up",
        "additionalModelRequestFields.tool_choice",
        "additionalModelRequestFields.output_config.x",
        "additionalModelRequestFields.inferenceConfig.y",
    ]
