import pytest
from outriderpb.v1 import orchestrator_pb2

from dataplane.runtime.orchestrator import Orchestrator, OrchestratorKind, PromptForm, RoutingModel
from dataplane.xds.fields import BadFieldError
from dataplane.xds.orchestrator import orchestrator

CASCADE = orchestrator_pb2.ORCHESTRATOR_KIND_CASCADE


def test_nothing_said_is_the_embedded_router() -> None:
    assert orchestrator(orchestrator_pb2.Orchestrator()) == Orchestrator()


def test_cascade_comes_whole() -> None:
    m = orchestrator_pb2.Orchestrator(kind=CASCADE, ask_below=0.7, embedded_timeout_ms=300)
    m.model.provider, m.model.context_tokens, m.model.timeout_ms = "p", 512, 2500
    m.model.form = orchestrator_pb2.PROMPT_FORM_PLANO
    model = RoutingModel("p", PromptForm.PLANO, 512, 2.5)
    assert orchestrator(m) == Orchestrator(OrchestratorKind.CASCADE, model, 0.7, 0.3)


def test_what_a_model_is_not_said_to_have_is_the_default() -> None:
    m = orchestrator_pb2.Orchestrator(kind=CASCADE)
    m.model.provider = "p"
    assert orchestrator(m).model == RoutingModel("p")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": 9, "model": {"provider": "p"}},
        {"kind": CASCADE},
        {"kind": CASCADE, "model": {"provider": "p", "form": 9}},
        {"kind": CASCADE, "model": {"provider": "p"}, "ask_below": 2.0},
    ],
)
def test_what_cannot_be_used_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadFieldError):
        orchestrator(orchestrator_pb2.Orchestrator(**wrong))  # type: ignore[arg-type]
