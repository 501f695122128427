"""An agent listener's request: given to the agents that the router chose, the last one's answer
streamed.

Rule: what the client gets is whole or recognisably not. Everything before the first byte can still
become an error; after it, an upstream that breaks off breaks the client's answer off too.
"""

from collections.abc import Callable
from functools import partial

from dataplane.agents.explained import explained, in_a_header
from dataplane.agents.orchestrate import Said, orchestrate
from dataplane.agents.plan import FIXED, ONLY_AGENT, Plan, choose, resumed
from dataplane.agents.run import MAX_TOLD, Run
from dataplane.agents.spoken import Saying, joined
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.runtime.effects import Passed
from dataplane.runtime.messages import Headers, LocalReply, Request
from dataplane.server.answering import Answering, overhears, tells
from dataplane.server.conducting import Conducting, Means
from dataplane.server.conversations import Conversations
from dataplane.server.downstream import Call, Downstream
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.limiter import Asked
from dataplane.server.limits.matching import Caller, Place
from dataplane.server.tickets import begun

DECISION = "x-outrider-decision"
"""Of answers whose client has sent `x-outrider-explain`."""


class Running:
    """Runs agents. One per worker."""

    def __init__(
        self,
        means: Means,
        getrandbits: Callable[[int], int],
        conversations: Conversations,
    ) -> None:
        self._means = means
        self._getrandbits = getrandbits
        self._conversations = conversations

    async def run(self, call: Call, request: Request, downstream: Downstream) -> None:
        """Answer a request that has passed the listener's filters."""
        record = call.record
        chat = parse_chat(request.body)
        if isinstance(chat, LocalReply):
            downstream.reply(chat)
            return
        record.model = chat.model
        record.stream = chat.stream
        tells_it = tells(call, call.listener.running.telling, stream=chat.stream)
        fresh = f"{self._getrandbits(128):032x}"
        overheard = tells_it and overhears(call)
        clock = self._means.clock
        run, call = begun(call, fresh, clock, tells=tells_it, overheard=overheard)
        record.run_id = run.id
        talk = await self._conversations.begin(call, chat)
        talk.joins(run)
        try:
            await self._admitted(talk.call, run, request, talk.told(chat), downstream)
        finally:
            if call.a2a is not None:
                call.a2a.outcome.ended(run)
            self._conversations.end(talk, record, run)

    async def _admitted(
        self, call: Call, run: Run, request: Request, chat: ChatRequest, downstream: Downstream
    ) -> None:
        """As far as the listener's limits allow it."""
        if call.limiter is None:
            await self._run_agents(call, run, request, chat, downstream)
            return
        place = Place(call.listener.name, chat.model, "")
        caller = Caller(call.principal, call.request.header)
        asked = Asked(place, caller, request.body, None, call.ask.shape)
        found = await call.limiter.admitted(asked)
        if isinstance(found, LocalReply):
            downstream.reply(found)
        elif found is None:
            await self._run_agents(call, run, request, chat, downstream)
        else:
            try:
                await self._run_agents(call, run, request, chat, downstream, found)
            finally:
                found.settle(call.record)

    async def _run_agents(
        self,
        call: Call,
        run: Run,
        request: Request,
        chat: ChatRequest,
        downstream: Downstream,
        charge: Charge | None = None,
    ) -> None:
        """What was taken of limits is in `charge`."""
        record = call.record
        plan: Plan | LocalReply | None = None
        left = call.resumes
        if left is not None:
            plan = resumed(call.listener, left.agent, left.part, left.agents)
        if plan is None:
            choosing = choose(call.listener, chat.conversation())
            plan = await self._means.performer.run(choosing, call)
        if isinstance(plan, LocalReply):
            downstream.reply(plan)
            return
        record.agents = plan.decision.agents
        if plan.decision.method not in (ONLY_AGENT, FIXED):
            record.decision = plan.decision.reason
        make_saying = partial(self._saying, chat)
        told_of = partial(_told, plan, run, call, charge)
        client = Answering(downstream, call, make_saying, told_of, charge)
        conducting = Conducting(self._means, call, run, client, record)
        steps = orchestrate(plan, run, chat, request, call.config, call.listener)
        outcome = await conducting.drive(steps)
        record.steps, record.versions = run.told(), run.versions()
        match outcome:
            case LocalReply():
                await client.fail(outcome)
            case Said(said):
                record.agents = run.answered()
                await client.end(joined(said))
                client.finish()
            case Passed(broken=broken):
                record.agents = run.answered() or record.agents
                if broken:
                    client.abort()
                else:
                    client.finish()

    def _saying(self, chat: ChatRequest) -> Saying:
        answer_id = f"{self._getrandbits(96):024x}"
        return Saying(chat.body, chat.model, answer_id, int(self._means.clock.wall()))


def _told(plan: Plan, run: Run, call: Call, charge: Charge | None, failed: bool) -> Headers:
    """What headers say of a run."""
    record = call.record
    agents = plan.decision.agents if failed else run.answered() or plan.decision.agents
    headers = (*plan.headers(agents), ("x-outrider-run-id", run.id))
    versions = run.versions()
    if versions:
        headers += (("x-outrider-versions", ",".join(dict.fromkeys(versions))),)
    steps = run.told()
    if steps:
        shown = steps[:MAX_TOLD]
        more = (f"and {len(steps) - MAX_TOLD} more",) if steps[MAX_TOLD:] else ()
        headers += (("x-outrider-steps", ", ".join((*shown, *more))),)
    if run.asker:
        headers += (("x-outrider-asks", run.asker),)
    if run.stopped is not None:
        headers += (("x-outrider-stopped", run.stopped.value),)
    if call.explains:
        why = explained(plan, call.listener, record.decision_s)
        headers += ((DECISION, in_a_header(why)),)
    if record.attempts > 1:
        headers += (("x-outrider-attempts", str(record.attempts)),)
    return headers + charge.headers if charge is not None else headers
