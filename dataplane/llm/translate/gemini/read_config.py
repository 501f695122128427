"""`generationConfig` of a Gemini client, put into the request."""

import re

import msgspec

from dataplane.llm.hub.request import OutputFormat, Reasoning, Request
from dataplane.llm.translate.gemini.fields import Fields, Wrong
from dataplane.llm.translate.gemini.schema import json_schema

_ENCODER = msgspec.json.Encoder()
_INTEGERS = (
    ("max_output_tokens", "maxOutputTokens"),
    ("top_k", "topK"),
    ("seed", "seed"),
    ("n", "candidateCount"),
    ("top_logprobs", "logprobs"),
)
_NUMBERS = (
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("presence_penalty", "presencePenalty"),
    ("frequency_penalty", "frequencyPenalty"),
)
_ADVICE = ("mediaResolution", "audioTimestamp", "enableEnhancedCivicAnswers", "routingConfig")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def read_config(config: Fields, request: Request) -> None:
    """Fills `request`, with `said`, hints and what is unknown. Raises Wrong."""
    for field, word in _INTEGERS:
        whole = config.integer(word)
        if whole is not None:
            setattr(request, field, whole)
            request.said[field] = config.place(word)
    for field, word in _NUMBERS:
        number = config.number(word)
        if number is not None:
            setattr(request, field, number)
            request.said[field] = config.place(word)
    request.stop = config.texts("stopSequences")
    request.logprobs = config.boolean("responseLogprobs")
    request.modalities = [one.lower() for one in config.texts("responseModalities")]
    request.said |= {
        "stop": config.place("stopSequences"),
        "logprobs": config.place("responseLogprobs"),
        "modalities": config.place("responseModalities"),
    }
    _output(config, request)
    thinking = config.object("thinkingConfig")
    if thinking is not None:
        request.reasoning = _reasoning(thinking)
        request.said["reasoning"] = thinking.at
        request.unknown += thinking.rest()
    for word in _ADVICE:
        if config.raw(word) is not None:
            request.hints.append(config.place(word))
    request.unknown += config.rest()


def _output(config: Fields, request: Request) -> None:
    mime_type = config.text("responseMimeType").lower()
    schema = config.any("responseJsonSchema")
    subset = config.any("responseSchema")
    if schema is None and subset is not None:
        schema = json_schema(subset)
    request.said["output"] = config.place(
        "responseSchema" if subset is not None else "responseMimeType"
    )
    if mime_type == "text/x.enum" or mime_type not in ("", "text/plain", "application/json"):
        request.unknown.append(config.place("responseMimeType"))
    elif schema is not None:
        if not isinstance(schema, dict):
            raise Wrong(f"Expected an object - at `{config.place('responseSchema')}`")
        title = schema.get("title")
        name = title if isinstance(title, str) and _NAME.fullmatch(title) else ""
        raw = msgspec.Raw(_ENCODER.encode(schema))
        request.output = OutputFormat("json_schema", name, schema=raw)
    elif mime_type == "application/json":
        request.output = OutputFormat("json")


def _reasoning(thinking: Fields) -> Reasoning:
    budget = thinking.integer("thinkingBudget")
    level = thinking.text("thinkingLevel").lower()
    reasoning = Reasoning(budget_tokens=budget, show=thinking.boolean("includeThoughts"))
    if budget is not None:
        reasoning.enabled = budget != 0
    if level and level != "thinking_level_unspecified":
        reasoning.enabled = True
        reasoning.effort = level
    return reasoning
