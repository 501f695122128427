"""Prompt targets and rules of the wire -> values; what would call an API wrongly is refused."""

from typing import Any

import msgspec
from outriderpb.v1 import prompt_pb2

from dataplane.runtime.prompts import Parameter, PromptRules, PromptTarget
from dataplane.xds.fields import BadFieldError, given, header_name, seconds, secret
from dataplane.xds.secrets import SecretReader

TYPES = frozenset(("string", "integer", "number", "boolean", "array", "object"))
METHODS = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE"))


def prompt_target(m: prompt_pb2.PromptTarget, secrets: SecretReader) -> PromptTarget:
    """A target. Raises BadFieldError and SecretUnavailableError."""
    if m.cluster and m.http_method not in METHODS:
        raise BadFieldError(f"http_method {m.http_method!r} is not known here")
    if m.cluster and not m.path.startswith("/"):
        raise BadFieldError(f"{m.path!r} is not the path of an API")
    return PromptTarget(
        name=given(m.name, "name"),
        description=m.description,
        is_default=m.is_default,
        position=m.position,
        parameters=tuple(_parameter(one) for one in m.parameters),
        cluster=m.cluster,
        path=m.path,
        method=m.http_method,
        headers=tuple((header_name(h.name), secret(h.value, secrets)) for h in m.http_headers),
        timeout_s=seconds(m.timeout_ms, 10.0),
        answers_itself=m.answers_itself,
        system_prompt=m.system_prompt,
        examples=tuple(m.examples),
    )


def prompt_rules(m: prompt_pb2.PromptRules) -> PromptRules:
    """What only a prompt listener has."""
    return PromptRules(
        system_prompt=m.system_prompt,
        function_calling_model=m.function_calling_model,
        embedded=m.embedded,
        tool_messages=m.tool_messages,
        forgets_answers=m.forgets_answers,
    )


def _parameter(m: prompt_pb2.PromptParameter) -> Parameter:
    if m.type not in TYPES:
        raise BadFieldError(f"parameter {m.name!r} is of type {m.type!r}, which is not known here")
    return Parameter(
        name=given(m.name, "name of a parameter"),
        description=m.description,
        type=m.type,
        required=m.required,
        default=_value(m.default) if m.default else None,
        enum=tuple(_value(text) for text in m.enum),
        in_path=m.in_path,
        format=m.format,
    )


def _value(text: str) -> Any:
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as e:
        raise BadFieldError(f"{text[:40]!r} is no JSON") from e
    if not isinstance(value, str | int | float | bool):
        raise BadFieldError(f"{text[:40]!r} is no text, number or boolean")
    return value
