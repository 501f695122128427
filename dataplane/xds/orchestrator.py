"""Who chooses, of the wire -> the values of dataplane/runtime/orchestrator.py."""

from collections.abc import Mapping

from outriderpb.v1 import orchestrator_pb2

from dataplane.runtime.orchestrator import (
    Orchestrator,
    OrchestratorKind,
    PromptForm,
    RoutingModel,
)
from dataplane.xds.fields import BadFieldError, given, seconds, within

KINDS: Mapping[int, OrchestratorKind] = {
    orchestrator_pb2.ORCHESTRATOR_KIND_EMBEDDED: OrchestratorKind.EMBEDDED,
    orchestrator_pb2.ORCHESTRATOR_KIND_MODEL: OrchestratorKind.MODEL,
    orchestrator_pb2.ORCHESTRATOR_KIND_CASCADE: OrchestratorKind.CASCADE,
}
FORMS: Mapping[int, PromptForm] = {
    orchestrator_pb2.PROMPT_FORM_GENERIC: PromptForm.GENERIC,
    orchestrator_pb2.PROMPT_FORM_PLANO: PromptForm.PLANO,
}


def orchestrator(m: orchestrator_pb2.Orchestrator) -> Orchestrator:
    """Raises BadFieldError."""
    kind = KINDS.get(m.kind)
    if kind is None:
        raise BadFieldError(f"orchestrator {m.kind} is not one this data plane knows")
    within("ask_below", m.ask_below, 0.0, 1.0)
    timeout_s = seconds(m.embedded_timeout_ms, Orchestrator().embedded_timeout_s)
    if kind is OrchestratorKind.EMBEDDED:
        return Orchestrator(embedded_timeout_s=timeout_s)
    model = routing_model(
        given(m.model.provider, "model for its orchestrator"),
        m.model.form,
        m.model.context_tokens,
        m.model.timeout_ms,
    )
    return Orchestrator(kind, model, m.ask_below, timeout_s)


def routing_model(provider: str, form: int, context_tokens: int, timeout_ms: int) -> RoutingModel:
    """A model that chooses; zero is what is not set. Raises BadFieldError."""
    known = FORMS.get(form)
    if known is None:
        raise BadFieldError(f"prompt {form} is not one this data plane knows")
    default = RoutingModel(provider)
    return RoutingModel(
        provider,
        known,
        context_tokens or default.context_tokens,
        seconds(timeout_ms, default.timeout_s),
    )
