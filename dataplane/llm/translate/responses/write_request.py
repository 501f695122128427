"""Request -> the body of POST /v1/responses."""

import re
from typing import Any, Final

import msgspec

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text, Thinking
from dataplane.llm.hub.request import Reasoning, Request
from dataplane.llm.translate.responses.wire import opened_reasoning
from dataplane.llm.translate.responses.write_input import write_input
from dataplane.llm.translate.responses.write_tools import write_tool_choice, write_tools
from dataplane.runtime.dialect import Dialect

MIN_OUTPUT_TOKENS: Final = 16
"""The API refuses less."""
MAX_ID: Final = 64
"""Characters of `user` and `prompt_cache_key`; Claude Code says more of its user."""
_EFFORTS: Final = ((1024, "low"), (8192, "medium"))
"""The most tokens of an effort: Google's documented scale for the same words. More is "high", which
every model that thinks knows."""
_PLAIN: Final = re.compile(r"(?:^|/)(?:chat)?gpt-[34]")
"""Models of OpenAI's that cannot think, and refuse to be asked; none will be added."""
_FEWEST: Final = (
    (re.compile(r"(?:^|/)gpt-5(?![.\d])"), "minimal"),
    (re.compile(r"(?:^|/)o\d"), "low"),
)
"""The least effort of models that do not know "none"."""
_TIERS: Final = ("auto", "default", "flex", "scale", "priority")
_VERBOSITIES: Final = ("low", "medium", "high")
_ENCODER: Final = msgspec.json.Encoder()


def write_request(request: Request, dialect: Dialect, losses: Losses) -> bytes:
    """The provider's body. What cannot be said goes to `losses`."""
    body: dict[str, Any] = {"model": request.model}
    instructions = _instructions(request, losses)
    if instructions:
        body["instructions"] = instructions
    body["input"] = write_input(request.messages, losses)
    if tools := write_tools(request, losses):
        body["tools"] = tools
        if (choice := write_tool_choice(request)) is not None:
            body["tool_choice"] = choice
        if request.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = request.parallel_tool_calls
    _sampling(request, body, losses)
    _shape(request, body, losses)
    _identity(request, body, losses)
    _unsayable(request, losses)
    if request.stream:
        body["stream"] = True
    return _ENCODER.encode(body)


def _instructions(request: Request, losses: Losses) -> str:
    texts = []
    for part in request.system:
        if isinstance(part, Text):
            texts.append(part.text)
            if part.cache:
                losses.hint("cache_control")
        else:
            losses.refuse(f"system: {getattr(part, 'kind', type(part).__name__)}")
    return "\n\n".join(texts)


def _sampling(request: Request, body: dict[str, Any], losses: Losses) -> None:
    most = request.max_output_tokens
    if most is not None:
        if 0 < most < MIN_OUTPUT_TOKENS:
            losses.hint("max_output_tokens")
            most = MIN_OUTPUT_TOKENS
        body["max_output_tokens"] = most
    for name in ("temperature", "top_p"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    include = [what for what in request.include if what == "reasoning.encrypted_content"]
    if request.logprobs or request.top_logprobs:
        include.append("message.output_text.logprobs")
        if request.top_logprobs:
            body["top_logprobs"] = request.top_logprobs
    if not include and not _PLAIN.search(request.model) and _reasons(request):
        # Clients of other protocols get it sealed, and give it back with the next turn.
        include.append("reasoning.encrypted_content")
    if include:
        body["include"] = include


def _reasons(request: Request) -> bool:
    """Whether the model is one that reasons: others refuse to include it."""
    asked = request.reasoning
    if asked is not None and asked.enabled is not False and asked.effort != "none":
        return True
    return any(
        isinstance(part, Thinking) and opened_reasoning(part.signature)[1]
        for message in request.messages
        for part in message.parts
    )


def _shape(request: Request, body: dict[str, Any], losses: Losses) -> None:
    text: dict[str, Any] = {}
    output = request.output
    if output is not None and output.kind == "json":
        text["format"] = {"type": "json_object"}
    elif output is not None and output.kind == "json_schema":
        form: dict[str, Any] = {"type": "json_schema", "name": output.name or "answer"}
        if output.description:
            form["description"] = output.description
        form["schema"] = output.schema if output.schema is not None else {"type": "object"}
        if output.strict is not None:
            form["strict"] = output.strict
        text["format"] = form
    if request.verbosity in _VERBOSITIES:
        text["verbosity"] = request.verbosity
    elif request.verbosity:
        losses.hint("verbosity")
    if text:
        body["text"] = text
    if request.reasoning is not None and (reasoning := _reasoning(request, request.reasoning)):
        if not _PLAIN.search(request.model):
            body["reasoning"] = reasoning
        elif reasoning.get("effort") != "none":
            losses.hint("reasoning")


def _reasoning(request: Request, asked: Reasoning) -> dict[str, str]:
    if asked.enabled is False or asked.budget_tokens == 0 or asked.effort == "none":
        return {"effort": next((w for of, w in _FEWEST if of.search(request.model)), "none")}
    written = {}
    effort = asked.effort or _effort_of(asked.budget_tokens)
    if effort:
        written["effort"] = effort
    if asked.summary:
        written["summary"] = asked.summary
    elif asked.show or (asked.show is None and asked.enabled):
        # the client's own API would have shown the thinking
        written["summary"] = "auto"
    return written


def _effort_of(budget: int | None) -> str:
    if budget is None or budget < 0:
        return ""
    return next((word for most, word in _EFFORTS if budget <= most), "high")


def _identity(request: Request, body: dict[str, Any], losses: Losses) -> None:
    for name in ("user", "prompt_cache_key"):
        if len(value := getattr(request, name)) > MAX_ID:
            losses.hint(name)
        elif value:
            body[name] = value
    if request.metadata is not None:
        body["metadata"] = request.metadata
    if request.service_tier in _TIERS:
        body["service_tier"] = request.service_tier
    elif request.service_tier:
        losses.hint("service_tier")
    # Clients of other protocols send the whole conversation each time, and did not ask to be kept.
    body["store"] = request.store is True


def _unsayable(request: Request, losses: Losses) -> None:
    """What the API has no word for; values that ask for nothing are no loss."""
    for name in ("seed", "logit_bias", "top_k"):
        if getattr(request, name) is not None:
            losses.refuse(name)
    for name in ("frequency_penalty", "presence_penalty", "stop"):
        if getattr(request, name):
            losses.refuse(name)
    losses.only_one_text()
