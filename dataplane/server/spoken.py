"""Clients of agent listeners that speak another protocol than chat: theirs on the way in, chat
among agents, theirs again on the way out.

Rule: whoever asks in one API is answered in it, whatever happens: its streams, its errors, its end.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from dataplane.agents.wire import without_body
from dataplane.clock import Clock
from dataplane.llm.hub.answer import Failure
from dataplane.llm.json_array import in_form
from dataplane.llm.stream_errors import error_event
from dataplane.llm.translate.between import Translation, translate_request
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.retold import JSON, Entire, Head, Retold
from dataplane.llm.wire.body import peek
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import Headers, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import CHAT_PATH, Protocol
from dataplane.server.agent_downstream import AgentDownstream
from dataplane.server.answers import listed
from dataplane.server.downstream import Call, Downstream
from dataplane.server.foreign_head import told_status
from dataplane.server.keeping import Keeper
from dataplane.server.responses import Settled
from dataplane.server.surface import CHAT_ASK
from dataplane.server.translated import BIG_BODY_BYTES

if TYPE_CHECKING:
    from dataplane.server.sieve import Sieve


class InChat(NamedTuple):
    """A request among agents, and where its answer goes."""

    call: Call
    request: Request
    downstream: Downstream


class Speaking:
    """Makes chat of clients' requests. One per worker."""

    def __init__(self, clock: Clock, getrandbits: Callable[[int], int]) -> None:
        self._clock = clock
        self._getrandbits = getrandbits

    async def in_chat(
        self, call: Call, settled: Settled, downstream: Downstream
    ) -> InChat | LocalReply:
        """The same request in chat; a refusal when it is none of its API, or chat cannot say it."""
        speaks = call.ask.protocol
        if speaks is None or speaks is Protocol.CHAT:
            return InChat(call, settled.request, downstream)
        made = await _translated(call, settled.request, speaks)
        if isinstance(made, LocalReply):
            return made
        body = b"".join((made.body, *(bytes(piece) for piece in made.rest)))
        made.request.messages, made.request.system = [], []  # no answer repeats the conversation
        echo = Echo(made.request, int(self._clock.wall()), f"{self._getrandbits(96):024x}")
        chat = Request("POST", CHAT_PATH, settled.request.headers, body)
        keeper = Keeper(settled.keep, call.request_id.encode()) if settled.keep else None
        spoken = Spoken(downstream, call, echo, made.dropped, keeper)
        asked = replace(call, ask=CHAT_ASK, request=chat, speaks=speaks)
        return InChat(asked, chat, spoken)


async def _translated(call: Call, request: Request, speaks: Protocol) -> Translation | LocalReply:
    found = peek(request.body)
    if isinstance(found, LocalReply):
        return found
    asked = (
        (found.model or "", found.stream)
        if call.ask.model is None
        else (call.ask.model, call.ask.stream)
    )
    drop = call.listener.drop_untranslatable
    told = (speaks, Protocol.CHAT, request.body, asked, asked[0], PLAIN, drop)
    if len(request.body) >= BIG_BODY_BYTES:
        return await asyncio.get_running_loop().run_in_executor(None, translate_request, *told)
    return translate_request(*told)


class Spoken(AgentDownstream):
    """Implements Downstream: takes a chat answer, and tells it as the client's API does."""

    def __init__(
        self,
        inner: Downstream,
        call: Call,
        echo: Echo,
        dropped: tuple[str, ...],
        keeper: Keeper | None = None,
    ) -> None:
        """:param keeper: gets what the client gets."""
        self._inner = inner
        self._record = call.record
        self._speaks = speaks = call.ask.shape
        codec = CODECS[speaks]
        writer = in_form(codec.stream_writer(echo), speaks, call.ask.query)
        self._retold = Retold(CODECS[Protocol.CHAT], codec, echo, writer)
        self._keeper = keeper
        self._told: Headers = (("x-outrider-dropped", listed(dropped)),) if dropped else ()
        self._headers: Headers = ()
        self._started = False

    def reply(self, reply: LocalReply) -> None:
        """See Downstream. Errors are in the client's shape anyway; what is said whole is chat."""
        if reply.body is None or reply.detail is not ResponseDetail.VIA_UPSTREAM:
            self._inner.reply(reply)
            return
        self.start(reply.status, reply.headers)
        self._end(self._retold.feed(reply.body))

    def filter(self, sieve: "Sieve") -> None:
        """See Downstream. They see what the client sees."""
        self._inner.filter(sieve)

    def start(self, status: int, headers: Headers) -> None:
        """See Downstream."""
        named = {name.lower(): value.strip().lower() for name, value in headers}
        encoding = named.get("content-encoding", "identity")
        kind = named.get("content-type", "")
        head = Head(status, kind.startswith("text/event-stream"), encoding != "identity")
        self._retold.head(head)
        self._headers = (
            *without_body(headers),
            *self._told,
        )

    async def write(self, data: bytes) -> None:
        """See Downstream."""
        out = self._retold.feed(data)
        if out:
            self._begin()
            self._keep(out)
            await self._inner.write(out)

    async def aside(self, data: bytes) -> None:
        """See Downstream."""
        self._begin()
        await self._inner.write(data)

    def finish(self, last: bytes = b"") -> None:
        """See Downstream."""
        self._end(self._retold.feed(last) if last else b"")

    def abort(self, last: bytes = b"") -> None:
        """See Downstream."""
        detail = self._record.detail
        retold = self._retold
        out = retold.feed(last) if last else b""
        failure = Failure(502, "The upstream failed: its answer broke off.", code=detail.value)
        if retold.begun or out:
            self._begin()
            self._inner.abort(out + retold.cut(failure))
            return
        whole = retold.finish()
        if not isinstance(whole, Entire) or whole.failure is None:
            whole = Entire(502, retold.target.write_error(failure), failure)
        self._whole(whole, detail)

    def _end(self, out: bytes) -> None:
        rest = self._retold.finish()
        if isinstance(rest, Entire):
            self._whole(rest, ResponseDetail.VIA_UPSTREAM)
            return
        self._begin()
        self._keep(out + rest)
        if self._retold.failure is None:
            if self._keeper is not None:
                self._keeper.end(good=True)
            self._inner.finish(out + rest)
        else:
            self._record.detail = ResponseDetail.UPSTREAM_ERROR
            self._inner.abort(out + rest)

    def _keep(self, out: bytes) -> None:
        if self._keeper is not None:
            self._keeper.take(out, stream=True)

    def _begin(self) -> None:
        if self._started:
            return
        self._started = True
        kind = self._retold.writer.content_type
        form = (("content-type", kind), ("cache-control", "no-cache"))
        self._inner.start(200, (*self._headers, *form))

    def _whole(self, whole: Entire, detail: ResponseDetail) -> None:
        if self._started:  # by what was told aside: there is no more room for a status
            failure = whole.failure or Failure(502, "The answer is no stream.", "server")
            self._record.detail = detail
            if detail is ResponseDetail.VIA_UPSTREAM:
                self._record.detail = ResponseDetail.UPSTREAM_ERROR
            self._inner.abort(error_event(self._speaks, failure))
            return
        status = whole.status if whole.failure is None else told_status(whole.status, self._speaks)
        headers = (*self._headers, ("content-type", JSON))
        if self._keeper is not None and whole.failure is None:
            self._keeper.take(whole.body, stream=False)
            self._keeper.end(good=True)
        self._inner.reply(LocalReply(status, "", detail, headers, whole.body))
