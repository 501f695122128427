"""One agent of a plan, asked; and who stands in for it when it fails, as the operator has said.

Rule: no error is ever taken for an answer, and none is hidden: each attempt is a step of the run.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from dataplane.agents.plan import default_of
from dataplane.agents.run import Bound, Run, Step
from dataplane.agents.spoken import Spoken, spoken
from dataplane.agents.versions import others
from dataplane.filters import builtin
from dataplane.filters.api import Context
from dataplane.filters.chain import run_request_chain
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.llm.chat_answer import error_sentence
from dataplane.runtime.config import Agent, AgentTarget, Listener, RuntimeConfig
from dataplane.runtime.effects import CallFailed, Passed, Reply, Steps, Tell
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH
from dataplane.runtime.running import DEFAULT, OTHER_VERSION, SKIP

RUN_OVER = 422
"""No client tries that again by itself, as it would after a 429 or a 5xx: that costs the same."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nobody has answered, and it goes on without."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An agent has not answered."""

    why: str
    """In one word."""
    reply: LocalReply
    """If it ends the run."""


SKIPPED = Skipped()
Asking = Callable[[Agent, ChatRequest], Steps[T | Failure]]


@dataclass(frozen=True, slots=True)
class Team:
    """The agents that a run may ask, and on whose behalf."""

    run: Run
    request: Request
    """The client's."""
    config: RuntimeConfig
    listener: Listener
    targets: Mapping[str, AgentTarget]


def until_answered(
    team: Team, target: AgentTarget, chat: ChatRequest, ask: Asking[T]
) -> Steps[T | Skipped | LocalReply]:
    """Ask an agent, then who stands in for it, one after the other."""
    run = team.run
    failures: list[LocalReply] = []
    for acting, agent in _acting(team, target):
        bound = run.bound(acting.agent)
        if bound is not None and not failures:
            return _over(run, acting, bound)
        if bound is not None:
            continue
        shown = yield from _filtered(team, acting, chat)
        if isinstance(shown, LocalReply):
            return shown
        step = run.asks(acting.agent, target.agent if acting is not target else "", agent.version)
        yield from _tell(run, "started", step)
        found = yield from ask(agent, shown)
        if not isinstance(found, Failure):
            yield from _answered(run, step, found)
            return found
        step.why = found.why
        failures.append(found.reply)
        yield from _tell(run, "failed", step)
    if SKIP in target.on_failure:
        run.skipped(target.agent)
        yield from _tell(run, "skipped", run.steps[-1])
        return SKIPPED
    return replace(failures[0], message=" ".join(one.message for one in failures))


def _acting(team: Team, target: AgentTarget) -> Iterator[tuple[AgentTarget, Agent]]:
    """An agent and those who stand in for it, in the operator's order, each once."""
    agents = team.config.agents
    named = {agents[target.agent].label: (target, agents[target.agent])}
    for word in target.on_failure:
        if word == SKIP:
            break
        if word == OTHER_VERSION:
            named |= {one.label: (target, one) for one in others(agents[target.agent])}
            continue
        one = default_of(team.listener) if word == DEFAULT else team.targets.get(word)
        if one is not None:
            named.setdefault(agents[one.agent].label, (one, agents[one.agent]))
    yield from named.values()


def _answered(run: Run, step: Step, found: object) -> Steps[None]:
    if isinstance(found, Passed):
        step.why = found.broken or (str(found.status) if found.status >= 400 else "")
        step.ok = not step.why
    else:
        step.ok = True
    if isinstance(found, Spoken):
        yield from _tell(run, "answered", step, found.text)


def _tell(run: Run, event: str, step: Step, text: str = "") -> Steps[None]:
    if run.tells:
        yield Tell(event, step.number, step.agent, step.why, text)


def failure_of(agent: Agent, reply: Reply, *, on_the_way: bool) -> Failure:
    """Why an agent's reply is no answer."""
    match reply:
        case HttpReply(status=status) if 200 <= status < 300:
            said = spoken(agent.id, reply)
            reason = "it is of another type" if isinstance(said, Spoken) else said.reason
            problem = f"answered {status}, but {reason}"
            return Failure("unreadable", _failed(502, agent, problem))
        case HttpReply(status=status):
            told = error_sentence(reply)
            problem = f"answered {status}: {told.rstrip('.')}" if told else f"answered {status}"
            status_told = status if 400 <= status < 500 else 502
            return Failure(str(status), _failed(status_told, agent, problem))
        case CallFailed(detail=detail):
            status = reply.status or (504 if reply.timed_out else 502)
            failed = _failed(status, agent, f"did not answer: {reply.message}")
            failed = replace(failed, filter=reply.filter)
            if on_the_way and detail is not ResponseDetail.RUN_LIMIT:
                return Failure(detail.value, failed)
            return Failure(detail.value, replace(failed, detail=detail))
        case _:
            raise AssertionError(reply)


def _filtered(
    team: Team, target: AgentTarget, chat: ChatRequest
) -> Steps[ChatRequest | LocalReply]:
    """What this agent alone gets to read, after its own filters."""
    if not target.input_filters:
        return chat
    shown = replace(team.request, path=CHAT_PATH, body=chat.only_messages())
    chain = builtin.filters(target.input_filters, team.config.filters)
    context = Context(model=chat.model, stream=chat.stream)
    verdict = yield from run_request_chain(chain, shown, context)
    if isinstance(verdict, LocalReply):
        return verdict
    changed = parse_chat(verdict.request.body)
    if isinstance(changed, LocalReply):
        return spoilt(target.input_filters, changed)
    return chat.with_messages_of(changed)


def spoilt(filters: tuple[str, ...], problem: LocalReply) -> LocalReply:
    """The answer when a chain of filters made something of a request that is none any more."""
    who = f"Filter '{filters[0]}'" if len(filters) == 1 else f"Filters {', '.join(filters)}"
    message = f"{who} spoilt the request. {problem.message}"
    return LocalReply(502, message, ResponseDetail.FILTER_FAILED, filter=", ".join(filters))


def _over(run: Run, target: AgentTarget, bound: Bound) -> LocalReply:
    message = f"Agent '{target.agent}' was not asked, as the run is over: {run.why(bound)}."
    run.stopped = bound
    return LocalReply(RUN_OVER, message, ResponseDetail.RUN_LIMIT)


def _failed(status: int, agent: Agent, problem: str) -> LocalReply:
    return LocalReply(status, f"Agent '{agent.id}' {problem}.", ResponseDetail.AGENT_FAILED)
