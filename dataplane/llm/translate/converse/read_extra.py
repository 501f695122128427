"""additionalModelRequestFields: what Converse has no words for, told in those of the model.

Rule: what any model calls one of our fields is read; everything else is named as unknown.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from dataplane.llm.hub.request import Reasoning, Request
from dataplane.llm.translate.converse.wire import FIELDS


class _Thinking(msgspec.Struct):
    """Anthropic's `thinking`, of old `reasoning_config`."""

    type: str = ""
    budget_tokens: int | None = None
    display: str | None = None


class _NovaReasoning(msgspec.Struct):
    type: str = ""
    maxReasoningEffort: str | None = None


class _NovaInference(msgspec.Struct):
    topK: int | None = None


class _Effort(msgspec.Struct):
    effort: str | None = None


class _ToolChoice(msgspec.Struct):
    disable_parallel_tool_use: bool | None = None


_THINKING = msgspec.json.Decoder(_Thinking)
_NOVA_REASONING = msgspec.json.Decoder(_NovaReasoning)
_NOVA_INFERENCE = msgspec.json.Decoder(_NovaInference)
_EFFORT = msgspec.json.Decoder(_Effort)
_TOOL_CHOICE = msgspec.json.Decoder(_ToolChoice)
_AT = "additionalModelRequestFields"
_PLAIN: dict[str, tuple[str, Any]] = {
    "top_k": ("top_k", int),
    "topK": ("top_k", int),
    "k": ("top_k", int),
    "seed": ("seed", int),
    "frequency_penalty": ("frequency_penalty", float),
    "presence_penalty": ("presence_penalty", float),
}
_HINTS = ("anthropic_beta",)


def read_extra(request: Request, raw: msgspec.Raw, hints: list[str], unknown: list[str]) -> None:
    """Raises msgspec.ValidationError."""
    for name, value in FIELDS.decode(raw).items():
        if bytes(value) == b"null":
            continue
        if name in _PLAIN:
            field, form = _PLAIN[name]
            setattr(request, field, msgspec.json.decode(value, type=form))
            request.said[field] = f"{_AT}.{name}"
        elif name in _TAKES:
            _TAKES[name](request, value, unknown)
        elif name in _HINTS:
            hints.append(f"{_AT}.{name}")
        else:
            unknown.append(f"{_AT}.{name}")


def _reasoning(request: Request, name: str) -> Reasoning:
    request.said["reasoning"] = f"{_AT}.{name}"
    request.reasoning = request.reasoning or Reasoning()
    return request.reasoning


def _thinking(request: Request, raw: msgspec.Raw, _: list[str]) -> None:
    wire = _THINKING.decode(raw)
    reasoning = _reasoning(request, "thinking")
    reasoning.enabled = wire.type != "disabled"
    reasoning.budget_tokens = wire.budget_tokens
    if wire.display is not None:
        reasoning.show = wire.display != "omitted"


def _effort_word(request: Request, raw: msgspec.Raw, _: list[str]) -> None:
    _reasoning(request, "reasoning_effort").effort = msgspec.json.decode(raw, type=str)


def _output_config(request: Request, raw: msgspec.Raw, unknown: list[str]) -> None:
    wire = _EFFORT.decode(raw)
    if wire.effort:
        _reasoning(request, "output_config.effort").effort = wire.effort
    unknown.extend(f"{_AT}.output_config.{name}" for name in FIELDS.decode(raw) if name != "effort")


def _nova_reasoning(request: Request, raw: msgspec.Raw, _: list[str]) -> None:
    wire = _NOVA_REASONING.decode(raw)
    reasoning = _reasoning(request, "reasoningConfig")
    reasoning.enabled = wire.type != "disabled"
    reasoning.effort = wire.maxReasoningEffort or ""


def _nova_inference(request: Request, raw: msgspec.Raw, unknown: list[str]) -> None:
    request.top_k = _NOVA_INFERENCE.decode(raw).topK
    request.said["top_k"] = f"{_AT}.inferenceConfig.topK"
    unknown.extend(f"{_AT}.inferenceConfig.{name}" for name in FIELDS.decode(raw) if name != "topK")


def _tool_choice(request: Request, raw: msgspec.Raw, unknown: list[str]) -> None:
    """Anthropic's way to forbid parallel calls; the choice itself is toolConfig's business."""
    wire = _TOOL_CHOICE.decode(raw)
    if wire.disable_parallel_tool_use is None:
        unknown.append(f"{_AT}.tool_choice")
        return
    request.parallel_tool_calls = not wire.disable_parallel_tool_use
    request.said["parallel_tool_calls"] = f"{_AT}.tool_choice.disable_parallel_tool_use"


_TAKES: dict[str, Callable[[Request, msgspec.Raw, list[str]], None]] = {
    "thinking": _thinking,
    "reasoning_config": _thinking,
    "reasoning_effort": _effort_word,
    "output_config": _output_config,
    "reasoningConfig": _nova_reasoning,
    "inferenceConfig": _nova_inference,
    "tool_choice": _tool_choice,
}
