"""Who is asked which agents act, played."""

import json
from dataclasses import replace

import pytest

from dataplane.routing.prompt import ask
from dataplane.runtime.config import (
    AgentTarget,
    Listener,
    ListenerKind,
    ModelProvider,
    Route,
    RuntimeConfig,
)
from dataplane.runtime.decision import AgentScore, Decision, Turn
from dataplane.runtime.effects import CallFailed, CallModel, DecideAmong, Effect, Reply
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail
from dataplane.runtime.orchestrator import (
    Orchestrator,
    OrchestratorKind,
    PromptForm,
    RoutingModel,
)
from dataplane.runtime.secret import Secret
from dataplane.server.orchestrating import NOBODY, decide
from tests.support.playbook import play

AGENTS = (AgentTarget("weather", "Rain."), AgentTarget("flights", "Planes."))
ASKED = (Turn("user", "Rain?"),)
CONFIG = RuntimeConfig(
    providers={"m": ModelProvider("m", "openai", "gpt", "provider:m", access_keys=(Secret("k"),))}
)
PLANO = RoutingModel("m", PromptForm.PLANO, timeout_s=3.0)
EMBEDDED = DecideAmong(AGENTS, 0.5, ASKED, 2.0)
DOWN = CallFailed(ResponseDetail.UPSTREAM_CONNECT_FAILED, "refused")
BROKEN = CallFailed(ResponseDetail.INTERNAL, "the embedded router failed")


def listener(kind: OrchestratorKind, model: RoutingModel | None = PLANO) -> Listener:
    routes = tuple(Route(f"l/{one.agent}", "l", one) for one in AGENTS)
    orchestrator = Orchestrator(kind, model)
    return Listener("l", ListenerKind.AGENT, "", 0, routes=routes, orchestrator=orchestrator)


def found(*agents: str, confidence: float = 0.9) -> Decision:
    scores = (AgentScore("weather", 0.9), AgentScore("flights", 0.1))
    return Decision(agents, scores, "it rains", "minilm", confidence, 0.5)


def call(turns: tuple[Turn, ...] = ASKED, **more: object) -> CallModel:
    prompt = ask(PromptForm.PLANO, AGENTS, turns, 8192).user
    said = [{"role": "user", "content": prompt}]
    body = {"model": "gpt", "messages": said, "temperature": 0.01} | more
    headers = (("content-type", "application/json"), ("authorization", "Bearer k"))
    request = Request("POST", "/v1/chat/completions", headers, encoded(body))
    return CallModel(CONFIG.providers["m"], request, 3.0)


def encoded(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def says(text: str, status: int = 200) -> HttpReply:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt"}
    return HttpReply(status, (), encoded(body | {"choices": [choice]}))


def run(of: Listener, *script: Effect | Reply, said: tuple[Turn, ...] = ()) -> Decision:
    return play(decide(of, CONFIG, ASKED, said), *script)


def test_embedded_router_decides_by_default() -> None:
    of = listener(OrchestratorKind.EMBEDDED, None)
    assert run(of, EMBEDDED, found("weather")) == found("weather")


def test_embedded_router_that_breaks_chooses_nobody() -> None:
    decision = run(listener(OrchestratorKind.EMBEDDED, None), EMBEDDED, BROKEN)
    assert (decision.agents, decision.method) == ((), NOBODY)
    assert decision.steps[0].failed


def test_model_decides_agents_and_order() -> None:
    of = listener(OrchestratorKind.MODEL)
    decision = run(of, call(), says('{"route": ["flights", "weather"]}'))
    assert (decision.agents, decision.method) == (("flights", "weather"), "model")
    assert decision.reason == "m chose flights, weather"


def test_model_may_say_that_nobody_fits() -> None:
    decision = run(listener(OrchestratorKind.MODEL), call(), says('{"route": []}'))
    assert (decision.agents, decision.reason) == ((), "m says that no agent fits")


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        pytest.param(DOWN, "the routing model failed: refused", id="down"),
        pytest.param(says("", 503), "it answered 503", id="503"),
        pytest.param(says("I like planes."), "not the JSON", id="prose"),
        pytest.param(HttpReply(200, (), b"{"), "cannot be read", id="garbage"),
    ],
)
def test_model_that_fails_leaves_it_to_the_embedded_router(reply: Reply, why: str) -> None:
    of = listener(OrchestratorKind.MODEL)
    decision = run(of, call(), reply, EMBEDDED, found("weather"))
    assert (decision.agents, decision.method) == (("weather",), "minilm")
    assert why in decision.reason
    assert [one.failed for one in decision.steps] == [True]


def test_when_everything_fails_nobody_is_chosen() -> None:
    decision = run(listener(OrchestratorKind.MODEL), call(), DOWN, EMBEDDED, BROKEN)
    assert (decision.agents, decision.method) == ((), NOBODY)
    assert [one.method for one in decision.steps] == ["model", "embedded"]


def test_cascade_asks_no_model_where_the_router_is_sure() -> None:
    of = listener(OrchestratorKind.CASCADE)
    assert run(of, EMBEDDED, found("weather")).steps == ()


def test_cascade_asks_the_model_where_the_router_is_not_sure() -> None:
    of = listener(OrchestratorKind.CASCADE)
    unsure = found("weather", confidence=0.6)
    decision = run(of, EMBEDDED, unsure, call(), says('{"route": ["flights"]}'))
    assert (decision.agents, decision.method) == (("flights",), "model")
    assert decision.scores == unsure.scores
    assert decision.reason == (
        "m chose flights; minilm would have chosen weather, confidence 0.60 below 0.80"
    )
    (step,) = decision.steps
    assert (step.agents, step.failed) == (("weather",), False)


def test_cascade_keeps_the_routers_decision_when_the_model_fails() -> None:
    of = listener(OrchestratorKind.CASCADE)
    decision = run(of, EMBEDDED, found("weather", confidence=0.6), call(), DOWN)
    assert (decision.agents, decision.method) == (("weather",), "minilm")
    assert decision.reason == "the routing model failed: refused; it rains"


def test_cascade_asks_the_model_when_the_router_breaks() -> None:
    of = listener(OrchestratorKind.CASCADE)
    decision = run(of, EMBEDDED, BROKEN, call(), says('{"route": ["flights"]}'))
    assert (decision.agents, decision.method) == (("flights",), "model")
    assert decision.steps[0].failed


def test_asked_again_the_router_leaves_out_who_has_answered() -> None:
    of = listener(OrchestratorKind.EMBEDDED, None)
    said = (Turn("assistant", "Rain.", "weather"),)
    both = found("weather", "flights")
    assert run(of, EMBEDDED, both, said=said).agents == ("flights",)
    assert run(of, EMBEDDED, found("weather"), said=said).agents == ()


def test_asked_again_the_model_sees_what_was_said() -> None:
    said = (Turn("assistant", "Rain.", "weather"),)
    of = listener(OrchestratorKind.MODEL)
    decision = run(of, call((*ASKED, *said)), says('{"route": []}'), said=said)
    assert decision.agents == ()


def test_generic_form_asks_for_a_schema_and_without_it_when_that_is_refused() -> None:
    model = replace(PLANO, form=PromptForm.GENERIC)
    steps = decide(listener(OrchestratorKind.MODEL, model), CONFIG, ASKED)
    first = next(steps)
    assert isinstance(first, CallModel)
    body = json.loads(first.request.body)
    assert [one["role"] for one in body["messages"]] == ["system", "user"]
    assert body["response_format"]["json_schema"]["strict"] is True
    assert "temperature" not in body
    second = steps.send(HttpReply(400, (), b"{}"))
    assert isinstance(second, CallModel)
    assert json.loads(second.request.body) == {
        key: value for key, value in body.items() if key != "response_format"
    }
    with pytest.raises(StopIteration) as end:
        steps.send(says("flights"))
    assert end.value.value.agents == ("flights",)
