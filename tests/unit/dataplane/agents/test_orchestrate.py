import msgspec
import pytest

from dataplane.agents.orchestrate import Outcome, Said, orchestrate
from dataplane.agents.plan import Loop, One, Parallel, Plan, Sequence, Shape
from dataplane.agents.run import Bound, Run
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.runtime.config import (
    Agent,
    AgentTarget,
    Filter,
    Listener,
    ListenerKind,
    Route,
    RuntimeConfig,
)
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.effects import (
    AskAgent,
    CallFailed,
    CallHttp,
    Decide,
    Passed,
    PassOn,
    Steps,
    Tell,
    Told,
)
from dataplane.runtime.messages import Headers, HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.running import RunLimits
from tests.support.playbook import play

WEATHER = Agent("weather", "agent:weather", "/w")
FLIGHTS = Agent("flights", "agent:flights")
DESK = Agent("desk", "agent:desk")
CONFIG = RuntimeConfig(
    agents={"weather": WEATHER, "flights": FLIGHTS, "desk": DESK},
    filters={"guard": Filter("guard", "filter:guard", timeout_s=1.0)},
)
QUESTION = {"role": "user", "content": "Rain in Oslo, and flights?"}
ASKED = (Turn("user", "Rain in Oslo, and flights?"),)
BODY = msgspec.json.encode({"model": "m", "messages": [QUESTION], "stream": True})
REQUEST = Request(
    "POST",
    "/v1/chat/completions",
    (("Authorization", "Bearer x"), ("X-Tenant", "t1"), ("x-outrider-agents", "forged")),
    BODY,
)
TOLD: Headers = (("X-Tenant", "t1"), ("content-type", "application/json"))
RAIN = HttpReply(200, body=b'{"choices":[{"message":{"content":"Rain."}}]}')
NONE = HttpReply(200, body=b'{"choices":[{"message":{"content":"None."}}]}')
SAID = {"role": "assistant", "name": "weather", "content": "Rain."}
SAID_NONE = {"role": "assistant", "name": "flights", "content": "None."}


class Played:
    """A plan of these agents, and its run."""

    def __init__(self, shape: Shape, *targets: AgentTarget, **more: object) -> None:
        chat = parse_chat(BODY)
        assert isinstance(chat, ChatRequest)
        limits = more.get("limits", RunLimits())
        assert isinstance(limits, RunLimits)
        agents = tuple(one.agent for one in targets)
        decision = Decision(agents, (), "because", str(more.get("method", "")))
        self.run = Run("r1", 30.0, limits, tells=bool(more.get("tells")))
        extra = (TO_WEATHER, TO_FLIGHTS, TO_DESK)
        known = {one.agent: one for one in (*extra, *targets)}
        routes = tuple(Route(f"travel/{one}", "travel", known[one]) for one in known)
        listener = Listener("travel", ListenerKind.AGENT, "127.0.0.1", 0, routes=routes)
        self.steps = orchestrate(Plan(shape, decision), self.run, chat, REQUEST, CONFIG, listener)


def sequence(*targets: AgentTarget, **more: object) -> Played:
    shape = One(targets[0]) if len(targets) == 1 else Sequence(tuple(map(One, targets)))
    return Played(shape, *targets, **more)


def run(*targets: AgentTarget, **more: object) -> Steps[Outcome]:
    return sequence(*targets, **more).steps


def post(path: str, body: dict[str, object], headers: Headers = TOLD) -> Request:
    return Request("POST", path, headers, msgspec.json.encode(body))


TO_WEATHER = AgentTarget("weather", "")
TO_FLIGHTS = AgentTarget("flights", "")
TO_DESK = AgentTarget("desk", "", is_default=True)
ASK_WEATHER = AskAgent(
    WEATHER,
    post("/w/v1/chat/completions", {"model": "m", "messages": [QUESTION], "stream": False}),
)


def passed_on(agent: Agent, messages: list[dict[str, str]], *, alone: bool = True) -> PassOn:
    path = agent.path_prefix + "/v1/chat/completions"
    body: dict[str, object] = {"model": "m", "messages": messages, "stream": True}
    return PassOn(agent, post(path, body), alone)


def whole(agent: Agent, *messages: dict[str, str]) -> AskAgent:
    path = agent.path_prefix + "/v1/chat/completions"
    return AskAgent(agent, post(path, {"model": "m", "messages": list(messages), "stream": False}))


FAILED = CallFailed(ResponseDetail.UPSTREAM_RESET, "it closed the connection", status=502)


def test_single_agent_gets_the_body_byte_for_byte_and_no_credentials() -> None:
    request = Request("POST", "/w/v1/chat/completions", TOLD, BODY)
    assert play(run(TO_WEATHER), PassOn(WEATHER, request, True), Passed()) == Passed()


def test_last_agent_reads_what_the_one_before_it_said() -> None:
    played = sequence(TO_WEATHER, TO_FLIGHTS)
    last = passed_on(FLIGHTS, [SAID, QUESTION])
    assert play(played.steps, ASK_WEATHER, RAIN, last, Passed()) == Passed()
    assert played.run.answered() == ("weather", "flights")
    assert played.run.told() == ("weather;ok", "flights;ok")


def test_agent_without_words_leaves_no_message() -> None:
    silent = HttpReply(200, body=b'{"choices":[{"message":{"content":null}}]}')
    last = PassOn(FLIGHTS, Request("POST", "/v1/chat/completions", TOLD, BODY), True)
    play(run(TO_WEATHER, TO_FLIGHTS), ASK_WEATHER, silent, last, Passed())


@pytest.mark.parametrize(
    ("reply", "status", "message"),
    [
        (
            HttpReply(429, body=b'{"error":{"message":"slow down"}}'),
            429,
            "Agent 'weather' answered 429: slow down.",
        ),
        (HttpReply(500), 502, "Agent 'weather' answered 500."),
        (HttpReply(302), 502, "Agent 'weather' answered 302."),
        (HttpReply(200, body=b"hi"), 502, "Agent 'weather' answered 200, but it is not JSON."),
        (
            CallFailed(ResponseDetail.UPSTREAM_CONNECT_FAILED, "no connection: refused"),
            502,
            "Agent 'weather' did not answer: no connection: refused.",
        ),
        (
            CallFailed(ResponseDetail.UPSTREAM_CONNECT_TIMEOUT, "too slow", timed_out=True),
            504,
            "Agent 'weather' did not answer: too slow.",
        ),
    ],
    ids=["4xx is kept", "5xx", "3xx", "no answer in it", "unreachable", "timeout"],
)
def test_agent_that_fails_ends_the_request(
    reply: HttpReply | CallFailed, status: int, message: str
) -> None:
    end = play(run(TO_WEATHER, TO_FLIGHTS), ASK_WEATHER, reply)
    assert end == LocalReply(status, message, ResponseDetail.AGENT_FAILED)


def guard(messages: list[dict[str, str]]) -> CallHttp:
    request = post(
        "/v1/chat/completions",
        {"model": "m", "messages": messages},
        (*TOLD, ("accept", "application/json")),
    )
    return CallHttp("filter:guard", request, timeout_s=1.0)


def test_filter_of_an_agent_changes_what_that_agent_reads_and_nobody_else() -> None:
    masked = {"role": "user", "content": "***"}
    last = play(
        run(AgentTarget("weather", "", input_filters=("guard",)), TO_FLIGHTS),
        guard([QUESTION]),
        HttpReply(200, body=msgspec.json.encode({"messages": [masked], "model": "other"})),
        whole(WEATHER, masked),
        RAIN,
        passed_on(FLIGHTS, [SAID, QUESTION]),
        Passed(),
    )
    assert last == Passed()


def test_filter_of_the_last_agent_sees_what_was_said_before() -> None:
    end = play(
        run(TO_WEATHER, AgentTarget("flights", "", input_filters=("guard",))),
        ASK_WEATHER,
        RAIN,
        guard([SAID, QUESTION]),
        HttpReply(403),
    )
    assert isinstance(end, LocalReply)
    assert (end.status, end.detail) == (403, ResponseDetail.FILTER_REFUSED)


def test_filter_that_leaves_no_chat_request_has_failed() -> None:
    end = play(
        run(AgentTarget("weather", "", input_filters=("guard",))),
        guard([QUESTION]),
        HttpReply(200, body=b'{"ok":true}'),
    )
    assert end == LocalReply(
        502,
        "Filter 'guard' spoilt the request. The request is not a chat completion: "
        "Object missing required field `messages`.",
        ResponseDetail.FILTER_FAILED,
    )


def test_what_a_run_may_not_any_more_is_not_begun() -> None:
    played = sequence(TO_WEATHER, TO_FLIGHTS, limits=RunLimits(max_steps=1))
    over = play(played.steps, ASK_WEATHER, RAIN)
    message = "Agent 'flights' was not asked, as the run is over: 1 agents were asked in it."
    assert over == LocalReply(422, message, ResponseDetail.RUN_LIMIT)
    assert played.run.stopped is Bound.STEPS


def test_failed_agent_that_may_be_skipped_leaves_the_others() -> None:
    played = sequence(AgentTarget("weather", "", on_failure=("skip",)), TO_FLIGHTS)
    last = passed_on(FLIGHTS, [QUESTION])
    play(played.steps, ASK_WEATHER, FAILED, last, Passed())
    assert played.run.told() == ("weather;failed=upstream_reset;skipped", "flights;ok")
    assert played.run.answered() == ("flights",)


def test_last_agent_that_is_skipped_leaves_what_was_said_before() -> None:
    skipped = AgentTarget("flights", "", on_failure=("skip",))
    last = passed_on(FLIGHTS, [SAID, QUESTION], alone=False)
    said = play(run(TO_WEATHER, skipped), ASK_WEATHER, RAIN, last, HttpReply(503))
    assert isinstance(said, Said)
    assert [(one.agent, one.text) for one in said.said] == [("weather", "Rain.")]


def test_when_everybody_is_skipped_nobody_has_answered() -> None:
    skipped = AgentTarget("flights", "", on_failure=("skip",))
    last = passed_on(FLIGHTS, [QUESTION], alone=False)
    end = play(run(skipped), last, HttpReply(503))
    assert isinstance(end, LocalReply)
    assert (end.status, end.detail) == (502, ResponseDetail.AGENT_FAILED)


def test_those_who_stand_in_are_asked_in_their_order() -> None:
    played = sequence(AgentTarget("weather", "", on_failure=("flights", "default")), TO_DESK)
    play(
        played.steps,
        ASK_WEATHER,
        FAILED,
        whole(FLIGHTS, QUESTION),
        HttpReply(500),
        whole(DESK, QUESTION),
        RAIN,
        passed_on(DESK, [{**SAID, "name": "desk"}, QUESTION]),
        Passed(),
    )
    assert played.run.told() == (
        "weather;failed=upstream_reset",
        "flights;failed=500;for=weather",
        "desk;ok;for=weather",
        "desk;ok",
    )


def test_when_those_who_stand_in_fail_too_all_of_it_is_told() -> None:
    target = AgentTarget("weather", "", on_failure=("flights",))
    end = play(
        run(target),
        passed_on(WEATHER, [QUESTION], alone=False),
        HttpReply(429, body=b'{"error":{"message":"slow down"}}'),
        passed_on(FLIGHTS, [QUESTION], alone=False),
        FAILED,
    )
    assert end == LocalReply(
        429,
        "Agent 'weather' answered 429: slow down. "
        "Agent 'flights' did not answer: it closed the connection.",
        ResponseDetail.AGENT_FAILED,
    )


def test_refusal_of_a_filter_is_no_failure_of_the_agent() -> None:
    target = AgentTarget("weather", "", input_filters=("guard",), on_failure=("skip",))
    end = play(run(target), guard([QUESTION]), HttpReply(403))
    assert isinstance(end, LocalReply)
    assert end.detail is ResponseDetail.FILTER_REFUSED


def test_agents_of_a_set_are_told_nothing_of_each_other() -> None:
    shape = Sequence((Parallel((TO_WEATHER, TO_FLIGHTS)), One(TO_DESK)))
    played = Played(shape, TO_WEATHER, TO_FLIGHTS, TO_DESK)
    end = play(
        played.steps,
        ASK_WEATHER,
        RAIN,
        whole(FLIGHTS, QUESTION),
        NONE,
        passed_on(DESK, [SAID, SAID_NONE, QUESTION]),
        Passed(),
    )
    assert end == Passed()


def aloud(agent: Agent) -> AskAgent:
    path = agent.path_prefix + "/v1/chat/completions"
    return AskAgent(agent, Request("POST", path, TOLD, BODY), True)


def test_answer_of_a_set_is_what_they_say_in_their_order() -> None:
    played = Played(Parallel((TO_WEATHER, TO_FLIGHTS)), TO_WEATHER, TO_FLIGHTS)
    said = play(played.steps, aloud(WEATHER), RAIN, aloud(FLIGHTS), NONE)
    assert isinstance(said, Said)
    assert [one.text for one in said.said] == ["Rain.", "None."]


def test_set_where_one_may_be_skipped_is_not_heard_before_that_is_known() -> None:
    skipped = AgentTarget("flights", "", on_failure=("skip",))
    played = Played(Parallel((TO_WEATHER, skipped)), TO_WEATHER, skipped)
    said = play(played.steps, ASK_WEATHER, RAIN, whole(FLIGHTS, QUESTION), FAILED)
    assert isinstance(said, Said)
    assert [one.agent for one in said.said] == ["weather"]


def test_one_of_a_set_that_fails_ends_the_run() -> None:
    played = Played(Parallel((TO_WEATHER, TO_FLIGHTS)), TO_WEATHER, TO_FLIGHTS)
    end = play(played.steps, aloud(WEATHER), HttpReply(500))
    assert isinstance(end, LocalReply)
    assert end.message == "Agent 'weather' answered 500."


def again(*said: tuple[str, str]) -> Decide:
    return Decide("travel", ASKED, tuple(Turn("assistant", text, name) for name, text in said))


def chosen(*agents: str, method: str = "model") -> Decision:
    return Decision(agents, (), "because", method)


def loop(**more: object) -> Played:
    return Played(Loop(TO_WEATHER), TO_WEATHER, TO_FLIGHTS, **more)


def test_loop_goes_on_until_nobody_is_named() -> None:
    said = play(
        loop(method="model").steps,
        ASK_WEATHER,
        RAIN,
        again(("weather", "Rain.")),
        chosen("flights"),
        whole(FLIGHTS, SAID, QUESTION),
        NONE,
        again(("weather", "Rain."), ("flights", "None.")),
        chosen(),
    )
    assert isinstance(said, Said)
    assert [one.text for one in said.said] == ["None."]


def test_last_of_a_loop_is_passed_on_where_that_is_known_before() -> None:
    end = play(
        loop(method="minilm").steps,
        ASK_WEATHER,
        RAIN,
        again(("weather", "Rain.")),
        chosen("flights", method="minilm"),
        passed_on(FLIGHTS, [SAID, QUESTION]),
        Passed(),
    )
    assert end == Passed()


def test_loop_that_may_not_go_on_ends_with_what_was_said() -> None:
    played = loop(method="model", limits=RunLimits(max_repeats=1))
    said = play(played.steps, ASK_WEATHER, RAIN, again(("weather", "Rain.")), chosen("weather"))
    assert isinstance(said, Said)
    assert played.run.stopped is Bound.REPEATS


def test_loop_ends_where_the_client_has_to_do_something() -> None:
    called = b'{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}'
    body = (
        b'{"choices":[{"index":0,"finish_reason":"tool_calls",'
        b'"message":{"role":"assistant","content":null,"tool_calls":[%b]}}]}' % called
    )
    said = play(loop(method="model").steps, ASK_WEATHER, HttpReply(200, body=body))
    assert isinstance(said, Said)
    assert said.said[0].calls_tools


def test_progress_is_told_to_who_asked_for_it() -> None:
    played = sequence(TO_WEATHER, TO_FLIGHTS, tells=True)
    play(
        played.steps,
        Tell("decided", agent="weather,flights", why="because"),
        Told(),
        Tell("started", 1, "weather"),
        Told(),
        ASK_WEATHER,
        RAIN,
        Tell("answered", 1, "weather", text="Rain."),
        Told(),
        Tell("started", 2, "flights"),
        Told(),
        passed_on(FLIGHTS, [SAID, QUESTION]),
        Passed(),
    )


def looping(*parts: One | Parallel | Loop, **more: object) -> Steps[Outcome]:
    return Played(Sequence(parts), TO_WEATHER, TO_FLIGHTS, **more).steps


PAIR = Loop(TO_WEATHER, (TO_WEATHER, TO_FLIGHTS))
NAMES = ("weather", "flights")


def test_loop_in_the_middle_is_heard_whole_by_who_comes_after_it() -> None:
    said_none = Turn("assistant", "None.", "flights")
    end = play(
        looping(PAIR, One(TO_DESK)),
        Decide("travel", ASKED, (), NAMES),
        chosen("flights"),
        whole(FLIGHTS, QUESTION),
        NONE,
        Decide("travel", ASKED, (said_none,), NAMES),
        chosen("weather"),
        whole(WEATHER, SAID_NONE, QUESTION),
        RAIN,
        Decide("travel", ASKED, (said_none, Turn("assistant", "Rain.", "weather")), NAMES),
        chosen(),
        passed_on(DESK, [SAID_NONE, SAID, QUESTION]),
        Passed(),
    )
    assert end == Passed()


def test_loop_where_nobody_is_named_begins_with_its_first() -> None:
    said = play(
        looping(PAIR),
        Decide("travel", ASKED, (), NAMES),
        chosen(),
        ASK_WEATHER,
        RAIN,
        Decide("travel", ASKED, (Turn("assistant", "Rain.", "weather"),), NAMES),
        chosen("desk"),
    )
    assert isinstance(said, Said), "the desk is none of them"
    assert [one.text for one in said.said] == ["Rain."]


def test_agent_before_a_loop_is_what_it_decides_by() -> None:
    end = play(
        looping(One(TO_WEATHER), PAIR),
        ASK_WEATHER,
        RAIN,
        Decide("travel", (Turn("assistant", "Rain.", "weather"), *ASKED), (), NAMES),
        chosen("flights", method="minilm"),
        passed_on(FLIGHTS, [SAID, QUESTION]),
        Passed(),
    )
    assert end == Passed()
