"""The flow of a prompt listener, each outcome, with the world played."""

from dataclasses import replace

import pytest

from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, Request
from dataplane.prompts.state import Remembered
from dataplane.routing.preference import as_competitors
from dataplane.runtime.config import (
    AgentTarget,
    Listener,
    ListenerKind,
    ModelProvider,
    RuntimeConfig,
)
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.effects import CallFailed, CallHttp, CallModel, DecideAmong
from dataplane.runtime.messages import HttpReply, LocalReply, ResponseDetail
from dataplane.runtime.messages import Request as Http
from dataplane.runtime.prompts import Parameter, PromptRules, PromptTarget
from dataplane.runtime.protocols import Protocol
from dataplane.server.prompts.flow import Answered, Outcome, Question, Setting, ToModel, prompted
from tests.support.playbook import play

HOURS = PromptTarget("hours", "Opening hours.", cluster="endpoint:shop", path="/hours")
MOODS = PromptTarget("moods", "Complaints.", system_prompt="Be kind.")
REST = PromptTarget("rest", "All else.", is_default=True, cluster="endpoint:shop", path="/rest")
RULES = PromptRules("You are a clerk.", "caller", embedded=True)
TURNS = (Turn("user", "When do you open?"),)
CALL = CallHttp("endpoint:shop", Http("GET", "/hours", (("accept", "application/json"),)), 10.0)
NO_FIT = Decision((), (), "nobody fits", "bm25")


def setting(
    *targets: PromptTarget, said: str = "When do you open?", embedded: bool = True
) -> Setting:
    listener = Listener(
        "p",
        ListenerKind.PROMPT,
        "127.0.0.1",
        0,
        prompt=replace(RULES, embedded=embedded),
        prompt_targets=targets,
    )
    asked = Request("big", False, Protocol.CHAT, [Message("user", [Text(said)])])
    caller = ModelProvider("caller", "local", "caller", "provider:caller")
    return Setting(asked, listener, RuntimeConfig(providers={"caller": caller}), "call_1")


def choice(*targets: PromptTarget) -> DecideAmong:
    agents = [AgentTarget(one.name, one.description, position=at) for at, one in enumerate(targets)]
    return DecideAmong(as_competitors(agents), 0.5, TURNS)


def chosen(name: str) -> Decision:
    return Decision((name,), (), name, "bm25")


def refusal(status: int, message: str) -> LocalReply:
    return LocalReply(status, message, ResponseDetail.PROMPT_TARGET_FAILED)


def outcome_of(reply: HttpReply | CallFailed, target: PromptTarget = HOURS) -> Outcome:
    """With an API that answers so."""
    return play(prompted(setting(target)), choice(target), chosen(target.name), CALL, reply)


def test_without_targets_nobody_is_asked() -> None:
    assert play(prompted(setting())) == ToModel("You are a clerk.")


def test_what_no_person_has_said_goes_on() -> None:
    envelope = "<system-reminder>Do not forget.</system-reminder>"
    assert play(prompted(setting(HOURS, said=envelope))) == ToModel("You are a clerk.")


def test_answer_of_an_api_is_context() -> None:
    remembered = Remembered("hours", "call_1", "{}", '{"at":9}')
    expected = ToModel("You are a clerk.", 'context: {"at":9}', "hours", remembered)
    assert outcome_of(HttpReply(201, (), b'{"at":9}')) == expected


def test_targets_own_instructions_take_the_place_of_the_files() -> None:
    found = outcome_of(HttpReply(200, (), b"9"), replace(HOURS, system_prompt="Be exact."))
    assert isinstance(found, ToModel)
    assert found.instructions == "Be exact."


def test_answer_may_be_the_clients() -> None:
    reply = HttpReply(200, (("content-type", "text/plain"),), b"at nine")
    found = outcome_of(reply, replace(HOURS, answers_itself=True))
    assert found == Answered(reply, "hours", Remembered("hours", "call_1", "{}", "at nine"))


def test_target_without_an_api_is_instructions_alone() -> None:
    steps = prompted(setting(HOURS, MOODS))
    assert play(steps, choice(HOURS, MOODS), chosen("moods")) == ToModel("Be kind.", target="moods")


def test_failures_are_told() -> None:
    timeout = CallFailed(ResponseDetail.DEADLINE_EXCEEDED, "no answer within 10 s", timed_out=True)
    who = "Prompt target 'hours'"
    assert outcome_of(timeout) == refusal(504, f"{who} did not answer: no answer within 10 s.")
    assert outcome_of(HttpReply(500)) == refusal(502, f"{who} answered 500.")
    assert outcome_of(HttpReply(403)) == refusal(502, f"{who} answered 403.")
    said = HttpReply(404, (), b'{"detail":"closed"}')
    assert outcome_of(said) == refusal(404, f"{who} answered 404: closed")
    packed = HttpReply(200, (("Content-Encoding", "gzip"),), b"\x1f")
    assert outcome_of(packed) == refusal(502, f"{who} answered in gzip, unasked.")


def test_default_target_gets_what_fits_no_other() -> None:
    body = b'{"messages":[{"role":"user","content":"When do you open?"}]}'
    headers = (("accept", "application/json"), ("content-type", "application/json"))
    called = CallHttp("endpoint:shop", Http("POST", "/rest", headers, body), 10.0)
    completion = b'{"choices":[{"message":{"content":"At nine."}}]}'
    steps = prompted(setting(HOURS, REST))
    found = play(steps, choice(HOURS), NO_FIT, called, HttpReply(200, (), completion))
    assert found == ToModel("You are a clerk.", "context: At nine.", "rest")


def test_question_is_asked_when_the_model_has_none() -> None:
    day = Parameter("day", "Which day", required=True)
    target = replace(HOURS, parameters=(day,))
    steps = prompted(setting(target, embedded=False))
    effect = next(steps)
    assert isinstance(effect, CallModel)
    assert effect.provider.cluster == "provider:caller"
    function = b'{"id":"c","type":"function","function":{"name":"hours","arguments":"{}"}}'
    message = b'{"role":"assistant","content":null,"tool_calls":[%b]}' % function
    body = b'{"id":"1","model":"m","choices":[{"index":0,"message":%b}]}' % message
    with pytest.raises(StopIteration) as end:
        steps.send(HttpReply(200, (("content-type", "application/json"),), body))
    words = "To do that I need to know: Which day."
    assert end.value.value == Question(words, "caller", "hours")


def test_without_an_answer_of_the_model_what_needs_nothing_is_called() -> None:
    steps = prompted(setting(HOURS, embedded=False))
    next(steps)
    effect = steps.send(HttpReply(503))
    assert effect == choice(HOURS)
    assert steps.send(chosen("hours")) == CALL


def test_when_both_fail_the_model_of_the_client_answers() -> None:
    steps = prompted(setting(HOURS, embedded=False))
    next(steps)
    steps.send(HttpReply(503))
    with pytest.raises(StopIteration) as end:
        steps.send(CallFailed(ResponseDetail.INTERNAL, "the embedded router failed"))
    assert end.value.value == ToModel("You are a clerk.")
