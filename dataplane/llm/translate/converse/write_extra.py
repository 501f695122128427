"""Sampling and reasoning: inferenceConfig, and what each vendor's models are told besides.

Rule: a field goes to a vendor's models only where the vendor documents it for Bedrock.
"""

from typing import Any

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.converse.families import ANTHROPIC, COHERE, MISTRAL, NOVA
from dataplane.llm.translate.messages.abilities import abilities
from dataplane.llm.translate.messages.write_thinking import write_thinking
from dataplane.runtime.dialect import Dialect

_WORDS: dict[str, dict[str, str]] = {
    ANTHROPIC: {"top_k": "top_k"},
    MISTRAL: {"top_k": "top_k"},
    COHERE: {
        "top_k": "k",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
    },
}
_EFFORTS = {
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "high",
    "max": "high",
}
_NOVA_2 = "nova-2"
"""Its first generation does not reason."""
_PENALTIES = ("frequency_penalty", "presence_penalty")


def write_sampling(
    request: Request,
    vendor: str,
    inference: dict[str, Any],
    extra: dict[str, Any],
    losses: Losses,
) -> None:
    """Fill `inferenceConfig` and additionalModelRequestFields."""
    thinks = "thinking" in extra and extra["thinking"]["type"] in ("enabled", "adaptive")
    free = not thinks
    if vendor == ANTHROPIC:
        free = free and abilities(request.model).sampling
    if request.max_output_tokens is not None:
        inference.setdefault("maxTokens", request.max_output_tokens)
    for name, key in (("temperature", "temperature"), ("top_p", "topP")):
        value = getattr(request, name)
        if value is None or (not free and value == 1):
            continue
        # Anthropic's models take a high top_p while they think.
        if 0 <= value <= 1 and (free or (name == "top_p" and thinks and value >= 0.95)):
            inference[key] = value
        else:
            losses.refuse(name)
    if request.stop:
        inference["stopSequences"] = request.stop
    words = _WORDS.get(vendor, {})
    for name in ("top_k", "seed", *_PENALTIES):
        value = getattr(request, name)
        if value is None or (value == 0 and name in _PENALTIES):
            continue
        if name == "top_k" and vendor == NOVA:
            extra["inferenceConfig"] = {"topK": value}
        elif name in words and (free or name != "top_k"):
            extra[words[name]] = value
        else:
            losses.refuse(name)


def write_reasoning(
    request: Request,
    vendor: str,
    dialect: Dialect,
    inference: dict[str, Any],
    extra: dict[str, Any],
    losses: Losses,
    *,
    signed: bool,
) -> dict[str, Any]:
    """Fill what tells how much to think, and give the beginning of `outputConfig`.

    :param signed: the turns may be continued with a thinking budget.
    """
    asked = request.reasoning
    if asked is None:
        return {}
    effort = asked.effort
    off = asked.enabled is False or effort == "none" or asked.budget_tokens == 0
    match vendor:
        case "anthropic":
            return _anthropic(request, dialect, inference, extra, losses, signed=signed)
        case "nova" if _NOVA_2 not in request.model:
            losses.hint("reasoning")
        case "nova":
            extra["reasoningConfig"] = {"type": "disabled"} if off else _nova(request, losses)
        case "openai" if effort in _EFFORTS:
            extra["reasoning_effort"] = _EFFORTS[effort]
        case _:
            losses.hint("reasoning")
    return {}


def _nova(request: Request, losses: Losses) -> dict[str, Any]:
    effort = _EFFORTS.get(request.reasoning.effort if request.reasoning else "", "medium")
    limits = (request.max_output_tokens, request.temperature, request.top_p)
    if effort == "high" and limits != (None, None, None):
        # Nova refuses these with the highest effort, and effort is advice.
        effort = "medium"
        losses.hint("reasoning")
    return {"type": "enabled", "maxReasoningEffort": effort}


def _anthropic(
    request: Request,
    dialect: Dialect,
    inference: dict[str, Any],
    extra: dict[str, Any],
    losses: Losses,
    *,
    signed: bool,
) -> dict[str, Any]:
    can = abilities(request.model)
    thought = write_thinking(request, can, dialect.default_max_tokens, losses)
    if thought.on and can.budget and not can.adaptive and not signed:
        thought.thinking = None
        losses.hint("thinking")
    if thought.thinking is not None:
        extra["thinking"] = thought.thinking
        if "budget_tokens" in thought.thinking:
            # Bedrock's own default may be less than the budget.
            inference["maxTokens"] = thought.max_tokens
    return {"effort": effort} if (effort := thought.output_config.get("effort")) else {}
