"""Who chooses among agents -> what data planes are told of it."""

from outriderpb.v1 import orchestrator_pb2

from controlplane.config import schema
from controlplane.config.rules import models
from controlplane.config.rules.orchestrator import is_planos, orchestrator_of
from controlplane.config.values import duration_ms

MODEL_MS = 10_000
_KINDS = {
    "embedded": orchestrator_pb2.ORCHESTRATOR_KIND_EMBEDDED,
    "model": orchestrator_pb2.ORCHESTRATOR_KIND_MODEL,
    "cascade": orchestrator_pb2.ORCHESTRATOR_KIND_CASCADE,
}


def orchestrator(
    config: schema.Config, listener: schema.Listener
) -> orchestrator_pb2.Orchestrator | None:
    """None: the embedded router with nothing set."""
    found = orchestrator_of(config, listener)
    timeout_ms = duration_ms(found.timeout) if found.timeout is not None else 0
    if found.type == "embedded" and not timeout_ms:
        return None
    message = orchestrator_pb2.Orchestrator(kind=_KINDS[found.type], embedded_timeout_ms=timeout_ms)
    if found.type == "cascade":
        message.ask_below = found.ask_below
    if found.model is not None:
        length = found.context_length or 0
        asked = routing_model(config, found.model, found.prompt, length, timeout_ms or MODEL_MS)
        message.model.CopyFrom(asked)
    return message


def routing_model(
    config: schema.Config, name: str, prompt: str | None, context_tokens: int, timeout_ms: int
) -> orchestrator_pb2.RoutingModel:
    """A model by any word of the config for it."""
    provider = models.models_of(config)[name][0]
    model = next(one.model for one in config.model_providers if models.name_of(one) == provider)
    planos = is_planos(f"{name} {model}", prompt)
    return orchestrator_pb2.RoutingModel(
        provider=provider,
        form=orchestrator_pb2.PROMPT_FORM_PLANO if planos else orchestrator_pb2.PROMPT_FORM_GENERIC,
        context_tokens=context_tokens,
        timeout_ms=timeout_ms,
    )
