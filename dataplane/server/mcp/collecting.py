"""What an agent says, collected for the tool call that has asked; implements Downstream.

The rule: it is whole only when the agent's answer was. What comes is told on the way, too.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from dataplane.llm.sse import DONE, SseDecoder, SseError
from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.server.a2a.sifting import Sifting
from dataplane.server.agent_downstream import AgentDownstream

if TYPE_CHECKING:
    from dataplane.server.sieve import Sieve


REFUSALS = frozenset(
    (ResponseDetail.UNAUTHENTICATED, ResponseDetail.FORBIDDEN, ResponseDetail.RATE_LIMITED)
)
Heard = Callable[[str], Awaitable[None]]


class Collecting(AgentDownstream):
    """One answer in chat completions."""

    def __init__(self, heard: Heard, record: ExchangeRecord) -> None:
        """:param heard: called with each piece of text as it comes."""
        self._heard = heard
        self._record = record
        self._pieces: list[str] = []
        self._sse: SseDecoder | None = None
        self._body = bytearray()
        self._status = 200
        self._headers: Headers = ()
        self._rest = b""
        self._complete = False
        self._sifting: Sifting | None = None
        self._knows_head = False
        self.refused: LocalReply | None = None
        """The caller may not ask, or not now: no agent was asked."""
        self.problem = ""
        """Why there is no whole answer; empty: there is one."""

    @property
    def words(self) -> str:
        """What was said."""
        return "".join(self._pieces)

    def reply(self, reply: LocalReply) -> None:
        """See Downstream."""
        if reply.body is not None and reply.status < 400:
            self.start(reply.status, reply.headers)
            self.finish(reply.body)
        else:
            self.refused = reply if reply.detail in REFUSALS else None
            self.problem = reply.message or _error_in(reply.body or b"") or f"HTTP {reply.status}"

    def last(self) -> None:
        """See Downstream."""

    def filter(self, sieve: "Sieve") -> None:
        """See Downstream."""
        self._sifting = Sifting(sieve)

    def start(self, status: int, headers: Headers) -> None:
        """See Downstream."""
        self._status, self._headers = status, headers
        self._record.status = status  # (whether a turn was answered is looked up there)
        named = {name.lower(): value.lower() for name, value in headers}
        if named.get("content-type", "").startswith("text/event-stream"):
            self._sse = SseDecoder()

    async def write(self, data: bytes) -> None:
        """See Downstream."""
        for piece in self._take(await self._sifted(data)):
            await self._heard(piece)

    async def aside(self, data: bytes) -> None:
        """See Downstream. What is no part of the answer is not collected."""

    def finish(self, last: bytes = b"") -> None:
        """See Downstream."""
        self._rest, self._complete = last, True

    def abort(self, last: bytes = b"") -> None:
        """See Downstream."""
        self._rest = last
        self.problem = self.problem or "The answer broke off."

    async def close(self) -> None:
        """Nothing more comes."""
        if self.problem and not self._knows_head and not self._rest:
            return
        data = await self._sifted(self._rest)
        sifting = self._sifting
        if sifting is not None:
            data += await sifting.end(complete=self._complete)
        for piece in self._take(data):
            await self._heard(piece)
        if sifting is not None and sifting.ending is not None:
            told = sifting.ending
            self._pieces.clear()
            self.problem = told.message or _error_in(told.body or b"") or "It was refused."
        elif self._sse is None and self._status >= 400:
            self.problem = _error_in(bytes(self._body)) or f"the agent answered {self._status}"
        elif self._sse is None:
            self._pieces.append(_text(_decoded(bytes(self._body)), "message"))

    async def _sifted(self, data: bytes) -> bytes:
        """What output filters let through."""
        sifting = self._sifting
        if sifting is None or not data:
            return data
        if not self._knows_head:
            self._knows_head = True
            await sifting.head(self._status, self._headers)
        return await sifting.data(data)

    def _take(self, data: bytes) -> list[str]:
        """The pieces of text that have come."""
        if self._sse is None:
            self._body += data
            return []
        try:
            events = self._sse.feed(data)
        except SseError as problem:
            self.problem = str(problem)
            return []
        pieces = []
        for event in events:
            if event.data == DONE:
                continue
            chunk = _decoded(event.data)
            if "error" in chunk:
                self.problem = _error_in(event.data) or "the agent failed"
            piece = _text(chunk, "delta")
            if piece:
                pieces.append(piece)
        self._pieces += pieces
        return pieces


def _decoded(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(chunk: dict[str, Any], key: str) -> str:
    """Of the first choice."""
    choices = chunk.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    said = first.get(key) if isinstance(first, dict) else None
    content = said.get("content") if isinstance(said, dict) else None
    return content if isinstance(content, str) else ""


def _error_in(data: bytes) -> str:
    error = _decoded(data).get("error")
    told = error.get("message") if isinstance(error, dict) else error
    return told if isinstance(told, str) else ""
