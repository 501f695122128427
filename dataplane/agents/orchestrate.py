"""A chain of agents: each reads what the ones before it said; the last one is left for the client.

Rule: an answer that the chain needs and does not get ends the request. An error is never passed on
to the next agent as if somebody had said it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dataplane.agents.plan import Plan
from dataplane.agents.prompts import request_to, told_by
from dataplane.agents.run import Run
from dataplane.filters import builtin
from dataplane.filters.api import Context
from dataplane.filters.chain import run_request_chain
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.llm.chat_answer import answer_text, error_sentence
from dataplane.runtime.config import Agent, AgentTarget, Filter, RuntimeConfig
from dataplane.runtime.effects import CallFailed, CallHttp, Steps
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH

RUN_OVER = 422
"""No client tries that again by itself, as it would after a 429 or a 5xx: that costs the same."""


@dataclass(frozen=True, slots=True)
class LastCall:
    """The call whose answer the client gets, as it comes."""

    agent: Agent
    request: Request


def orchestrate(
    plan: Plan, run: Run, chat: ChatRequest, request: Request, config: RuntimeConfig
) -> Steps[LastCall | LocalReply]:
    """Run all agents of the plan but the last.

    `chat` is the body of `request`, which is the client's.
    """
    *before, last = plan.targets
    for target in before:
        refused = _refused(run, target)
        if refused is not None:
            return refused
        said = yield from _ask(target, chat, request, config)
        if isinstance(said, LocalReply):
            return said
        chat = told_by(chat, target.agent, said)
    refused = _refused(run, last)
    if refused is not None:
        return refused
    agent = config.agents[last.agent]
    filtered = yield from _filtered(last, chat, request, config.filters)
    if isinstance(filtered, LocalReply):
        return filtered
    return LastCall(agent, request_to(agent, filtered, request))


def _refused(run: Run, target: AgentTarget) -> LocalReply | None:
    """Why an agent is not asked; else it counts as asked."""
    bound = run.bound(target.agent)
    if bound is None:
        run.asks(target.agent)
        return None
    message = f"Agent '{target.agent}' was not asked, as the run is over: {run.told(bound)}."
    return LocalReply(RUN_OVER, message, ResponseDetail.RUN_LIMIT)


def _ask(
    target: AgentTarget, chat: ChatRequest, request: Request, config: RuntimeConfig
) -> Steps[str | LocalReply]:
    filtered = yield from _filtered(target, chat, request, config.filters)
    if isinstance(filtered, LocalReply):
        return filtered
    agent = config.agents[target.agent]
    reply = yield CallHttp(agent.cluster, request_to(agent, filtered.whole(), request))
    match reply:
        case HttpReply(status=status) if 200 <= status < 300:
            text = answer_text(reply)
            if isinstance(text, str):
                return text
            return _failed(502, agent, f"answered {status}, but {text.reason}")
        case HttpReply(status=status):
            said = error_sentence(reply)
            problem = f"answered {status}: {said}" if said else f"answered {status}"
            return _failed(status if 400 <= status < 500 else 502, agent, problem)
        case CallFailed():
            problem = f"did not answer: {reply.message}"
            return _failed(504 if reply.timed_out else 502, agent, problem)
        case _:
            raise AssertionError(reply)


def _filtered(
    target: AgentTarget, chat: ChatRequest, request: Request, filters: Mapping[str, Filter]
) -> Steps[ChatRequest | LocalReply]:
    """What this agent alone gets to read, after its own filters."""
    if not target.input_filters:
        return chat
    shown = replace(request, path=CHAT_PATH, body=chat.only_messages())
    chain = builtin.filters(target.input_filters, filters)
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
    return LocalReply(502, message, ResponseDetail.FILTER_FAILED)


def _failed(status: int, agent: Agent, problem: str) -> LocalReply:
    return LocalReply(status, f"Agent '{agent.id}' {problem}", ResponseDetail.AGENT_FAILED)
