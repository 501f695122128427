"""Lets the flow of a prompt listener run, and makes of its outcome what the client or a model gets.

Rule: what the client is told is in the words of its own API, whole or as the stream it asked for.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from dataplane.clock import Clock
from dataplane.filters.api import Filter
from dataplane.llm.hub.answer import Answer, Choice
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request as Asked
from dataplane.llm.hub.whole import deltas_of
from dataplane.llm.json_array import in_form
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.wire.body import peek
from dataplane.prompts.state import ours
from dataplane.prompts.telling import Telling
from dataplane.prompts.told import is_no_model, told
from dataplane.routing.match import match_model, upstream_model
from dataplane.runtime.config import ModelTarget
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.downstream import Call, Downstream
from dataplane.server.limits.charge import Charge
from dataplane.server.limits.limiter import Asked as Wanted
from dataplane.server.limits.matching import Caller, Place
from dataplane.server.perform import Performer
from dataplane.server.prompts.flow import (
    Answered,
    Outcome,
    Question,
    Setting,
    ToModel,
    prompted,
    text_of,
)

BIG_BYTES = 128 * 1024
"""Requests from here on are read and written in a thread: it takes milliseconds."""
TARGET = "x-outrider-prompt-target"
_EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that is ready for a model."""

    request: Request
    told: Headers = ()
    """What the answer's head says of targets."""
    filters: tuple[Filter, ...] = ()
    """By which the answer itself says it."""


class Prompting:
    """One per worker."""

    def __init__(
        self, performer: Performer, clock: Clock, getrandbits: Callable[[int], int]
    ) -> None:
        self._performer = performer
        self._clock = clock
        self._getrandbits = getrandbits

    async def prepare(
        self, call: Call, request: Request, downstream: Downstream
    ) -> Prepared | LocalReply:
        """What a model is asked, or the answer."""
        protocol = call.ask.protocol
        if protocol is None:  # no generation: nobody says anything
            return Prepared(request)
        asked = await self._read(call, request, protocol)
        if isinstance(asked, LocalReply):
            return asked
        record = call.record
        record.model, record.stream = asked.model, asked.stream
        charge = await _admitted(call, request, asked)
        if isinstance(charge, LocalReply):
            return charge
        if charge is not None:
            downstream.charged(charge)
        setting = Setting(asked, call.listener, call.config, f"call_{self._new_id()}")
        outcome = await self._performer.run(prompted(setting), call)
        if isinstance(outcome, ToModel):
            return await self._prepared(call, request, outcome, protocol)
        return self._reply(call, asked, protocol, outcome)

    def _new_id(self) -> str:
        return f"{self._getrandbits(96):024x}"

    async def _read(self, call: Call, request: Request, protocol: Protocol) -> Asked | LocalReply:
        """The request in the words of no protocol."""
        model, stream, body = call.ask.model, call.ask.stream, request.body
        if model is None:
            found = peek(body)
            if isinstance(found, LocalReply):
                return found
            model, stream = found.model or "", found.stream
        read = CODECS[protocol].read_request
        if len(body) < BIG_BYTES:
            return read(body, model, stream)
        return await asyncio.to_thread(read, body, model, stream)

    async def _prepared(
        self, call: Call, request: Request, outcome: ToModel, protocol: Protocol
    ) -> Prepared:
        left_out: frozenset[int] = frozenset()
        if protocol is Protocol.CHAT:
            targets = {target.name for target in call.listener.prompt_targets}
            left_out = ours(request.body, targets)
        making = (protocol, request.body, outcome.instructions, outcome.context, left_out)
        if len(request.body) < BIG_BYTES:
            body = told(*making)
        else:
            body = await asyncio.to_thread(told, *making)
        filters: tuple[Filter, ...] = ()
        rules = call.listener.prompt
        if outcome.remembered is not None and protocol is Protocol.CHAT and rules is not None:
            made = int(self._clock.wall())
            filters = (Telling(outcome.remembered, self._new_id(), made, rules.tool_messages),)
        return Prepared(replace(request, body=body), _headers(outcome.target), filters)

    def _reply(self, call: Call, asked: Asked, protocol: Protocol, outcome: Outcome) -> LocalReply:
        """An answer that no model has to write."""
        match outcome:
            case Question(words=words, model=model, target=target):
                return self._in_words(call, asked, protocol, words, model, target)
            case Answered(reply=reply, target=target):
                kind = next((v for n, v in reply.headers if n.lower() == "content-type"), "")
                streams = kind.lower().startswith(_EVENTS)
                as_it_is = streams is asked.stream and (streams or protocol is Protocol.CHAT)
                # Filters read answers of the client's API only.
                if as_it_is and not call.listener.output_filters:
                    headers = (("content-type", kind or "application/json"), *_headers(target))
                    return _reply(headers, reply.body)
                words = text_of(reply)
                return self._in_words(call, asked, protocol, words, target, target)
            case LocalReply():
                return outcome
            case ToModel():
                raise AssertionError(outcome)

    def _in_words(
        self, call: Call, asked: Asked, protocol: Protocol, words: str, model: str, target: str
    ) -> LocalReply:
        made = int(self._clock.wall())
        answer_id = self._new_id()
        echo = Echo(asked, made, answer_id)
        answer = Answer("", model, [Choice([Text(words)])], created=made)
        codec = CODECS[protocol]
        if not asked.stream:
            headers = (("content-type", "application/json"), *_headers(target))
            return _reply(headers, codec.write_answer(answer, echo))
        writer = in_form(codec.stream_writer(echo), protocol, call.ask.query)
        headers = (("content-type", writer.content_type), *_headers(target))
        return _reply(headers, writer.feed(deltas_of(answer)))


async def _admitted(call: Call, request: Request, asked: Asked) -> Charge | LocalReply | None:
    """What limits allow, before anybody is asked."""
    if call.limiter is None:
        return None
    caller = Caller(call.principal, call.request.header)
    wanted = Wanted(
        _place(call, asked.model), caller, request.body, call.ask.operation, call.ask.shape
    )
    return await call.limiter.admitted(wanted)


def _place(call: Call, model: str) -> Place:
    """Where the request goes in the end: to the first model that may answer it."""
    route = match_model(call.listener, None if is_no_model(model) else model)
    if isinstance(route, LocalReply) or not isinstance(route.target, ModelTarget):
        return Place(call.listener.name, model, "")
    provider = call.config.providers.get(route.target.providers[0])
    if provider is None:
        return Place(call.listener.name, model, route.name)
    theirs = upstream_model(provider.model, model)
    names = (f"{provider.provider}/{theirs}", provider.name, theirs)
    return Place(call.listener.name, model, route.name, names)


def _headers(target: str) -> Headers:
    return ((TARGET, target),) if target else ()


def _reply(headers: Headers, body: bytes) -> LocalReply:
    return LocalReply(200, "", ResponseDetail.PROMPT_TARGET, headers, body)
