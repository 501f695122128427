import msgspec
import pytest

from dataplane.agents.orchestrate import LastCall, orchestrate
from dataplane.agents.plan import Plan
from dataplane.agents.run import Run
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.runtime.config import Agent, AgentTarget, Filter, RuntimeConfig
from dataplane.runtime.decision import Decision
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.messages import Headers, HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.running import RunLimits
from tests.support.playbook import play

WEATHER = Agent("weather", "agent:weather", "/w")
FLIGHTS = Agent("flights", "agent:flights")
CONFIG = RuntimeConfig(
    agents={"weather": WEATHER, "flights": FLIGHTS},
    filters={"guard": Filter("guard", "filter:guard", timeout_s=1.0)},
)
QUESTION = {"role": "user", "content": "Rain in Oslo, and flights?"}
BODY = msgspec.json.encode({"model": "m", "messages": [QUESTION], "stream": True})
REQUEST = Request(
    "POST",
    "/v1/chat/completions",
    (("Authorization", "Bearer x"), ("X-Tenant", "t1"), ("x-outrider-agents", "forged")),
    BODY,
)
TOLD: Headers = (("X-Tenant", "t1"), ("content-type", "application/json"))
RAIN = HttpReply(200, body=b'{"choices":[{"message":{"content":"Rain."}}]}')
SAID = {"role": "assistant", "name": "weather", "content": "Rain."}


def run(*targets: AgentTarget, limits: RunLimits = RunLimits()) -> Steps[LastCall | LocalReply]:  # noqa: B008
    chat = parse_chat(BODY)
    assert isinstance(chat, ChatRequest)
    plan = Plan(targets, Decision(tuple(one.agent for one in targets), (), "", ""))
    return orchestrate(plan, Run("r1", 30.0, limits), chat, REQUEST, CONFIG)


def post(path: str, body: dict[str, object], headers: Headers = TOLD) -> Request:
    return Request("POST", path, headers, msgspec.json.encode(body))


TO_WEATHER = AgentTarget("weather", "")
TO_FLIGHTS = AgentTarget("flights", "")
ASK_WEATHER = CallHttp(
    "agent:weather",
    post("/w/v1/chat/completions", {"model": "m", "messages": [QUESTION], "stream": False}),
)


def test_single_agent_gets_the_body_byte_for_byte_and_no_credentials() -> None:
    last = play(run(TO_WEATHER))
    assert last == LastCall(WEATHER, Request("POST", "/w/v1/chat/completions", TOLD, BODY))


def test_last_agent_reads_what_the_one_before_it_said() -> None:
    last = play(run(TO_WEATHER, TO_FLIGHTS), ASK_WEATHER, RAIN)
    body: dict[str, object] = {"model": "m", "messages": [SAID, QUESTION], "stream": True}
    assert last == LastCall(FLIGHTS, post("/v1/chat/completions", body))


def test_agent_without_words_leaves_no_message() -> None:
    silent = HttpReply(200, body=b'{"choices":[{"message":{"content":null}}]}')
    last = play(run(TO_WEATHER, TO_FLIGHTS), ASK_WEATHER, silent)
    assert isinstance(last, LastCall)
    assert last.request.body == BODY


@pytest.mark.parametrize(
    ("reply", "status", "message"),
    [
        (
            HttpReply(429, body=b'{"error":{"message":"slow down"}}'),
            429,
            "Agent 'weather' answered 429: slow down",
        ),
        (HttpReply(500), 502, "Agent 'weather' answered 500"),
        (HttpReply(302), 502, "Agent 'weather' answered 302"),
        (HttpReply(200, body=b"hi"), 502, "Agent 'weather' answered 200, but it is not JSON"),
        (
            CallFailed(ResponseDetail.UPSTREAM_CONNECT_FAILED, "no connection: refused"),
            502,
            "Agent 'weather' did not answer: no connection: refused",
        ),
        (
            CallFailed(ResponseDetail.UPSTREAM_CONNECT_TIMEOUT, "too slow", timed_out=True),
            504,
            "Agent 'weather' did not answer: too slow",
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
        CallHttp(
            "agent:weather",
            post("/w/v1/chat/completions", {"model": "m", "messages": [masked], "stream": False}),
        ),
        RAIN,
    )
    assert isinstance(last, LastCall)
    assert msgspec.json.decode(last.request.body)["messages"] == [SAID, QUESTION]


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
    over = play(run(TO_WEATHER, TO_FLIGHTS, limits=RunLimits(max_steps=1)), ASK_WEATHER, RAIN)
    message = "Agent 'flights' was not asked, as the run is over: 1 agents were asked in it."
    assert over == LocalReply(422, message, ResponseDetail.RUN_LIMIT)
