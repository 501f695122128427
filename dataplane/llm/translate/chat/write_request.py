"""Request -> the chat completion request that a provider gets."""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import OutputFormat, Reasoning, Request
from dataplane.llm.translate.chat.write_messages import MessageWriter
from dataplane.llm.translate.chat.write_tools import write_tools
from dataplane.runtime.dialect import Dialect
from dataplane.runtime.protocols import Protocol

MAX_USER: Final = 64
"""Characters of a user's id that OpenAI takes; Claude Code's are longer."""
_BUDGETS: Final = ((2048, "low"), (8192, "medium"))
"""Up to so many tokens of thinking are this effort; more are "high"."""
_PLAIN_MODELS: Final = ("gpt-3", "gpt-4", "chatgpt-")
"""Names of models that refuse `reasoning_effort`."""
_ENCODER: Final = msgspec.json.Encoder()


def write_request(request: Request, dialect: Dialect, losses: Losses) -> bytes:
    """The body. What chat cannot say goes to `losses`."""
    body: dict[str, Any] = {
        "model": request.model,
        "messages": MessageWriter(request, dialect, losses).write(),
    }
    write_tools(request, dialect, losses, body)
    if request.max_output_tokens is not None:
        limit = "max_completion_tokens" if dialect.max_completion_tokens else "max_tokens"
        body[limit] = request.max_output_tokens
    temperature = request.temperature
    if temperature is not None:
        body["temperature"] = request.temperature  # (as it came: 1 is not 1.0)
    has_rare = _has_rare(request)
    if has_rare:
        _sampling(request, dialect, losses, body)
    if request.output is not None:
        _output(request.output, dialect, losses, body)
    if request.reasoning is not None:
        _reasoning(request.reasoning, request, losses, body)
    if has_rare:
        _labels(request, dialect, losses, body)
        if any(one != "text" for one in request.modalities):
            losses.refuse("modalities")
        for name in request.include:
            losses.hint(f"include: {name}")
    if request.stream:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    return _ENCODER.encode(body)


def _has_rare(request: Request) -> bool:
    """Whether it says anything that most do not: then all that is looked at."""
    return bool(
        request.top_p is not None
        or request.top_k is not None
        or request.stop
        or request.seed is not None
        or request.frequency_penalty is not None
        or request.presence_penalty is not None
        or request.logprobs is not None
        or request.top_logprobs is not None
        or request.logit_bias is not None
        or request.n is not None
        or request.modalities
        or request.include
        or request.user
        or request.verbosity
        or request.metadata is not None
        or request.service_tier
        or request.prompt_cache_key
    )


def _sampling(request: Request, dialect: Dialect, losses: Losses, body: dict[str, Any]) -> None:
    told = {
        "top_p": request.top_p,
        "top_k": request.top_k if dialect.top_k else None,
        "stop": request.stop or None,
        "seed": request.seed,
        "frequency_penalty": request.frequency_penalty,
        "presence_penalty": request.presence_penalty,
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "logit_bias": request.logit_bias,
        "n": request.n,
    }
    body |= {name: value for name, value in told.items() if value is not None}
    if request.top_logprobs is not None and not request.logprobs:
        body["logprobs"] = True
    if request.top_k is not None and not dialect.top_k:
        losses.refuse("top_k")


def _output(form: OutputFormat, dialect: Dialect, losses: Losses, body: dict[str, Any]) -> None:
    if form.kind == "json" or (form.kind == "json_schema" and form.schema is None):
        body["response_format"] = {"type": "json_object"}
    elif form.kind == "json_schema" and dialect.json_schema:
        schema: dict[str, Any] = {"name": form.name or "answer"}
        if form.description:
            schema["description"] = form.description
        schema["schema"] = form.schema
        if form.strict is not None:
            schema["strict"] = form.strict
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif form.kind == "json_schema":
        losses.refuse("output")


def _reasoning(
    reasoning: Reasoning, request: Request, losses: Losses, body: dict[str, Any]
) -> None:
    effort = _effort(reasoning)
    if effort:
        # Agents ask every model to think; these answer with an error and are no worse without.
        if request.model.rpartition("/")[2].startswith(_PLAIN_MODELS):
            losses.hint("reasoning")
        else:
            body["reasoning_effort"] = effort


def _effort(reasoning: Reasoning) -> str:
    if reasoning.effort:
        return "xhigh" if reasoning.effort == "max" else reasoning.effort
    if reasoning.enabled is False or reasoning.budget_tokens == 0:
        return ""  # most models do not think unless asked to, and many refuse the word "none"
    budget = reasoning.budget_tokens
    if budget is None or budget < 0:
        return "medium" if reasoning.enabled else ""
    return next((word for most, word in _BUDGETS if budget <= most), "high")


def _labels(request: Request, dialect: Dialect, losses: Losses, body: dict[str, Any]) -> None:
    """What only advises goes where it is known."""
    ours = request.protocol is Protocol.RESPONSES and dialect.openai_fields
    if request.user and len(request.user) <= MAX_USER:
        body["user"] = request.user
    elif request.user:
        losses.hint("user")
    if request.metadata is not None:
        losses.hint("metadata")  # OpenAI refuses it for completions that are not stored
    if request.verbosity:
        _label("verbosity", request.verbosity, ours, losses, body)
    if request.service_tier and request.service_tier != "auto":
        _label("service_tier", request.service_tier, ours, losses, body)
    if request.prompt_cache_key:
        _label("prompt_cache_key", request.prompt_cache_key, ours, losses, body)


def _label(name: str, value: str, known: bool, losses: Losses, body: dict[str, Any]) -> None:
    if known:
        body[name] = value
    else:
        losses.hint(name)
