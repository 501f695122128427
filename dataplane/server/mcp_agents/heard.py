"""The answer of a tool that is an agent, as it comes, read in chat."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from dataplane.agents.a2a.hearing import error_event
from dataplane.agents.a2a.values import text
from dataplane.agents.mcp.hearing import said
from dataplane.llm.hub.answer import Answer as Whole
from dataplane.llm.hub.answer import Choice, Failure
from dataplane.llm.hub.parts import Text
from dataplane.llm.translate.codecs import CODECS
from dataplane.mcp.message import Message, read, value
from dataplane.runtime.messages import Headers, ResponseDetail
from dataplane.runtime.protocols import Protocol
from dataplane.server.mcp_agents.sessions import as_upstream
from dataplane.upstream.client import Answer
from dataplane.upstream.errors import Phase, UpstreamError, UpstreamFailure
from dataplane.upstream.mcp import Answered, ServerFailedError

if TYPE_CHECKING:
    from dataplane.server.mcp_agents.asking import ToolQuestion

ALIVE = b": at work\n\n"
"""A comment in a stream of chat: something came, and it is no word of the answer."""
_CHAT = CODECS[Protocol.CHAT]
_UNFINISHED = UpstreamFailure(
    Phase.ANSWER, ResponseDetail.UPSTREAM_TRUNCATED, "it ended without an answer"
)


class HeardTool:
    """Implements Answered (server/heard.py)."""

    def __init__(self, asking: "ToolQuestion", answer: Answer) -> None:
        self._asking = asking
        self._answered = answered = Answered(answer, asking.wire.server.id)
        self._is_good = 200 <= answer.status < 300
        self._streams = asking.question.stream and self._is_good
        self.status = answer.status
        self.endpoint = answer.endpoint
        self.attempts = answer.attempts
        later = answered.headers.get("retry-after")
        kept = (("retry-after", later),) if later is not None else ()
        kind = "text/event-stream" if self._streams else "application/json"
        self.headers: Headers = (*kept, ("content-type", kind))

    async def pieces(self) -> AsyncIterator[bytes]:
        """See Answered."""
        try:
            if not self._is_good:
                yield self._refusal(await self._answered.whole())
                return
            async for event in self._answered.events():
                found = read(event.data) if event.is_message else None
                if isinstance(found, Message) and self._is_response(found):
                    self._asking.over = True
                    yield self._told(said(found))
                    return
                if isinstance(found, Message):
                    await self._heard(found)
                if self._streams:
                    yield ALIVE
        except ServerFailedError as problem:
            raise as_upstream(problem) from problem
        raise UpstreamError(_UNFINISHED)

    def _is_response(self, found: Message) -> bool:
        """Whether it is the end; an error without an id is about what was asked, too."""
        asked = self._asking.question.asked
        return not found.method and found.id in (asked.id, None, b"null")

    async def _heard(self, found: Message) -> None:
        """What the server says before it answers."""
        if found.is_request:
            self._asking.agents.answer(self._asking, self._asking.peer, found)
        progress = self._asking.question.progress
        if progress is not None and found.method == "notifications/progress":
            await progress(_progress(found))

    def _told(self, answer: str | Failure) -> bytes:
        saying = self._asking.question.saying
        if isinstance(answer, str):
            whole = Whole("", "", [Choice([Text(answer)])])
            return saying.streamed(whole) if self._streams else saying.whole(whole)
        if self._streams:
            return error_event(answer)
        self.status = answer.status
        return _CHAT.write_error(answer)

    def _refusal(self, body: bytes) -> bytes:
        """An error of HTTP, with the words of JSON-RPC where it has some."""
        self._asking.over = True
        found = read(body)
        error = found.error if isinstance(found, Message) else None
        if error is not None:
            told = text(value(error.get("message"))) or "it told an error without words"
            failure = Failure(self.status, told, code=str(value(error.get("code")) or ""))
        else:
            failure = _CHAT.read_error(self.status, body)
        if self.status < 400:
            self.status = 502
        return _CHAT.write_error(failure)


def _progress(found: Message) -> str:
    """How far a tool says that it is: in its words, else in numbers."""
    params = {name: value(raw) for name, raw in found.params.items()}
    message = text(params.get("message"))
    if message:
        return message
    numbers = [params.get(name) for name in ("progress", "total")]
    return "/".join(f"{one:g}" for one in numbers if isinstance(one, int | float))
