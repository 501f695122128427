from typing import Any

import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Reasoning, Request
from dataplane.llm.translate.converse.families import family
from dataplane.llm.translate.converse.write_extra import write_reasoning, write_sampling
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.protocols import Protocol

CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW_CLAUDE = "global.anthropic.claude-opus-4-8"
NOVA = "amazon.nova-2-lite-v1:0"
COHERE = "cohere.command-r-v1:0"
GPT = "openai.gpt-oss-20b-1:0"
LLAMA = "meta.llama3-8b-instruct-v1:0"


def write(model: str, *, signed: bool = True, **fields: Any) -> tuple[dict[str, Any], Losses]:
    request = Request(model, False, Protocol.CHAT, [], **fields)
    losses = Losses(request)
    inference: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    vendor = family(model)
    output = write_reasoning(request, vendor, PLAIN, inference, extra, losses, signed=signed)
    write_sampling(request, vendor, inference, extra, losses)
    return {"inference": inference, "extra": extra, "output": output}, losses


def test_plain_sampling_is_told() -> None:
    found, losses = write(LLAMA, max_output_tokens=5, temperature=0.5, top_p=0.25, stop=["x"])
    assert found["inference"] == {
        "maxTokens": 5,
        "temperature": 0.5,
        "topP": 0.25,
        "stopSequences": ["x"],
    }
    assert losses.dropped() == ()


@pytest.mark.parametrize(
    ("model", "extra"),
    [
        (CLAUDE, {"top_k": 5}),
        (NOVA, {"inferenceConfig": {"topK": 5}}),
        (COHERE, {"k": 5}),
    ],
)
def test_top_k_is_told_in_the_vendors_words(model: str, extra: dict[str, Any]) -> None:
    assert write(model, top_k=5)[0]["extra"] == extra


@pytest.mark.parametrize(
    ("model", "fields", "refused"),
    [
        (LLAMA, {"top_k": 5}, ["top_k"]),
        (CLAUDE, {"seed": 1}, ["seed"]),
        (CLAUDE, {"frequency_penalty": 0.5, "presence_penalty": 0.0}, ["frequency_penalty"]),
        (CLAUDE, {"temperature": 1.5}, ["temperature"]),
        (NEW_CLAUDE, {"temperature": 0.5, "top_p": 0.5}, ["temperature", "top_p"]),
        (NEW_CLAUDE, {"temperature": 1.0, "top_p": 1.0}, []),
        (COHERE, {"seed": 1, "frequency_penalty": 0.5}, []),
    ],
)
def test_what_a_model_does_not_take_is_refused(
    model: str, fields: dict[str, Any], refused: list[str]
) -> None:
    assert write(model, **fields)[1].refused == refused


@pytest.mark.parametrize(
    ("model", "reasoning", "extra"),
    [
        (
            CLAUDE,
            Reasoning(True, budget_tokens=2000),
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        ),
        (CLAUDE, Reasoning(False), {"thinking": {"type": "disabled"}}),
        (NEW_CLAUDE, Reasoning(effort="high"), {"thinking": {"type": "adaptive"}}),
        (
            NOVA,
            Reasoning(effort="low"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
        ),
        (
            NOVA,
            Reasoning(True),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
        ),
        (NOVA, Reasoning(effort="none"), {"reasoningConfig": {"type": "disabled"}}),
        (GPT, Reasoning(effort="minimal"), {"reasoning_effort": "low"}),
    ],
)
def test_reasoning_is_told_in_the_vendors_words(
    model: str, reasoning: Reasoning, extra: dict[str, Any]
) -> None:
    found, losses = write(model, reasoning=reasoning, max_output_tokens=4000)
    assert (found["extra"], losses.dropped()) == (extra, ())


def test_novas_highest_effort_stands_alone() -> None:
    told = [
        write(NOVA, reasoning=Reasoning(effort="xhigh"), max_output_tokens=limit)
        for limit in (None, 5)
    ]
    efforts = [found["extra"]["reasoningConfig"]["maxReasoningEffort"] for found, _ in told]
    assert (efforts, [losses.hints for _, losses in told]) == (
        ["high", "medium"],
        [[], ["reasoning"]],
    )


def test_effort_is_bedrocks_own_word() -> None:
    found, _ = write(NEW_CLAUDE, reasoning=Reasoning(effort="high"))
    assert found["output"] == {"effort": "high"}


def test_a_budget_says_how_many_tokens_there_are() -> None:
    found, _ = write(CLAUDE, reasoning=Reasoning(True, budget_tokens=2000))
    assert found["inference"]["maxTokens"] > 2000


@pytest.mark.parametrize("model", [LLAMA, "us.amazon.nova-pro-v1:0"])
def test_models_that_cannot_be_told_get_no_advice(model: str) -> None:
    found, losses = write(model, reasoning=Reasoning(True))
    assert (found["extra"], losses.hints) == ({}, ["reasoning"])


def test_a_tool_turn_without_signed_thinking_goes_on_without() -> None:
    found, losses = write(
        CLAUDE, signed=False, reasoning=Reasoning(True, budget_tokens=2000), max_output_tokens=4000
    )
    assert (found["extra"], losses.hints) == ({}, ["thinking"])


def test_sampling_is_not_free_while_a_model_thinks() -> None:
    found, losses = write(
        CLAUDE,
        reasoning=Reasoning(True, budget_tokens=2000),
        max_output_tokens=4000,
        temperature=0.5,
        top_p=0.99,
        top_k=5,
    )
    assert found["inference"] == {"maxTokens": 4000, "topP": 0.99}
    assert losses.refused == ["temperature", "top_k"]
