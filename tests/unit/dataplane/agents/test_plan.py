import pytest

from dataplane.agents.plan import Plan, choose
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind, Route
from dataplane.runtime.decision import AgentScore, Decision, Turn
from dataplane.runtime.effects import Decide
from dataplane.runtime.messages import LocalReply, ResponseDetail
from tests.support.playbook import play

WEATHER = AgentTarget("weather", "Forecasts")
FLIGHTS = AgentTarget("flights", "Flights")
SMALL_TALK = AgentTarget("talk", "Anything else", is_default=True)
ASKED = (Turn("user", "Rain in Oslo?"),)
ASK = Decide("travel", ASKED)


def listener(*targets: AgentTarget) -> Listener:
    routes = tuple(Route(f"travel/{one.agent}", "travel", one) for one in targets)
    return Listener("travel", ListenerKind.AGENT, "127.0.0.1", 0, routes=routes)


def decision(*agents: str, reason: str = "because") -> Decision:
    return Decision(agents, (AgentScore("weather", 0.934), AgentScore("flights", 0.1)), reason, "x")


def test_only_agent_is_chosen_without_asking() -> None:
    plan = play(choose(listener(WEATHER), ASKED))
    assert isinstance(plan, Plan)
    assert plan.targets == (WEATHER,)
    assert plan.decision.method == "only_agent"


def test_agents_run_in_the_order_decided() -> None:
    plan = play(choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("flights", "weather"))
    assert isinstance(plan, Plan)
    assert plan.targets == (FLIGHTS, WEATHER)


def test_agent_decided_twice_or_unknown_here_runs_once_or_not() -> None:
    plan = play(
        choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("gone", "weather", "weather")
    )
    assert isinstance(plan, Plan)
    assert plan.decision.agents == ("weather",)


@pytest.mark.parametrize(
    ("targets", "default"),
    [((WEATHER, FLIGHTS, SMALL_TALK), SMALL_TALK), ((FLIGHTS, WEATHER), FLIGHTS)],
    ids=["the one called default", "else the first"],
)
def test_default_agent_answers_when_none_fits(
    targets: tuple[AgentTarget, ...], default: AgentTarget
) -> None:
    plan = play(choose(listener(*targets), ASKED), ASK, decision(reason="nothing fits"))
    assert isinstance(plan, Plan)
    assert plan.targets == (default,)
    assert plan.decision.reason == f"nothing fits; default agent {default.agent}"


def test_listener_without_agents_says_so() -> None:
    reply = play(choose(listener(), ASKED))
    assert isinstance(reply, LocalReply)
    assert (reply.status, reply.detail) == (404, ResponseDetail.ROUTE_NOT_FOUND)


def test_headers_tell_who_and_why() -> None:
    plan = play(choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("weather"))
    assert isinstance(plan, Plan)
    assert plan.headers() == (
        ("x-outrider-agents", "weather"),
        ("x-outrider-scores", "weather=0.93,flights=0.10"),
        ("x-outrider-reason", "because"),
    )


def test_reason_fits_a_header_whatever_it_says() -> None:
    reason = "caf\u00e9\r\nx: y" + "z" * 1000
    plan = play(choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("weather", reason=reason))
    assert isinstance(plan, Plan)
    told = dict(plan.headers())["x-outrider-reason"]
    assert told.startswith("caf???x: yzzz")
    assert told.endswith("z...")
    assert len(told) == 256
