"""Sessions of agent listeners: looked up before anybody is asked, kept after the answer.

Rule: a session only ever saves work. Without it, or when its store has lost it, versions are worked
out from the conversation and agents are found by the router; no request fails or is told of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as replace_fields

from dataplane.agents.run import Run
from dataplane.agents.session import (
    Session,
    added_up,
    answered,
    asking_of,
    decode,
    encode,
    named,
    waiting,
)
from dataplane.agents.versions import all_chosen
from dataplane.llm.chat import ChatRequest
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.config import Agent, AgentTarget
from dataplane.runtime.headers import AFFINITY
from dataplane.server.downstream import Call
from dataplane.sessions import key as keys
from dataplane.sessions.remembering import Remembering
from dataplane.tasks import Tasks

MAX_JOINED = 10_000
"""Calls of agents remembered here; the store has those before them."""
JOINED_TTL_S = 3600.0


@dataclass(frozen=True, slots=True)
class Talk:
    """One turn of a conversation with agents."""

    call: Call
    """In its config, agents that have versions are the ones that this conversation has."""
    session: keys.Session | None = None
    """None: nothing is to be remembered."""
    before: Session = field(default_factory=Session)
    chosen: Mapping[str, Agent] = field(default_factory=dict)
    """Agents that have versions, by id."""

    def joins(self, run: Run) -> None:
        """This turn is the run. One within another is no account of its own."""
        prices = self.call.config.model_routing.prices
        run.adds_up = bool(self.session is not None and prices and run.depth == 1)

    def told(self, chat: ChatRequest) -> ChatRequest:
        """The request, as whoever chooses reads it: with who has the conversation."""
        session = self.session
        if session is None or not self.before.agents:
            return chat
        turns = named(chat.turns, self.before, explicit=session.explicit)
        return replace(chat, turns=turns)


class Conversations:
    """One per worker."""

    def __init__(
        self, memory: Remembering, wall: Callable[[], float], getrandbits: Callable[[int], int]
    ) -> None:
        self._getrandbits = getrandbits
        self._memory = memory
        self._wall = wall
        self._tasks = Tasks()
        self._joined: set[str] = set()

    async def begin(self, call: Call, chat: ChatRequest) -> Talk:
        """Look up what is remembered."""
        ids = tuple(
            route.target.agent
            for route in call.listener.routes
            if isinstance(route.target, AgentTarget)
        )
        config = call.config
        versioned = [id_ for id_ in ids if config.agents[id_].versions]
        affinity = call.request.header(AFFINITY) or ""
        implicit = len(ids) > 1 or bool(versioned)
        tenant = call.tenant(config.model_routing.sessions.tenant_header)
        session = keys.talk_of(chat.turns, affinity, call.listener.name, tenant, implicit)
        if session is None and not versioned:
            return Talk(call)
        before = Session()
        if session is not None:
            before = decode(await self._memory.recall(session.key))
            if before.run:
                lines = await self._memory.lines(keys.book_of_run(before.run))
                before = added_up(before, lines or ())
            call.record.session = session.id
            call.record.session_tokens = before.tokens
            call.record.session_cost_usd = before.cost_usd
            call.record.pinned = before.turns > 0
        if call.a2a is None:  # (its clients name the task that they go on with)
            explicit = session is not None and session.explicit
            asking = waiting(chat.turns, before, explicit=explicit)
            call = replace(call, resumes=asking) if asking is not None else call
        if not versioned:
            return Talk(call, session, before)
        name = session.key if session is not None else call.request_id
        chosen = all_chosen(config.agents, versioned, name, before.versions)
        config = replace(config, agents={**config.agents, **chosen})
        return Talk(replace(call, config=config), session, before, chosen)

    def end(self, talk: Talk, record: ExchangeRecord, run: Run) -> None:
        """The turn is over: remember it if it was answered."""
        session = talk.session
        if session is None:
            return
        if not 200 <= record.status < 300 or not record.agents:
            if talk.call.resumes is not None:  # a question is answered once, or nobody would get on
                self._keep(talk, session, replace_fields(talk.before, asking=None))
            return
        asked = {id_: talk.chosen[id_].version for id_ in record.agents if id_ in talk.chosen}
        tokens = record.input_tokens + record.output_tokens
        cost_usd, adding = record.side_cost_usd, run.id if run.adds_up else ""
        now = self._wall()
        asking, before = asking_of(run), talk.before
        after = answered(before, record.agents, asked, tokens, now, cost_usd, adding, asking)
        self._keep(talk, session, after)

    def _keep(self, talk: Talk, session: keys.Session, after: Session) -> None:
        ttl_s = talk.call.config.model_routing.sessions.ttl_s
        kept = self._memory.remember(session.key, encode(after), ttl_s)
        self._tasks.start(kept, name="session")

    def joined(self, call: str) -> None:
        """An agent's call has led to calls of its own, that are counted where they are made."""
        if call in self._joined:
            return
        if len(self._joined) >= MAX_JOINED:
            self._joined.clear()
        self._joined.add(call)
        kept = self._memory.remember(keys.key_of_call(call), b"1", JOINED_TTL_S)
        self._tasks.start(kept, name="call within a run")

    def spent(self, run: str, cost_usd: float, ttl_s: float) -> None:
        """A request within a run has cost so much; see accounts.py."""
        name, line = f"{self._getrandbits(64):016x}", b"%.9f" % cost_usd
        kept = self._memory.note(keys.book_of_run(run), name, line, ttl_s)
        self._tasks.start(kept, name="cost within a run")

    async def has_joined(self, call: str) -> bool:
        """Whether it has, in any worker that shares our store."""
        return call in self._joined or bool(await self._memory.recall(keys.key_of_call(call)))

    async def close(self) -> None:
        """After the last request."""
        await self._tasks.close()
