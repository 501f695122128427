import json

import pytest

from dataplane.agents.explained import HEADER_REASON, HEADER_SCORES, explained, in_a_header
from dataplane.agents.plan import Loop, One, Parallel, Plan, Sequence, Shape
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind
from dataplane.runtime.decision import AgentScore, Decision, Step
from dataplane.runtime.orchestrator import Orchestrator, OrchestratorKind, RoutingModel

A, B = AgentTarget("a", ""), AgentTarget("b", "")
CASCADE = Orchestrator(OrchestratorKind.CASCADE, RoutingModel("m"), 0.7)
LISTENER = Listener("travel", ListenerKind.AGENT, "", 0, min_confidence=0.4, orchestrator=CASCADE)
STEPS = (Step("minilm", ("b",), 0.5, "not sure"),)
DECISION = Decision(
    ("a",), (AgentScore("a", 0.9), AgentScore("b", 0.2)), "it fits", "model", 0.9, 0.4, STEPS, "b"
)


def test_everything_that_led_to_a_decision_is_told() -> None:
    told = explained(Plan(One(A), DECISION), LISTENER, 0.0123456)
    assert (told.agents, told.by_default, told.shape) == (("a",), False, "one")
    assert (told.orchestrator, told.method, told.confidence) == ("cascade", "model", 0.9)
    assert (told.min_confidence, told.ask_below, told.previous) == (0.4, 0.7, "b")
    assert (told.scores, told.steps, told.seconds) == (DECISION.scores, STEPS, 0.012346)


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        (One(A), "one"),
        (Parallel((A, B)), "parallel"),
        (Sequence((One(A), One(B))), "sequence"),
        (Loop(A), "loop"),
    ],
)
def test_how_agents_act_is_one_word(shape: Shape, word: str) -> None:
    assert explained(Plan(shape, DECISION), LISTENER, 0.0).shape == word


def test_header_is_one_short_line_of_ascii() -> None:
    many = tuple(AgentScore(f"agent-{n}", 1.0) for n in range(100))
    decision = Decision(("a",), many, "Grüße\r\n" * 500, "bm25")
    header = in_a_header(explained(Plan(One(A), decision), LISTENER, 0.0))
    assert header.isascii()
    assert header.isprintable()
    told = json.loads(header)
    assert len(told["scores"]) == HEADER_SCORES
    assert len(told["reason"]) <= HEADER_REASON
