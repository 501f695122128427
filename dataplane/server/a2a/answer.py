"""The client's side of an exchange that is an A2A task: takes a chat answer, tells its events."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from dataplane.agents.a2a.telling import Folded, Telling, error_of
from dataplane.agents.a2a.values import PAUSED, TERMINAL, Json, kind_of, state_of
from dataplane.llm.errors import error_body
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.server.a2a.sifting import Sifting
from dataplane.server.agent_downstream import AgentDownstream
from dataplane.server.downstream import Call, DownstreamGoneError

if TYPE_CHECKING:
    from dataplane.server.sieve import Sieve

Tell = Callable[[Json], Awaitable[None]]


class TaskAnswer(AgentDownstream):
    """Implements Downstream. What ends a task is held back: the task is kept before it is told."""

    def __init__(self, call: Call, telling: Telling, tell: Tell) -> None:
        self._call = call
        self._tell = tell
        self._is_stream = False
        self._body = bytearray()
        self.telling = telling
        self.folded = Folded()
        self.due: list[Json] = []
        """Events that the client does not have yet."""
        self.headers: Headers = ()
        self.status = 0
        self.detail = ResponseDetail.VIA_UPSTREAM
        self.stopped = False
        """Whether a filter has had enough."""
        self._sifting: Sifting | None = None
        self._knows_head = False
        self._rest = b""
        self._complete = False
        self._broken: Json | None = None
        """Why it is none."""

    def reply(self, reply: LocalReply) -> None:
        """See Downstream."""
        self.headers, self.status, self.detail = reply.headers, reply.status, reply.detail
        self._call.record.status = reply.status
        if reply.status < 400 and reply.body is not None:
            self._rest, self._complete = reply.body, True
            return
        self._broken = error_of(reply.body or error_body(reply))

    def filter(self, sieve: "Sieve") -> None:
        """See Downstream."""
        self._sifting = Sifting(sieve)

    def start(self, status: int, headers: Headers) -> None:
        """See Downstream."""
        self.status, self.headers = status, headers
        self._call.record.status = status  # (whether a turn was answered is looked up there)
        named = {name.lower(): value.lower() for name, value in headers}
        kind = named.get("content-type", "")
        self._is_stream = status < 400 and kind.startswith("text/event-stream")

    async def write(self, data: bytes) -> None:
        """See Downstream."""
        await self._pour(data)
        await self._tell_due()
        if self._sifting is not None and self._sifting.over:
            self.stopped = True
            raise DownstreamGoneError

    async def aside(self, data: bytes) -> None:
        """See Downstream."""
        self._take(self.telling.aside(data))
        await self._tell_due()

    def finish(self, last: bytes = b"") -> None:
        """See Downstream."""
        self._rest, self._complete = last, True

    def abort(self, last: bytes = b"") -> None:
        """See Downstream."""
        self.detail = self._call.record.detail
        self._rest, self._complete = last, False
        self._broken = {"message": "The agent's answer broke off."}

    async def close(self) -> None:
        """Nothing more comes: what that means for the task."""
        await self._pour(self._rest)
        sifting = self._sifting
        refused = self._broken is not None and not self._knows_head
        if sifting is not None and self.status and not refused:
            if not self._knows_head:
                await self._learn(sifting)
            self._feed(await sifting.end(complete=self._complete))
        if sifting is not None and sifting.ending is not None:
            refusal = sifting.ending
            self.status, self.detail = refusal.status, refusal.detail
            self._fail(error_of(refusal.body or error_body(refusal)))
        elif self._broken is not None:
            self.status = max(self.status, 502)
            self._fail(self._broken)
        elif self.status and not self._is_stream:
            body = bytes(self._body)
            if self.status >= 400:
                self._fail(error_of(body))
            else:
                self._take(self.telling.whole(body))
        self._fail({"message": "The agent's answer has no end."})

    async def _pour(self, data: bytes) -> None:
        sifting = self._sifting
        if sifting is None:
            self._feed(data)
            return
        if data and not self._knows_head:
            await self._learn(sifting)
        self._feed(await sifting.data(data))

    async def _learn(self, sifting: Sifting) -> None:
        self._knows_head = True
        await sifting.head(self.status, self.headers)

    def _feed(self, data: bytes) -> None:
        if self._is_stream:
            self._take(self.telling.feed(data))
        else:
            self._body += data

    async def _tell_due(self) -> None:
        while self.due and not ends(self.due[0]):
            await self._tell(self.due.pop(0))

    def settle(self, events: list[Json]) -> None:
        """Events of our own."""
        self._take(events)

    def _fail(self, error: Json) -> None:
        talk = self._call.a2a
        has_asked = talk is not None and talk.outcome.has_asked
        self._take(self.telling.fail(error, has_asked=has_asked))

    def _take(self, events: list[Json]) -> None:
        for event in events:
            self.folded.feed(event)
            self.due.append(event)


def ends(event: Json) -> bool:
    """Whether nothing follows an event."""
    state = state_of(event)
    return kind_of(event) == "message" or state in TERMINAL or state in PAUSED
