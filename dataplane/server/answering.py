"""The client of a run: it gets one answer, whole or recognisably not.

Rule: everything before the first byte can still become an error with a status of its own; after it,
what fails is told within the stream, and cuts it.
"""

from collections.abc import Callable
from dataclasses import replace

from dataplane.agents.progress import (
    COMMENTS,
    EVENTS,
    NEVER,
    TEXT,
    can_be_told,
    said_of,
    written,
)
from dataplane.agents.run import Run
from dataplane.agents.spoken import Saying
from dataplane.llm.hub.answer import Answer, Failure
from dataplane.llm.stream_errors import error_event
from dataplane.runtime.effects import Tell
from dataplane.runtime.messages import Headers, LocalReply
from dataplane.runtime.protocols import Protocol
from dataplane.runtime.running import Telling
from dataplane.server.downstream import Call, Downstream
from dataplane.server.heard import OnProgress
from dataplane.server.limits.charge import Charge

OK = 200
_STREAM: Headers = (("content-type", "text/event-stream"), ("cache-control", "no-cache"))
_JSON: Headers = (("content-type", "application/json"),)


class Answering:
    """One per run."""

    __slots__ = ("_call", "_charge", "_down", "_form", "_make", "_saying", "_told", "begun")

    def __init__(
        self,
        down: Downstream,
        call: Call,
        make_saying: Callable[[], Saying],
        told_of: Callable[[bool], Headers],
        charge: Charge | None,
    ) -> None:
        """:param make_saying: for an answer of ours, if there will be one.
        :param told_of: what headers say of the run by now, and whether it has failed.
        """
        self._down = down
        self._call = call
        self._told = told_of
        self._charge = charge
        self._form = COMMENTS if call.progress == COMMENTS else EVENTS
        self._make = make_saying
        self._saying: Saying | None = None
        self.begun = False
        """Whether there is no more room for a status."""

    def start(self, status: int, headers: Headers) -> None:
        """Begin with an agent's own head."""
        self.begun = True
        self._down.start(status, (*headers, *self._told(False)))

    async def write(self, data: bytes) -> None:
        """A piece of the body; waits for a slow client."""
        await self._down.write(data)
        if self._charge is not None:
            self._charge.delivered(data)

    def finish(self) -> None:
        """All was said."""
        self._down.finish()

    def abort(self) -> None:
        """The client knows that it is not whole."""
        self._down.abort()

    # -- an answer of ours

    @property
    def _says(self) -> Saying:
        if self._saying is None:
            self._saying = self._make()
        return self._saying

    async def tell(self, run: Run, tell: Tell) -> None:
        """Of the run's progress. Where filters see what the client gets, they have not seen what
        earlier agents said, so the client does not either.
        """
        self._begin_stream()
        call = self._call
        said = said_of(run.id, tell, withholds=bool(call.listener.output_filters))
        await self._down.aside(written(self._form, said, call.speaks, self._says.chunk))

    def progress(self, run: Run, agent: str) -> OnProgress | None:
        """Who hears what an agent says of its work, for a client that wants to."""
        if not run.tells:
            return None

        async def told(words: str) -> None:
            step = next((one.number for one in reversed(run.steps) if one.agent == agent), 0)
            await self.tell(run, Tell("progress", step, agent, text=words))

        return told

    async def say(self, text: str) -> None:
        """More words of an answer that streams."""
        if text:
            self._begin_stream()
            await self.write(self._says.more(text))

    async def end(self, answer: Answer) -> None:
        """The answer is this: what of it was not said yet, and its end; `finish` comes then."""
        if self._call.record.stream:
            self._begin_stream()
            await self.write(self._says.end(answer))
        else:
            self.start(OK, _JSON)
            await self.write(self._says.whole(answer))

    async def fail(self, reply: LocalReply) -> None:
        """There is no answer, or no end of it."""
        headers = (*reply.headers, *self._told(True))
        if not self.begun:
            self._down.reply(replace(reply, headers=headers))
            return
        failure = Failure(reply.status, reply.message, code=reply.detail.value)
        self._call.record.detail = reply.detail
        self._call.record.filter = reply.filter
        await self._down.write(error_event(Protocol.CHAT, failure))
        self._down.abort()

    def _begin_stream(self) -> None:
        if not self.begun:
            self.start(OK, _STREAM)


def tells(call: Call, telling: Telling, *, stream: bool) -> bool:
    """Whether a run is told of while it goes on: only a stream has a place for it."""
    if not stream or telling is Telling.NEVER or call.progress == NEVER:
        return False
    if not can_be_told(call.speaks):
        return False
    return telling is Telling.ALWAYS or bool(call.progress)


def overhears(call: Call) -> bool:
    """Whether its client wants to hear agents on the way, and may: filters of the listener have not
    seen what they say."""
    return call.progress == TEXT and not call.listener.output_filters
