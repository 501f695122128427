"""Prompt targets: APIs that exist, parameters that fit their places, a model that can call them."""

import re
from collections.abc import Iterator, Mapping
from math import isfinite

from controlplane.config import schema, schema_models, schema_prompts, values
from controlplane.config.problem import Path
from controlplane.config.providers.resolve import is_wildcard, passes_through
from controlplane.config.rules import credentials, models
from controlplane.config.rules.findings import Findings, suggest

Scalar = str | bool | int | float
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
TYPES: Mapping[str, tuple[str, tuple[type, ...]]] = {
    # Plano's words among them: JSON schema's word, and what its values are in YAML.
    "string": ("string", (str,)),
    "str": ("string", (str,)),
    "integer": ("integer", (int,)),
    "int": ("integer", (int,)),
    "number": ("number", (int, float)),
    "float": ("number", (int, float)),
    "boolean": ("boolean", (bool,)),
    "bool": ("boolean", (bool,)),
    "array": ("array", ()),
    "list": ("array", ()),
    "object": ("object", ()),
    "dict": ("object", ()),
}
PLANOS_MODEL = "arch-function"


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `prompt_targets` and `endpoints`."""
    for name, one in config.endpoints.items():
        _endpoint(one, ("endpoints", name), findings)
    names: dict[str, Path] = {}
    default: Path = ()
    for index, target in enumerate(config.prompt_targets):
        path: Path = ("prompt_targets", index)
        findings.once(names, target.name, (*path, "name"), "prompt target")
        if target.default and default:
            hint = f"the first one is in line {findings.line(default)}"
            findings.add((*path, "default"), "a second default prompt target", hint)
        elif target.default:
            default = (*path, "default")
        _target(config, target, path, findings)


def check_listener(
    config: schema.Config, listener: schema.Listener, path: Path, findings: Findings
) -> None:
    """What a prompt listener needs beyond what a model listener does."""
    if listener.function_calling_model is None:
        if callable_targets(config) and function_calling_model(config, listener) is None:
            what = "no model provider can be asked which prompt target to call"
            hint = "add one with a key of its own, and without 'aws'"
            findings.add((*path, "type"), what, hint)
        return
    at: Path = (*path, "function_calling_model")
    name = listener.function_calling_model
    known = models.models_of(config)
    serving = known.get(name)
    if serving is None or "*" in name:
        findings.add(at, f"unknown model {name!r}", suggest(name, known, "model providers"))
        return
    provider = next(one for one in config.model_providers if models.name_of(one) == serving[0])
    if provider.aws is not None:
        hint = "use a Bedrock API key (access_key)"
        findings.add(at, "its requests are signed for AWS, which this cannot do", hint)
    elif passes_through(provider):
        hint = "give a provider with a key of its own"
        findings.add(at, "it has no key but the client's, which is not for this", hint)


def callable_targets(config: schema.Config) -> tuple[schema_prompts.PromptTarget, ...]:
    """The targets that a model may choose: the default one is for what is left."""
    return tuple(target for target in config.prompt_targets if not target.default)


def function_calling_model(config: schema.Config, listener: schema.Listener) -> str | None:
    """The name of the provider that calls targets as its tools; None when nobody can."""
    name = listener.function_calling_model
    if name is not None:
        return models.models_of(config).get(name, (None,))[0]
    able = [
        one
        for one in config.model_providers
        if one.aws is None and not passes_through(one) and not is_wildcard(one)
    ]
    able.sort(key=_preferred)  # stable: the first of equals
    return models.name_of(able[0]) if able else None


def _preferred(provider: schema_models.ModelProvider) -> int:
    is_planos = provider.model.partition("/")[2].lower() == PLANOS_MODEL
    return 0 if is_planos else 1 if provider.default else 2


def _endpoint(one: schema_prompts.EndpointCluster, path: Path, findings: Findings) -> None:
    try:
        values.read_url(f"{one.protocol}://{one.endpoint}")
    except values.BadValueError as problem:
        findings.add((*path, "endpoint"), f"{one.endpoint!r} is no address: {problem.message}")
    if one.prefix_affinity and one.load_balancing is not None:
        hint = "keep 'load_balancing', with policy: prefix_affinity"
        findings.add((*path, "prefix_affinity"), "is given beside 'load_balancing'", hint)


def _target(
    config: schema.Config, target: schema_prompts.PromptTarget, path: Path, findings: Findings
) -> None:
    seen: dict[str, Path] = {}
    for index, parameter in enumerate(target.parameters):
        at: Path = (*path, "parameters", index)
        findings.once(seen, parameter.name, (*at, "name"), "parameter of this target")
        _parameter(parameter, at, findings)
    endpoint = target.endpoint
    if endpoint is None:
        _without_api(target, path, findings)
        return
    at = (*path, "endpoint")
    if endpoint.name not in config.endpoints:
        hint = suggest(endpoint.name, config.endpoints, "endpoints")
        findings.add((*at, "name"), f"unknown endpoint {endpoint.name!r}", hint)
    _placeholders(target, endpoint.path, path, findings)
    credentials.check_headers(endpoint.http_headers, (*at, "http_headers"), findings)


def _without_api(target: schema_prompts.PromptTarget, path: Path, findings: Findings) -> None:
    if not target.auto_llm_dispatch_on_response:
        hint = "give it an 'endpoint'"
        findings.add((*path, "auto_llm_dispatch_on_response"), "no API answers for it", hint)
    elif target.system_prompt is None and not findings.blamed((*path, "endpoint")):
        hint = "the API to call; or a 'system_prompt'"
        findings.add((*path, "endpoint"), "is missing", hint)


def _parameter(one: schema_prompts.PromptParameter, path: Path, findings: Findings) -> None:
    kind, types = TYPES[one.type]
    for index, value in enumerate(one.enum or ()):
        if not _fits(typed(kind, value), types):
            findings.add((*path, "enum", index), f"{value!r} is not of type {kind}")
    if one.default is None:
        return
    default = typed(kind, one.default)
    if not _fits(default, types):
        hint = f"put it in quotes: '{one.default}'" if kind == "string" else ""
        findings.add((*path, "default"), f"{one.default!r} is not of type {kind}", hint)
    elif one.enum is not None and default not in [typed(kind, value) for value in one.enum]:
        findings.add((*path, "default"), f"{one.default!r} is not one of 'enum'")


def typed(kind: str, value: Scalar) -> Scalar:
    """A value of a parameter; numbers and booleans may be written as text, as Plano wants them.

    :param kind: JSON schema's word.
    """
    if kind == "string" or not isinstance(value, str):
        return value
    word = value.strip()
    if kind == "boolean":
        return {"true": True, "false": False}.get(word.lower(), value)
    try:
        return float(word) if kind == "number" and not word.isdigit() else int(word)
    except ValueError:
        return value


def _fits(value: object, types: tuple[type, ...]) -> bool:
    """Whether a value is of a type; a bool is an int for Python only, and no JSON has infinity."""
    if isinstance(value, float) and not isfinite(value):
        return False
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _placeholders(
    target: schema_prompts.PromptTarget, text: str, path: Path, findings: Findings
) -> None:
    at: Path = (*path, "endpoint", "path")
    known = [one.name for one in target.parameters]
    wanted = list(placeholders(text))
    rest = PLACEHOLDER.sub("", text)
    if "{" in rest or "}" in rest:
        findings.add(at, f"{text!r} has a brace without its other half")
    if "#" in text:
        findings.add(at, f"{text!r} has a '#'", "only path and query are sent")
    if any(step in (".", "..") for step in rest.partition("?")[0].split("/")):
        findings.add(at, f"{text!r} has a step '.' or '..'")
    for name in dict.fromkeys(wanted):
        if name not in known:
            hint = suggest(name, known, "parameters of this target")
            findings.add(at, f"unknown parameter {name!r}", hint)
    if target.default and wanted:
        findings.add(at, "the default target has no parameters", "write a path without braces")
    for index, one in enumerate(target.parameters):
        if one.in_path and one.name not in wanted:
            hint = f"write {{{one.name}}} into the path of 'endpoint'"
            where: Path = (*path, "parameters", index, "in_path")
            findings.add(where, "the path has no place for it", hint)


def placeholders(path: str) -> Iterator[str]:
    """The names of the parameters that a path has places for."""
    return (found[1] for found in PLACEHOLDER.finditer(path))
