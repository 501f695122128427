"""Prompt targets -> clusters of their APIs, routes of each prompt listener, and its rules."""

import json
from collections.abc import Iterator

from outriderpb.v1 import model_pb2, prompt_pb2, route_pb2

from controlplane.config import schema, schema_prompts
from controlplane.config.rules import prompts as rules
from controlplane.config.schema_clusters import LoadBalancing
from controlplane.config.values import duration_ms, read_url
from controlplane.snapshot.resource import Named
from controlplane.translate.clusters import Address, cluster
from controlplane.translate.secrets import secret


def endpoints(config: schema.Config) -> Iterator[Named]:
    """A cluster for each API that a prompt target calls."""
    called = {one.endpoint.name for one in config.prompt_targets if one.endpoint is not None}
    for name, one in config.endpoints.items():
        if name not in called:
            continue
        own = one
        if one.prefix_affinity:
            spread = LoadBalancing(policy="prefix_affinity")
            own = one.model_copy(update={"load_balancing": spread})
        place = Address(read_url(f"{one.protocol}://{one.endpoint}"))
        yield from cluster(config, _cluster(name), own, [place], one.http_host or "")


def targets(config: schema.Config, listener: schema.Listener) -> Iterator[route_pb2.Route]:
    """A prompt listener's routes to APIs."""
    for position, one in enumerate(config.prompt_targets):
        yield route_pb2.Route(
            name=f"{listener.name}/prompt:{one.name}",
            listener=listener.name,
            prompt=_target(one, position),
        )


def prompt_rules(config: schema.Config, listener: schema.Listener) -> prompt_pb2.PromptRules | None:
    """What only a prompt listener has."""
    if listener.type != "prompt":
        return None
    overrides = config.overrides
    asked = rules.callable_targets(config) and rules.function_calling_model(config, listener)
    return prompt_pb2.PromptRules(
        system_prompt=config.system_prompt or "",
        function_calling_model=asked or "",
        embedded=listener.choose_by == "embedded",
        tool_messages=listener.tool_messages,
        forgets_answers=overrides is not None and overrides.optimize_context_window,
    )


def min_confidence(config: schema.Config, listener: schema.Listener) -> float:
    """How sure the embedded router must be."""
    planos = config.overrides.prompt_target_intent_matching_threshold if config.overrides else None
    if (
        listener.type == "prompt"
        and planos is not None
        and "min_confidence" not in listener.model_fields_set
    ):
        return planos
    return listener.min_confidence


def _cluster(name: str) -> str:
    return f"endpoint:{name}"


def _target(one: schema_prompts.PromptTarget, position: int) -> prompt_pb2.PromptTarget:
    message = prompt_pb2.PromptTarget(
        name=one.name,
        description=one.description,
        is_default=one.default,
        position=position,
        parameters=[_parameter(each) for each in one.parameters],
        answers_itself=not one.auto_llm_dispatch_on_response,
        system_prompt=one.system_prompt or "",
        examples=one.examples,
    )
    api = one.endpoint
    if api is not None:
        message.cluster = _cluster(api.name)
        message.path = api.path
        message.http_method = api.http_method
        message.timeout_ms = duration_ms(api.timeout)
        message.http_headers.extend(
            model_pb2.Header(name=name, value=secret(text))
            for name, text in api.http_headers.items()
        )
    return message


def _parameter(one: schema_prompts.PromptParameter) -> prompt_pb2.PromptParameter:
    kind, _ = rules.TYPES[one.type]
    default = "" if one.default is None else json.dumps(rules.typed(kind, one.default))
    return prompt_pb2.PromptParameter(
        name=one.name,
        description=one.description,
        type=kind,
        required=one.required,
        default=default,
        enum=[json.dumps(rules.typed(kind, value)) for value in one.enum or ()],
        in_path=one.in_path,
        format=one.format or "",
    )
