"""What a prompt listener does with a request before a model answers it. Pure: a flow of effects.

Rule: an API is called only with what it must know, and what it says is passed on truthfully: its
failure ends the request, it is no context. Where no target fits, the model gets what came.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dataplane.llm.chat_answer import answer_text, error_sentence, header
from dataplane.llm.hub.parts import ToolCall
from dataplane.llm.hub.request import Request as Asked
from dataplane.llm.turns import conversation, is_user_turn
from dataplane.prompts.api_call import api_request, rest_request
from dataplane.prompts.asking import Called, Found, Said, question_of, read_found
from dataplane.prompts.state import Remembered
from dataplane.prompts.tools import question, read_arguments
from dataplane.routing.preference import as_competitors
from dataplane.runtime.config import AgentTarget, Listener, RuntimeConfig
from dataplane.runtime.decision import Decision
from dataplane.runtime.effects import CallFailed, CallHttp, DecideAmong, Steps
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.prompts import PromptRules, PromptTarget
from dataplane.server.model_call import NoAnswer, api_of, ask_model

ANSWER_S = 30.0
"""A model that thinks before it calls a tool takes some seconds."""
PASSED_ON = frozenset((400, 404, 409, 410, 413, 422, 429))
"""Statuses of an API that tell the user something; with others it is us who are told."""
CONTEXT = "context: "
"""What an API's words are called, in the user's message: Plano's word."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One request, and what it is decided by."""

    asked: Asked
    """The client's request."""
    listener: Listener
    config: RuntimeConfig
    call_id: str
    """For a call that no model has made."""

    @property
    def rules(self) -> PromptRules:
        """Of the listener."""
        return self.listener.prompt or PromptRules()

    @property
    def choosable(self) -> tuple[PromptTarget, ...]:
        """The default target is for what is left."""
        return tuple(one for one in self.listener.prompt_targets if not one.is_default)


@dataclass(frozen=True, slots=True)
class ToModel:
    """A model answers."""

    instructions: str
    context: str = ""
    """What the user's words are followed by."""
    target: str = ""
    """Who has said that; empty: nobody."""
    remembered: Remembered | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """The user is asked for something."""

    words: str
    model: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """The API's answer is the client's."""

    reply: HttpReply
    target: str
    remembered: Remembered | None = None


Outcome = ToModel | Question | Answered | LocalReply


def prompted(setting: Setting) -> Steps[Outcome]:
    """What becomes of a request."""
    rules, targets = setting.rules, setting.listener.prompt_targets
    if not targets or not is_user_turn(setting.asked):
        return ToModel(rules.system_prompt)
    found = yield from _found(setting)
    match found:
        case Called(target=target, call=call):
            known = read_arguments(target, call.arguments)
            if known.missing:
                words = found.words or question(known.missing)
                return Question(words, rules.function_calling_model, target.name)
            if not target.cluster:
                return ToModel(target.system_prompt, target=target.name)
            request = api_request(target, known.values)
            if isinstance(request, str):
                message = f"Prompt target '{target.name}' cannot be called with such a {request}."
                return LocalReply(400, message, ResponseDetail.PROMPT_TARGET_FAILED)
            return (yield from _api(setting, target, call, request))
        case Said(words=words):
            return Question(words, rules.function_calling_model)
        case LocalReply():
            return found
        case None:
            return (yield from _rest(setting))


def _found(setting: Setting) -> Steps[Found | LocalReply]:
    """The target that is to be called, if any."""
    options, rules = setting.choosable, setting.rules
    if options and rules.embedded:
        chosen = yield from _embedded(setting, options)
        if chosen is not None:
            options = chosen
        if len(options) == 1 and not options[0].parameters:
            return _called(setting, options[0])
    if not options:
        return None
    provider = setting.config.providers.get(rules.function_calling_model)
    api = api_of(provider) if provider is not None else None
    if provider is None or api is None:
        return (yield from _alone(setting, NoAnswer("its provider cannot be asked")))
    asked = question_of(setting.asked, options, provider.model, api[1], rules.forgets_answers)
    answer = yield from ask_model(provider, api[0], asked, ANSWER_S)
    if isinstance(answer, NoAnswer):
        return (yield from _alone(setting, answer))
    return read_found(answer, {one.name: one for one in options})


def _alone(setting: Setting, problem: NoAnswer) -> Steps[Found | LocalReply]:
    """Without a model: the embedded router chooses, and what has to be known must not be much."""
    chosen = yield from _embedded(setting, setting.choosable)
    if not chosen:
        return None
    target = chosen[0]
    if not read_arguments(target, "").missing:
        return _called(setting, target)
    message = (
        f"Prompt target '{target.name}' was not called: "
        f"the model that reads its parameters failed: {problem.reason}."
    )
    status = 504 if problem.timed_out else 502
    return LocalReply(status, message, ResponseDetail.PROMPT_TARGET_FAILED)


def _embedded(
    setting: Setting, options: Sequence[PromptTarget]
) -> Steps[tuple[PromptTarget, ...] | None]:
    """The one that the embedded router chooses, or none; None when it has failed itself."""
    agents = as_competitors(
        AgentTarget(one.name, one.description, position=at, examples=one.examples)
        for at, one in enumerate(options)
    )
    turns = conversation(setting.asked)
    decision = yield DecideAmong(agents, setting.listener.min_confidence, turns)
    if not isinstance(decision, Decision):
        return None
    by_name = {one.name: one for one in options}
    return tuple(by_name[name] for name in decision.agents if name in by_name)[:1]


def _called(setting: Setting, target: PromptTarget) -> Called:
    return Called(target, ToolCall(setting.call_id, target.name, "{}"))


def _api(
    setting: Setting, target: PromptTarget, call: ToolCall, request: Request
) -> Steps[Outcome]:
    reply = yield CallHttp(target.cluster, request, target.timeout_s)
    problem = _problem(target, reply)
    if problem is not None:
        return problem
    assert isinstance(reply, HttpReply)
    text = reply.body.decode("utf-8", "replace")
    arguments = call.arguments or "{}"
    remembered = Remembered(target.name, call.id or setting.call_id, arguments, text)
    if target.answers_itself:
        return Answered(reply, target.name, remembered)
    instructions = target.system_prompt or setting.rules.system_prompt
    return ToModel(instructions, CONTEXT + text, target.name, remembered)


def _rest(setting: Setting) -> Steps[Outcome]:
    """Nothing fits: the default target's, or else the model's."""
    rules = setting.rules
    default = next((one for one in setting.listener.prompt_targets if one.is_default), None)
    if default is None:
        return ToModel(rules.system_prompt)
    instructions = default.system_prompt or rules.system_prompt
    if not default.cluster:
        return ToModel(instructions, target=default.name)
    turns = conversation(setting.asked)
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    reply = yield CallHttp(default.cluster, rest_request(default, messages), default.timeout_s)
    problem = _problem(default, reply)
    if problem is not None:
        return problem
    assert isinstance(reply, HttpReply)
    if default.answers_itself:
        return Answered(reply, default.name)
    return ToModel(instructions, CONTEXT + text_of(reply), default.name)


def text_of(reply: HttpReply) -> str:
    """What an API says: the words of a chat completion, else all of it."""
    words = answer_text(reply)
    return words if isinstance(words, str) and words else reply.body.decode("utf-8", "replace")


def _problem(target: PromptTarget, reply: object) -> LocalReply | None:
    """Why what an API said is no answer."""
    who, detail = f"Prompt target '{target.name}'", ResponseDetail.PROMPT_TARGET_FAILED
    match reply:
        case CallFailed():
            status = 504 if reply.timed_out else 502
            return LocalReply(status, f"{who} did not answer: {reply.message}.", detail)
        case HttpReply(status=status) if 200 <= status < 300:
            encoding = header(reply, "content-encoding").lower()
            if encoding in ("", "identity"):
                return None
            return LocalReply(502, f"{who} answered in {encoding}, unasked.", detail)
        case HttpReply(status=status):
            said = error_sentence(reply)
            message = f"{who} answered {status}: {said}" if said else f"{who} answered {status}."
            return LocalReply(status if status in PASSED_ON else 502, message, detail)
        case _:
            raise AssertionError(reply)
