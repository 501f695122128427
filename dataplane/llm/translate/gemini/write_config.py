"""How to generate -> `generationConfig`.

How much to think: Gemini 3 and later take a level, those before it a number of tokens. Efforts
become what Google's own OpenAI interface makes of them: minimal and low 1,024 tokens, medium 8,192,
high 24,576; no level is above "high".
"""

from typing import Any

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Reasoning, Request
from dataplane.llm.translate.gemini.models import generation

_BUDGETS = {
    "none": 0,
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 24576,
    "max": 24576,
}
_LEVELS = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_STEPS = ((0, "MINIMAL"), (2048, "LOW"), (8192, "MEDIUM"))
"""Up to so many tokens of thinking are this level; more are HIGH."""
_LEVELLED = 3
"""The first generation that takes levels."""


def write_config(request: Request, losses: Losses) -> dict[str, Any]:
    """The object. What cannot be said goes to `losses`."""
    told = {
        "maxOutputTokens": request.max_output_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "stopSequences": request.stop or None,
        "seed": request.seed,
        "frequencyPenalty": request.frequency_penalty or None,
        "presencePenalty": request.presence_penalty or None,
        "candidateCount": request.n if request.n != 1 else None,
        "responseLogprobs": request.logprobs or None,
        "logprobs": request.top_logprobs or None,
    }
    config: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    if request.top_logprobs:
        config["responseLogprobs"] = True
    _output(request, losses, config)
    if any(one.lower() != "text" for one in request.modalities):
        config["responseModalities"] = [one.upper() for one in request.modalities]
    if request.reasoning is not None:
        thinking = _thinking(request.reasoning, generation(request.model))
        if thinking:
            config["thinkingConfig"] = thinking
    return config


def _output(request: Request, losses: Losses, config: dict[str, Any]) -> None:
    form = request.output
    if form is None or form.kind == "text":
        return
    config["responseMimeType"] = "application/json"
    if form.kind == "json_schema" and form.schema is not None:
        config["responseJsonSchema"] = form.schema
        if form.description:
            losses.hint(f"{request.said.get('output', 'output')}.description")


def _thinking(reasoning: Reasoning, model: int) -> dict[str, Any]:
    effort, budget = reasoning.effort, reasoning.budget_tokens
    off = effort == "none" or budget == 0 or (reasoning.enabled is False and not effort)
    thinking: dict[str, Any] = {}
    if model >= _LEVELLED:
        if off:
            thinking["thinkingLevel"] = "MINIMAL"
        elif effort in _LEVELS:
            thinking["thinkingLevel"] = _LEVELS[effort]
        elif budget is not None and budget > 0:
            thinking["thinkingLevel"] = next((lv for most, lv in _STEPS if budget <= most), "HIGH")
    elif off:
        thinking["thinkingBudget"] = 0
    elif budget is not None:
        thinking["thinkingBudget"] = budget
    elif effort in _BUDGETS:
        thinking["thinkingBudget"] = _BUDGETS[effort]
    elif reasoning.enabled:
        thinking["thinkingBudget"] = -1
    shown = reasoning.show
    if shown is None and not off and (reasoning.enabled or reasoning.summary):
        shown = True
    if shown is not None and not (shown and off):
        thinking["includeThoughts"] = shown
    return thinking
