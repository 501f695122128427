"""Chooses models for requests: reads them, lets the flow of choosing.py run, hears of the answers.

Rule: a request that cannot be read is nobody's to choose for; it goes on as it came, and whoever
sends it says what is wrong with it.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

from dataplane.clock import Clock
from dataplane.llm.hub.request import Request as Asked
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.wire.body import peek
from dataplane.observe.latency import Latencies
from dataplane.observe.record import ExchangeRecord
from dataplane.routing.binding import encode
from dataplane.routing.preference import INLINE, take_out
from dataplane.runtime.choosing import ModelRouting
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.headers import CACHE
from dataplane.runtime.messages import LocalReply, Request
from dataplane.runtime.protocols import Protocol
from dataplane.server.auth.scope import forbidden, permitted
from dataplane.server.choosing import choose, on_answer
from dataplane.server.chosen import Chosen, Setting
from dataplane.server.decision_api import decision_reply
from dataplane.server.downstream import Call
from dataplane.server.perform import Performer
from dataplane.sessions.remembering import Remembering
from dataplane.tasks import Tasks

BIG_BYTES = 128 * 1024
"""Requests from here on are read in a thread: it takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A request that is ready to be relayed."""

    request: Request
    """Without what was meant for us."""
    chosen: Chosen


class Chooser:
    """One per worker."""

    def __init__(
        self, performer: Performer, memory: Remembering, latencies: Latencies, clock: Clock
    ) -> None:
        self._performer = performer
        self._memory = memory
        self._latencies = latencies
        self._clock = clock
        self._tasks = Tasks()
        self._closed = False
        self.outcomes: Counter[str] = Counter()
        """How requests got their models: by `Chosen.outcome`."""

    async def configure(self, config: RuntimeConfig) -> None:
        """Get ready for a new configuration's requests."""
        self._latencies.wanted = config.model_routing.own_latency
        self._latencies.keep(frozenset(config.providers))
        await self._memory.configure(config.model_routing.sessions)

    async def close(self) -> None:
        """After the last request."""
        self._closed = True
        await self._tasks.close()
        await self._memory.close()

    async def choose(self, call: Call, request: Request) -> Choice | LocalReply:
        """The models for a request of a model listener."""
        protocol = call.ask.operation.protocol
        inline = INLINE in request.body
        if protocol is None or not (inline or call.config.model_routing.active):
            return Choice(request, Chosen())
        found = await self.decide(call, request, protocol)
        if isinstance(found, LocalReply):
            return found
        choice, setting = found
        marks = _marks(call.config.model_routing, request)
        chosen, record = replace(choice.chosen, marks=marks), call.record
        self.outcomes[chosen.outcome] += 1
        record.route_preference = chosen.preference
        record.pinned = chosen.pinned
        record.switched = chosen.switched
        record.decision = chosen.reason
        record.attributes = {**record.attributes, **chosen.attributes}
        if isinstance(setting, Setting) and chosen.binding is not None:
            record.then = partial(self._answered, chosen, setting)
        return replace(choice, chosen=chosen)

    async def tell(self, call: Call) -> LocalReply:
        """The answer of the decision API."""
        protocol = call.ask.operation.protocol
        assert protocol is not None, "surface.py offers it for generations only"
        found = await self.decide(call, call.request, protocol, any_model=True)
        if isinstance(found, LocalReply):
            return found
        choice, setting = found
        if isinstance(setting, LocalReply):
            return setting
        record = call.record
        record.model = setting.asked.model
        record.route_preference = choice.chosen.preference
        record.pinned = choice.chosen.pinned
        record.switched = choice.chosen.switched
        record.decision = choice.chosen.reason
        return decision_reply(choice.chosen, record.trace_id)

    async def decide(
        self, call: Call, request: Request, protocol: Protocol, any_model: bool = False
    ) -> tuple[Choice, Setting | LocalReply] | LocalReply:
        """The models, and what they were chosen by, or why the request could not be read."""
        taken = take_out(request.body)
        if isinstance(taken, LocalReply):
            return taken
        request = replace(request, body=taken.body)
        asked = await self._read(call, request, protocol)
        if isinstance(asked, LocalReply):
            return Choice(request, Chosen()), asked
        setting = Setting(
            asked,
            request,
            call.config,
            call.listener,
            self._clock.wall(),
            taken.preferences,
            self._latencies.table(asked.stream),
            any_model,
            call.owner,
        )
        chosen = await self._performer.run(choose(setting), call)
        allowed = permitted(call.listener, call.principal, chosen.models)
        if chosen.models and not allowed:
            return forbidden(chosen.models[0])
        chosen = replace(chosen, models=tuple(allowed))
        return Choice(request, chosen), setting

    async def _read(self, call: Call, request: Request, protocol: Protocol) -> Asked | LocalReply:
        codec = CODECS.get(protocol)
        model, stream = call.ask.model, call.ask.stream
        if model is None:
            found = peek(request.body)
            if isinstance(found, LocalReply):
                return found
            model, stream = found.model or "", found.stream
        assert codec is not None
        if len(request.body) < BIG_BYTES:
            return codec.read_request(request.body, model, stream)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, codec.read_request, request.body, model, stream)

    def _answered(self, chosen: Chosen, setting: Setting, record: ExchangeRecord) -> None:
        """A model has answered, or nobody has: called by the recorder."""
        if self._closed or not 200 <= record.status < 300 or not record.provider:
            return
        setting = replace(setting, now=self._clock.wall())
        tokens = (record.input_tokens, record.output_tokens, record.input_cached_tokens)
        binding = on_answer(chosen, setting, record.provider, tokens).binding
        session = chosen.session
        if binding is None or session is None:
            return
        ttl_s = setting.routing.sessions.ttl_s
        kept = self._memory.remember(session.key, encode(binding), ttl_s)
        self._tasks.start(kept, name="session")


def _marks(routing: ModelRouting, request: Request) -> int:
    """From how many tokens on providers are told what to cache; 0: they are not."""
    caching = routing.caching
    if caching is None or not caching.inject_cache_control:
        return 0
    off = (request.header(CACHE) or "").lower() == "off"
    return 0 if off else caching.min_prefix_tokens
