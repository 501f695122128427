from dataclasses import replace

import pytest

from dataplane.agents.plan import Loop, One, Parallel, Plan, Sequence, choose, resumed, sets_of
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind, Route
from dataplane.runtime.decision import AgentScore, Decision, Turn
from dataplane.runtime.effects import Decide
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.running import Mode, Part, Running
from tests.support.playbook import play

WEATHER = AgentTarget("weather", "Forecasts")
FLIGHTS = AgentTarget("flights", "Flights")
SMALL_TALK = AgentTarget("talk", "Anything else", is_default=True)
ASKED = (Turn("user", "Rain in Oslo?"),)
ASK = Decide("travel", ASKED)


def listener(*targets: AgentTarget, running: Running | None = None) -> Listener:
    routes = tuple(Route(f"travel/{one.agent}", "travel", one) for one in targets)
    how = running or Running()
    return Listener("travel", ListenerKind.AGENT, "127.0.0.1", 0, running=how, routes=routes)


def decision(*agents: str, reason: str = "because") -> Decision:
    return Decision(agents, (AgentScore("weather", 0.934), AgentScore("flights", 0.1)), reason, "x")


def test_only_agent_is_chosen_without_asking() -> None:
    plan = play(choose(listener(WEATHER), ASKED))
    assert isinstance(plan, Plan)
    assert plan.shape == One(WEATHER)
    assert plan.decision.method == "only_agent"


def test_agents_run_in_the_order_decided() -> None:
    plan = play(choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("flights", "weather"))
    assert isinstance(plan, Plan)
    assert plan.shape == Sequence((One(FLIGHTS), One(WEATHER)))


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
    assert plan.shape == One(default)
    assert plan.decision.reason == f"nothing fits; default agent {default.agent}"


def test_listener_without_agents_says_so() -> None:
    reply = play(choose(listener(), ASKED))
    assert isinstance(reply, LocalReply)
    assert (reply.status, reply.detail) == (404, ResponseDetail.ROUTE_NOT_FOUND)


def test_headers_tell_who_and_why() -> None:
    plan = play(choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("weather"))
    assert isinstance(plan, Plan)
    assert plan.headers(("weather",)) == (
        ("x-outrider-agents", "weather"),
        ("x-outrider-scores", "weather=0.93,flights=0.10"),
        ("x-outrider-reason", "because"),
    )


def test_reason_fits_a_header_whatever_it_says() -> None:
    reason = "caf\u00e9\r\nx: y" + "z" * 1000
    plan = play(choose(listener(WEATHER, FLIGHTS), ASKED), ASK, decision("weather", reason=reason))
    assert isinstance(plan, Plan)
    told = dict(plan.headers(("weather",)))["x-outrider-reason"]
    assert told.startswith("caf???x: yzzz")
    assert told.endswith("z...")
    assert len(told) == 256


def decided(running: Running, *agents: str) -> Plan:
    steps = choose(listener(WEATHER, FLIGHTS, SMALL_TALK, running=running), ASKED)
    plan = play(steps, ASK, decision(*agents))
    assert isinstance(plan, Plan)
    return plan


def test_agents_of_a_parallel_listener_answer_at_once() -> None:
    plan = decided(Running(Mode.PARALLEL), "flights", "weather")
    assert plan.shape == Parallel((FLIGHTS, WEATHER))


def test_agent_that_merges_reads_what_a_set_has_said() -> None:
    plan = decided(Running(Mode.PARALLEL, "talk"), "weather", "flights")
    assert plan.shape == Sequence((Parallel((WEATHER, FLIGHTS)), One(SMALL_TALK)))
    assert plan.decision.agents == ("weather", "flights", "talk")


def test_nothing_is_merged_where_one_agent_answers() -> None:
    assert decided(Running(Mode.PARALLEL, "talk"), "weather").shape == One(WEATHER)


def test_loop_begins_with_the_first_that_is_named() -> None:
    assert decided(Running(Mode.LOOP), "flights", "weather").shape == Loop(FLIGHTS)


def test_more_agents_than_allowed_are_left_out_and_that_is_told() -> None:
    plan = decided(Running(max_agents=2), "weather", "flights", "talk")
    assert plan.decision.agents == ("weather", "flights")
    assert plan.decision.reason == "because; the first 2 of 3"


def test_fixed_steps_ask_nobody_who_shall_act() -> None:
    running = Running(parts=(Part(("talk",)), Part(("weather", "flights"), "talk")))
    plan = play(choose(listener(WEATHER, FLIGHTS, SMALL_TALK, running=running), ASKED))
    assert isinstance(plan, Plan)
    parallel = Parallel((WEATHER, FLIGHTS))
    assert plan.shape == Sequence((One(SMALL_TALK), parallel, One(SMALL_TALK)))
    assert plan.decision.agents == ("talk", "weather", "flights", "talk")


def test_fixed_loop_is_of_its_agents_also_of_those_who_are_not_chosen() -> None:
    running = Running(parts=(Part(("flights", "talk"), loop=True), Part(("weather",))))
    made = listener(WEATHER, FLIGHTS, replace(SMALL_TALK, choosable=False), running=running)
    plan = play(choose(made, ASKED))
    assert isinstance(plan, Plan)
    pair = (FLIGHTS, replace(SMALL_TALK, choosable=False))
    assert plan.shape == Sequence((Loop(FLIGHTS, pair), One(WEATHER)))
    assert list(sets_of(made)) == [pair]


def test_no_router_is_made_where_nobody_is_chosen() -> None:
    made = listener(WEATHER, FLIGHTS, running=Running(parts=(Part(("flights",)),)))
    assert list(sets_of(made)) == []


def test_agent_that_only_stands_in_for_another_is_not_chosen() -> None:
    hidden = AgentTarget("backup", "", choosable=False)
    plan = play(choose(listener(WEATHER, hidden), ASKED))
    assert isinstance(plan, Plan)
    assert plan.shape == One(WEATHER)


def test_what_is_left_of_chosen_agents_goes_on_with_who_has_asked() -> None:
    plan = resumed(listener(WEATHER, FLIGHTS, SMALL_TALK), "weather", 0, ("flights", "gone"))
    assert plan is not None
    assert plan.shape == Sequence((One(WEATHER), One(FLIGHTS)))
    assert plan.decision.agents == ("weather", "flights")
    assert plan.decision.method == "resumed"


def test_what_is_left_of_fixed_steps_are_those_after_the_question() -> None:
    running = Running(parts=(Part(("talk",)), Part(("weather", "flights"), "talk")))
    made = listener(WEATHER, FLIGHTS, SMALL_TALK, running=running)
    plan = resumed(made, "flights", 1, ())
    assert plan is not None
    assert (plan.shape, plan.first_part) == (Sequence((One(FLIGHTS), One(SMALL_TALK))), 1)
    last = resumed(made, "talk", 2, ())
    assert last is not None
    assert last.shape == One(SMALL_TALK)


def test_agent_that_is_gone_is_not_answered() -> None:
    assert resumed(listener(WEATHER, FLIGHTS), "talk", 0, ()) is None


def test_reason_says_of_whom_only_the_id_is_known() -> None:
    silent = replace(FLIGHTS, description="")
    plan = play(choose(listener(WEATHER, silent), ASKED), ASK, decision("weather"))
    assert isinstance(plan, Plan)
    assert plan.decision.reason == "because; flights has not said what for"
