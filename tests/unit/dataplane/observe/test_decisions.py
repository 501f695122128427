from dataplane.observe.decisions import Decisions
from dataplane.observe.metrics import Metrics
from dataplane.runtime.config import Listener, ListenerKind
from dataplane.runtime.decision import Decision, Step
from dataplane.runtime.orchestrator import Orchestrator, OrchestratorKind, RoutingModel

CASCADE = Listener(
    "travel",
    ListenerKind.AGENT,
    "127.0.0.1",
    0,
    orchestrator=Orchestrator(OrchestratorKind.CASCADE, RoutingModel("m")),
)


def counts(*decisions: Decision) -> dict[str, dict[tuple[str, ...], object]]:
    counted, metrics = Decisions(), Metrics()
    counted.measure(metrics)
    for one in decisions:
        counted.count(CASCADE, one)
    return {one.name: dict(one.samples) for one in metrics.families()}


def test_share_of_a_cascade_is_who_had_the_last_word() -> None:
    sure = Decision(("a",), (), "", "minilm")
    asked = Decision(("a",), (), "", "model", steps=(Step("minilm", ("a",)),))
    assert counts(sure, sure, asked)["outrider_decisions_total"] == {
        ("travel", "cascade", "minilm"): 2.0,
        ("travel", "cascade", "model"): 1.0,
    }


def test_agreement_is_between_the_model_and_what_would_have_been() -> None:
    agreed = Decision(("a", "b"), (), "", "model", steps=(Step("minilm", ("b", "a")),))
    not_agreed = Decision((), (), "", "model", steps=(Step("minilm", ("a",)),))
    assert counts(agreed, not_agreed, not_agreed)["outrider_decision_agreements_total"] == {
        ("travel", "true"): 1.0,
        ("travel", "false"): 2.0,
    }


def test_who_fails_is_counted_and_agrees_with_nobody() -> None:
    failed = Decision(("a",), (), "", "minilm", steps=(Step("model", failed=True),))
    found = counts(failed)
    assert found["outrider_decision_failures_total"] == {("travel", "model"): 1.0}
    assert found["outrider_decision_agreements_total"] == {}
