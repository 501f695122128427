"""A plan carried out: who is asked what, who stands in for whom, and what the client gets.

Rule: an answer that the plan needs and does not get ends the run, unless the operator has said what
else to do. An error is never passed on to the next agent as if somebody had said it.
"""

from dataclasses import dataclass

from dataplane.agents.plan import Loop, One, Parallel, Plan, Sequence, targets_of
from dataplane.agents.prompts import request_to, told_by
from dataplane.agents.run import Bound, Left, Run
from dataplane.agents.spoken import Spoken, spoken
from dataplane.agents.team import Failure, Skipped, Team, failure_of, until_answered
from dataplane.llm.chat import ChatRequest
from dataplane.runtime.config import Agent, AgentTarget, Listener, RuntimeConfig
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.effects import (
    AskAgent,
    AtOnce,
    Decide,
    Passed,
    PassOn,
    Reply,
    Steps,
    Tell,
    Together,
)
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail

READS_ANSWERS = "model"
"""Decision.method of an orchestrator that may choose an agent once more, having read its answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the client gets is made of what was said; it was not passed on yet."""

    said: tuple[Spoken, ...]


Outcome = Passed | Said | LocalReply


def orchestrate(
    plan: Plan,
    run: Run,
    chat: ChatRequest,
    request: Request,
    config: RuntimeConfig,
    listener: Listener,
) -> Steps[Outcome]:
    """Carry out a plan. `chat` is the body of `request`, which is the client's."""
    team = Team(run, request, config, listener, targets_of(listener))
    if run.tells:
        agents = ",".join(plan.decision.agents)
        yield Tell("decided", agent=agents, why=plan.decision.reason)
    match plan.shape:
        case One(target):
            return (yield from _answer(team, target, chat, ()))
        case Parallel():
            return (yield from _answer_together(team, plan.shape, chat, ()))
        case Sequence(parts):
            return (yield from _sequence(team, parts, chat, plan.first_part))
        case Loop(among=among):
            decision = None if among else plan.decision
            return (yield from _loop(team, decision, plan.shape, chat))


def _sequence(
    team: Team, parts: tuple[One | Parallel | Loop, ...], chat: ChatRequest, first: int
) -> Steps[Outcome]:
    """:param first: the place of the first of these parts in all of the plan."""
    *earlier, last = parts
    run = team.run
    before: tuple[Spoken, ...] = ()
    for at, part in enumerate(earlier):
        run.left = Left(first + at, _one_by_one(parts[at + 1 :]))
        heard = yield from _hear(team, part, chat)
        if isinstance(heard, LocalReply):
            return heard
        if run.asker:
            run.stopped = Bound.INPUT
            return Said(heard if isinstance(part, Parallel) else heard[-1:])
        for one in heard:
            chat = told_by(chat, one.agent, one.text)
        before = heard or before
    run.left = Left(first + len(earlier))
    match last:
        case One(target):
            return (yield from _answer(team, target, chat, before))
        case Parallel():
            return (yield from _answer_together(team, last, chat, before))
        case Loop():
            return (yield from _loop(team, None, last, chat, before))


def _one_by_one(parts: tuple[One | Parallel | Loop, ...]) -> tuple[str, ...]:
    return tuple(part.target.agent for part in parts if isinstance(part, One))


def _loop(
    team: Team,
    decision: Decision | None,
    loop: Loop,
    chat: ChatRequest,
    before: tuple[Spoken, ...] = (),
) -> Steps[Outcome]:
    """Answers are held until it is known that nobody goes on; where that is known before, the last
    one is passed on.
    """
    ended = yield from _rounds(team, decision, loop, chat, _Last(before))
    if not isinstance(ended, tuple):
        return ended
    said = ended[-1:] or before
    return Said(said) if said else _nobody()


@dataclass(frozen=True, slots=True)
class _Last:
    """A loop whose end is the client's."""

    before: tuple[Spoken, ...]


def _rounds(
    team: Team, decision: Decision | None, loop: Loop, chat: ChatRequest, last: _Last | None
) -> Steps[tuple[Spoken, ...] | Outcome]:
    """What is said in a loop until nobody goes on.

    :param decision: who begins; None: that is still to be decided.
    :param last: it may be passed on; None: others come after it, and hear all of it.
    """
    run = team.run
    among = tuple(one.agent for one in loop.among)
    targets = {one.agent: one for one in loop.among} or team.targets
    conversation = chat.conversation()
    said: list[Turn] = []
    heard: tuple[Spoken, ...] = ()
    target = loop.first
    if decision is None:
        decision = yield from _goes_on(team, conversation, said, among)
        target = next((targets[one] for one in decision.agents if one in targets), target)
    while True:
        if last and decision.method != READS_ANSWERS and len(decision.agents) == 1:
            return (yield from _answer(team, target, chat, heard[-1:] or last.before))
        one = yield from _ask(team, target, chat)
        if isinstance(one, LocalReply):
            return one
        if isinstance(one, Skipped):
            said.append(Turn("assistant", "", target.agent))
        else:
            heard = (*heard, one)
            said.append(Turn("assistant", one.text, one.agent))
            chat = told_by(chat, one.agent, one.text)
            if one.calls_tools or run.asker:
                return heard
        decision = yield from _goes_on(team, conversation, said, among)
        going_on = [targets[name] for name in decision.agents if name in targets]
        run.stopped = run.bound(going_on[0].agent) if going_on else None
        if not going_on or run.stopped is not None:
            return heard
        target = going_on[0]


def _goes_on(
    team: Team, conversation: tuple[Turn, ...], said: list[Turn], among: tuple[str, ...]
) -> Steps[Decision]:
    reply = yield Decide(team.listener.name, conversation, tuple(said), among)
    assert isinstance(reply, Decision)
    return reply


def _hear(
    team: Team, part: One | Parallel | Loop, chat: ChatRequest
) -> Steps[tuple[Spoken, ...] | LocalReply]:
    """What the agents of a part say to those who come after them."""
    match part:
        case Parallel(targets):
            reply = yield AtOnce(tuple(_ask(team, target, chat) for target in targets))
            return _heard(reply)
        case Loop():
            ended = yield from _rounds(team, None, part, chat, None)
            assert isinstance(ended, tuple | LocalReply), "only the last one is passed on"
            return ended
        case One(target):
            heard = yield from _ask(team, target, chat)
    if isinstance(heard, LocalReply):
        return heard
    return () if isinstance(heard, Skipped) else (heard,)


def _heard(reply: Reply) -> tuple[Spoken, ...] | LocalReply:
    assert isinstance(reply, Together)
    refused = [one for one in reply.results if isinstance(one, LocalReply)]
    if refused:
        return refused[0]
    return tuple(one for one in reply.results if isinstance(one, Spoken))


def _answer_together(
    team: Team, part: Parallel, chat: ChatRequest, before: tuple[Spoken, ...]
) -> Steps[Outcome]:
    """What several say is the answer. It is heard at once where all of it must come: then what is
    told of it before stays true.
    """
    aloud = chat.stream and not any(target.on_failure for target in part.targets)
    branches = tuple(_ask(team, target, chat, aloud=aloud) for target in part.targets)
    reply = yield AtOnce(branches, aloud)
    heard = _heard(reply)
    if isinstance(heard, LocalReply):
        return heard
    return Said(heard or before) if heard or before else _nobody()


def _ask(
    team: Team, target: AgentTarget, chat: ChatRequest, *, aloud: bool = False
) -> Steps[Spoken | Skipped | LocalReply]:
    """What an agent says, or who stands in for it."""
    overheard = team.run.overheard and not aloud
    if not aloud:
        chat = chat.with_usage() if overheard else chat.whole()
    stream = aloud or overheard

    def ask(agent: Agent, shown: ChatRequest) -> Steps[Spoken | Failure]:
        reply = yield AskAgent(agent, request_to(agent, shown, team.request), stream)
        if isinstance(reply, HttpReply) and 200 <= reply.status < 300:
            said = spoken(agent.id, reply)
            if isinstance(said, Spoken):
                return said
        return failure_of(agent, reply, on_the_way=True)

    return (yield from until_answered(team, target, chat, ask))


def _answer(
    team: Team, target: AgentTarget, chat: ChatRequest, before: tuple[Spoken, ...]
) -> Steps[Outcome]:
    """The client gets what an agent says, as it comes.

    :param before: what it gets when the agent is skipped.
    """
    alone = not target.on_failure

    def ask(agent: Agent, shown: ChatRequest) -> Steps[Passed | Failure]:
        reply = yield PassOn(agent, request_to(agent, shown, team.request), alone)
        return reply if isinstance(reply, Passed) else failure_of(agent, reply, on_the_way=False)

    outcome = yield from until_answered(team, target, chat, ask)
    if isinstance(outcome, Skipped):
        return Said(before) if before else _nobody()
    return outcome


def _nobody() -> LocalReply:
    message = "No agent has answered, and all of them may be skipped."
    return LocalReply(502, message, ResponseDetail.AGENT_FAILED)
