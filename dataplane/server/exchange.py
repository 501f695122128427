"""Read this file first: one request that needs more than bytes, to the end of its answer.

A model listener's request passes its filters, is joined to what was said before (Responses), gets
the models that are chosen for it, and goes on as the relay does. An agent listener's request passes
the listener's filters and goes on in running.py.

Rule: a filter has the first word, and what it refuses or spoils reaches nobody behind it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from dataplane.clock import Clock
from dataplane.filters.api import Filter
from dataplane.filters.builtin import passed_over
from dataplane.llm import kept
from dataplane.llm.wire.body import peek
from dataplane.llm.wire.peek import Peek
from dataplane.observe.latency import Latencies
from dataplane.observe.metrics import Metrics
from dataplane.observe.tracing import Tracer
from dataplane.routing.match import match_model
from dataplane.runtime.config import Filter as FilterSpec
from dataplane.runtime.config import ListenerKind, Route, RuntimeConfig
from dataplane.runtime.effects import CallFailed
from dataplane.runtime.headers import for_client
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.server.a2a.agents import A2aAgents
from dataplane.server.a2a.listener import A2aListener
from dataplane.server.admitting import filtered
from dataplane.server.asking import Asking
from dataplane.server.chooser import Chooser
from dataplane.server.conducting import Means
from dataplane.server.conversations import Conversations
from dataplane.server.downstream import Call, Downstream
from dataplane.server.explaining import Explaining
from dataplane.server.keepers import keepers
from dataplane.server.keeping import Keeper
from dataplane.server.outside.outside import Outside
from dataplane.server.perform import Decider, Performer, identified
from dataplane.server.prompts.prompting import Prepared, Prompting
from dataplane.server.responses import Continued, ResponsesState, Settled
from dataplane.server.running import Running
from dataplane.server.shadowing import Shadows
from dataplane.server.sieve import sieve_of
from dataplane.server.spoken import Speaking
from dataplane.server.surface import Stored, meant, nothing_at
from dataplane.server.tickets import Tickets
from dataplane.sessions.remembering import Remembering
from dataplane.upstream.client import UpstreamClient

NOT_FOUND = 404


class Exchange:
    """Answers on agent listeners; on model listeners what filters, the choice of a model or kept
    responses have a say in. One per worker.
    """

    def __init__(
        self,
        client: UpstreamClient,
        decider: Decider,
        tracer: Tracer,
        clock: Clock,
        memory: Remembering,
        latencies: Latencies,
        responses: ResponsesState,
        asking: Asking,
        getrandbits: Callable[[int], int],
        tickets: Tickets,
        shadows: Shadows,
        a2a: A2aAgents,
        outside: Outside,
    ) -> None:
        self._a2a = A2aListener(self._ask_in_chat, a2a, memory, clock)
        self._client = client
        self._memory = memory
        self._tickets = tickets
        self._shadows = shadows
        self._clock = clock
        self._decider = decider
        self._tracer = tracer
        self.performer = Performer(
            client, decider, tracer, clock, memory, outside, asking.standings
        )
        """Carries out what filters and runs ask for."""
        self._conversations = Conversations(memory, clock.wall, getrandbits)
        tickets.on_joined = self._conversations.joined
        tickets.on_spent = self._conversations.spent
        means = Means(self.performer, asking, clock, tickets, self._conversations, shadows)
        self._running = Running(means, getrandbits, self._conversations)
        self._explaining = Explaining(self.performer, clock, getrandbits)
        self.explain = self._explaining.explain
        self._speaking = Speaking(clock, getrandbits)
        self._responses = responses
        self._prompting = Prompting(self.performer, clock, getrandbits)
        self._outside = outside
        self._filters: Mapping[str, FilterSpec] = {}
        """Of the configuration of now."""
        self._chooser = Chooser(self.performer, memory, latencies, clock)

    def observe(self, metrics: Metrics) -> None:
        """Lend what there is to know."""
        self._outside.measure(metrics)
        metrics.gauge(
            "outrider_model_choices",
            "How requests got their models since the start; words of the budget are its verdicts.",
            ("outcome",),
            lambda: {(word,): float(count) for word, count in self._chooser.outcomes.items()},
        )
        metrics.gauge(
            "outrider_session_failures",
            "Times that the store of sessions could not be asked since the start.",
            (),
            lambda: {(): float(self._memory.failures)},
        )
        metrics.counter(
            "outrider_run_headers_total",
            "Requests with x-outrider-run: they joined their run (joined), which is over (expired),"
            " or whose ticket was sealed by no key of ours (unknown).",
            ("outcome",),
            lambda: {(word,): float(count) for word, count in self._tickets.outcomes.items()},
        )
        metrics.counter(
            "outrider_filter_failures_passed_total",
            "Times that a filter with `failure_mode: open` has failed, and what it has not seen"
            " went on, since its configuration last changed.",
            ("filter",),
            lambda: passed_over(self._filters),
        )
        self.performer.decisions.measure(metrics)
        self.performer.side_models.measure(metrics)

    async def configure(self, config: RuntimeConfig) -> None:
        """Get ready for a new configuration's requests; those under way are not touched. Raises
        UnusableFilesError with nothing changed.
        """
        self._a2a.configure(config)
        self._filters = config.filters
        self._decider.configure(config)
        self._explaining.configure(config)
        await self._chooser.configure(config)
        await self._responses.configure(config)
        await self._outside.configure(config)
        await self._tracer.configure(config.tracing)

    async def close(self) -> None:
        """After the last request: close connections, stop threads, send the last spans."""
        await self._shadows.close()
        await self._conversations.close()
        await self._a2a.close()
        await self._chooser.close()
        await self._responses.close()
        await self._decider.close()
        await self._outside.close()
        await self._tracer.close()

    async def run(self, call: Call, downstream: Downstream) -> None:
        """Answer one request. Cancel it when the client has left: everything upstream stops."""
        if call.listener.kind is ListenerKind.MCP:
            path = call.request.path
            downstream.reply(nothing_at(path, meant(path, call.listener.kind)))
            return
        if call.ask.a2a:
            await self._a2a.run(call, downstream)
            return
        if call.ask.decides:
            asked = self._explaining if call.listener.kind is ListenerKind.AGENT else self._chooser
            downstream.reply(await asked.tell(call))
            return
        if call.ask.stored is not None:
            answer = await self._responses.answer(call, call.ask.stored)
            downstream.reply(answer or await self._ask_keepers(call, call.ask.stored))
            return
        admitted = call.admitted
        if admitted is not None and not admitted.needs_more:
            assert isinstance(admitted.outcome, LocalReply), "a request is relayed (filtering.py)"
            await self._reply(call, admitted.outcome, admitted.output, downstream)
            return
        turn: Continued | LocalReply
        if admitted is not None:
            turn = await self._continued(call, admitted.outcome)
        else:
            if call.listener.filters:
                _learn(call)
            turn = await self._continued(call, call.request)
            if isinstance(turn, Continued):
                names = call.listener.input_filters
                turn = turn.as_left(await self._filtered(call, turn.request, names))
        if isinstance(turn, LocalReply):
            await self._reply(call, turn, call.listener.output_filters, downstream)
        elif call.listener.kind is ListenerKind.PROMPT:
            prepared = await self._prompting.prepare(call, turn.request, downstream)
            if isinstance(prepared, LocalReply):
                self._sifted(call, Settled(turn.request), call.listener.output_filters, downstream)
                downstream.reply(prepared)
            else:
                # What targets have said belongs to the conversation, so that is kept as it is now.
                turn = Continued(prepared.request, turn.found)
                await self._ask_models(call, prepared, turn, downstream)
        elif call.listener.kind is ListenerKind.MODEL:
            await self._ask_models(call, Prepared(turn.request), turn, downstream)
        else:
            await self._ask_agents(call, turn, downstream)

    async def _continued(self, call: Call, request: Request | LocalReply) -> Continued | LocalReply:
        """The request with what was said before it, which filters see like the rest of it."""
        if isinstance(request, LocalReply) or not call.ask.remembers:
            return request if isinstance(request, LocalReply) else Continued(request)
        return await self._responses.continued(call, request)

    async def _ask_in_chat(self, call: Call, downstream: Downstream) -> None:
        """What was asked in another way than by one of our APIs."""
        if call.listener.filters:
            _learn(call)
        request = await self._filtered(call, call.request, call.listener.input_filters)
        if isinstance(request, LocalReply):
            downstream.reply(request)
        else:
            await self._ask_agents(call, Continued(request), downstream)

    async def _ask_agents(self, call: Call, turn: Continued, downstream: Downstream) -> None:
        settled: Settled | LocalReply = Settled(turn.request)
        if call.ask.remembers:
            settled = self._responses.settled(call, turn, ())
        if isinstance(settled, LocalReply):
            downstream.reply(settled)
            return
        settled = self._sifted(call, settled, call.listener.output_filters, downstream)
        asked = await self._speaking.in_chat(call, settled, downstream)
        if isinstance(asked, LocalReply):
            downstream.reply(asked)
        else:
            await self._running.run(*asked)

    async def _ask_models(
        self, call: Call, prepared: Prepared, turn: Continued, downstream: Downstream
    ) -> None:
        choice = await self._chooser.choose(call, prepared.request)
        if isinstance(choice, LocalReply):
            downstream.reply(choice)
            return
        chosen = choice.chosen
        routes = self._routes(call, choice.request, chosen.models)
        names = (*routes.output_filters, *call.listener.output_filters)
        ready = await self._filtered(call, choice.request, routes.input_filters)
        if isinstance(ready, LocalReply):
            await self._reply(call, ready, names, downstream)
            return
        models = routes.models
        settled: Settled | LocalReply = Settled(ready)
        if call.ask.remembers:
            turn = replace(turn, request=ready, said=turn.said or choice.request.body)
            settled = self._responses.settled(call, turn, models)
        if isinstance(settled, LocalReply):
            downstream.reply(settled)
            return
        # What a target has said is told past filters, so it is not told where there are any.
        own = prepared.filters if not names else ()
        settled = self._sifted(call, settled, names, downstream, own)
        told = (*prepared.told, *chosen.headers())
        downstream.relay(settled.request, models, settled.keep, told, chosen.marks)

    def _routes(self, call: Call, request: Request, models: Sequence[str]) -> "_Routes":
        """The filters of the routes that a request may take to its models."""
        if not call.listener.filters_routes:
            return _Routes(models)
        wanted: Sequence[str | None] = models
        if not models:
            found = peek(request.body) if call.ask.model is None else None
            named = found.model if isinstance(found, Peek) else call.ask.model
            wanted = (named,)
            models = (named,) if named is not None else ()
        routes = [match_model(call.listener, model) for model in wanted]
        known = [route for route in routes if isinstance(route, Route)]
        return _Routes(
            models,
            tuple(dict.fromkeys(name for route in known for name in route.input_filters)),
            tuple(dict.fromkeys(name for route in known for name in route.output_filters)),
        )

    async def _reply(
        self, call: Call, reply: LocalReply, names: tuple[str, ...], downstream: Downstream
    ) -> None:
        """What a filter answers itself. An answer of a cache passes the output filters as the
        answer did that it repeats."""
        if reply.detail is not ResponseDetail.CACHE_HIT or not names:
            downstream.reply(reply)
            return
        self._sifted(call, Settled(call.request), names, downstream)
        call.record.detail = reply.detail
        downstream.start(reply.status, reply.headers)
        await downstream.write(reply.body or b"")
        downstream.finish()

    def _sifted(
        self,
        call: Call,
        settled: Settled,
        names: tuple[str, ...],
        downstream: Downstream,
        own: Sequence[Filter] = (),
    ) -> Settled:
        """Have the answer pass output filters, and kept as they leave it."""
        if not names and not own:
            return settled
        wall = self._clock.wall
        keeper = None
        if settled.keep is not None:
            keeper = Keeper(settled.keep, call.request_id.encode())
        sieve = sieve_of(call, names, settled.request, self.performer, wall, own, keeper)
        if sieve is None:
            return settled
        downstream.filter(sieve)
        request = settled.request
        headers = tuple(h for h in request.headers if h[0].lower() != "accept-encoding")
        return Settled(replace(request, headers=headers))

    async def _ask_keepers(self, call: Call, stored: Stored) -> LocalReply:
        """Ask the providers that keep responses themselves; the first that knows it answers."""
        failed: CallFailed | None = None
        for provider, request in keepers(call):
            asked = identified(request, call, "")
            reply = await self._client.call(call.config.clusters[provider.cluster], asked)
            if isinstance(reply, CallFailed):
                failed = reply
            elif reply.status != NOT_FOUND:
                call.record.provider = provider.name
                detail = ResponseDetail.VIA_UPSTREAM
                headers = for_client(reply.headers)
                return LocalReply(reply.status, "", detail, headers, reply.body)
        if failed is not None:
            status = 504 if failed.timed_out else 502
            return LocalReply(status, failed.message, failed.detail)
        return kept.unknown(stored.response_id)

    async def _filtered(
        self, call: Call, request: Request, names: tuple[str, ...]
    ) -> Request | LocalReply:
        """The request as input filters leave it."""
        if not names:
            return request
        made = filtered(call.chain(names), request, call.context)
        if isinstance(made, (Request, LocalReply)):
            return made
        return await self.performer.run(made, call)


class _Routes(NamedTuple):
    """What a request passes on its way to its models."""

    models: Sequence[str]
    """Those that are fixed: a filter cannot lead a request past the filters of another route."""
    input_filters: tuple[str, ...] = ()
    output_filters: tuple[str, ...] = ()


def _learn(call: Call) -> None:
    """What the body says that filters want to know."""
    found = peek(call.request.body)
    if call.ask.model is None and not isinstance(found, LocalReply):
        call.context.model, call.context.stream = found.model or "", found.stream
