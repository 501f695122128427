"""The client's connection, as an exchange sees it whose answer passes output filters.

Whoever answers (a relay, a translation, agents) writes to it as to the connection, without framing;
what the filters let through goes to the connection. The rules: order is kept, also while a filter
waits for somebody; what waits is bounded; and what was begun towards the client ends whole, with
the end of its protocol, or cut. What filters do is decided in filters/answers.py.
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from dataplane.filters.answers import Out
from dataplane.filters.api import Cut, Head
from dataplane.llm.framing import Framing
from dataplane.llm.hub.answer import Failure
from dataplane.llm.stream_errors import error_event
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.answers import INTERNAL, LAST_CHUNK, chunk, read_head, started
from dataplane.server.answers import framing as framed
from dataplane.server.deferred import Deferred
from dataplane.server.passing import Told
from dataplane.server.relayed_head import BODILESS
from dataplane.server.surface import SHAPES
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Hashable

    from dataplane.runtime.effects import Effect, Steps
    from dataplane.server.front import Front
    from dataplane.server.serving import Serving
    from dataplane.server.sieve import Sieve
    from dataplane.server.work import Work

log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 256 * 1024
"""Behind a filter that is being asked; then the upstream is not read."""


_WHOLE = (ResponseDetail.VIA_UPSTREAM, ResponseDetail.PROMPT_TARGET)  # no errors of ours


class Filtered:
    """Stands for a Front (front.py) towards who answers, and for them (Work) towards the Front."""

    __slots__ = (
        "_begun",
        "_choked",
        "_chunked",
        "_deadline",
        "_front",
        "_inner",
        "_is_paused",
        "_knows_head",
        "_sent",
        "_serving",
        "_sieve",
        "_size",
        "_task",
        "_told",
        "_waiting",
        "_waiting_bytes",
        "due",
        "host",
        "http10",
        "over",
        "record",
        "request_id",
    )

    def __init__(self, front: "Front", serving: "Serving", sieve: "Sieve", deadline: float) -> None:
        self._front = front
        self._serving = serving
        self._sieve = sieve
        self._deadline = deadline
        self._inner: Work | None = None
        """Who answers, until it has."""
        self.host = front.host
        self.http10 = True
        """Nobody frames what is written here."""
        self.request_id = front.request_id
        self.due, front.due = front.due, NEVER
        self.over = False
        """Whether the client has all that it gets."""
        self._knows_head = self._begun = False
        self._chunked = False
        self._size: int | None = None
        """Of the body, as its upstream says."""
        self._told: Told[bytes] = Told()
        self._sent = 0
        self._task: Task[None] | None = None
        """Waits for a filter."""
        self._waiting: deque[tuple[Callable[[], Steps[Out]], Callable[[Out], None], int]] = deque()
        self._waiting_bytes = 0
        self._choked = self._is_paused = False
        self.record = Deferred(serving.recorder, self._inner_ends)
        """Is told the end of the exchange by who answers."""
        serving.services.wheel.add(self)

    # -- what who answers sees of the connection

    @property
    def peer(self) -> str:
        """See Front."""
        return self._front.peer

    @property
    def ends(self) -> bool:
        """See Front."""
        return self._front.ends

    @ends.setter
    def ends(self, ends: bool) -> None:
        self._front.ends = ends

    def closes(self) -> bool:
        """Framing is not theirs."""
        return False

    def discharge(self) -> None:
        """See Front."""
        self._front.discharge()

    def replace_work(self, work: "Work") -> None:
        """See Front."""
        self._inner = work
        if self._is_paused or self._choked:
            work.pause()

    def write(self, data: bytes) -> None:
        """A head with what follows of the body, or more of the body."""
        if self.over:
            return
        flow = self._sieve.flow
        if not self._knows_head:
            self._knows_head = True
            head, self._size, data = read_head(data)
            self._do(lambda: flow.head(head), self._pass)
        if data:
            self._do(lambda: flow.data(data), self._pass, len(data))

    def reply(self, reply: LocalReply, now: float, bodiless: bool = False) -> None:
        """See Front. Filters see answers of ours only when they are somebody's whole answer."""
        if self.over:
            return
        flow = self._sieve.flow
        if reply.detail not in _WHOLE or reply.body is None:
            self._refuse(reply)
            return
        head, body = Head(reply.status, reply.headers), reply.body
        self._do(lambda: flow.head(head), self._pass)
        self._do(lambda: flow.data(body), self._pass, len(body))
        self.ended(now)

    def ended(self, now: float) -> None:
        """See Front."""
        self._do(lambda: self._sieve.flow.end(True), self._end)

    def cut(self) -> None:
        """See Front."""
        self._do(lambda: self._sieve.flow.end(False), self._cut)

    # -- what filters make of it

    def _do(
        self, steps: "Callable[[], Steps[Out]]", then: Callable[[Out], None], size: int = 0
    ) -> None:
        """One step of the flow; those before it come first."""
        if self.over:
            return
        if self._task is not None:
            self._waiting.append((steps, then, size))
            self._waiting_bytes += size
            if self._waiting_bytes > MAX_WAITING_BYTES and not self._choked:
                self._choked = True
                if self._inner is not None:
                    self._inner.pause()
            return
        begun = steps()
        try:
            effect = next(begun)
        except StopIteration as end:
            then(end.value)
            return
        except Exception:
            self._failed()
            return
        coroutine = self._wait(begun, effect, then)
        self._task = self._serving.services.tasks.start(coroutine, name="output filters")

    async def _wait(
        self, begun: "Steps[Out]", effect: "Effect", then: Callable[[Out], None]
    ) -> None:
        """A filter asks for something; go on until none does and nothing waits."""
        try:
            then(await self._sieve.perform(begun, effect))
            while self._waiting and not self.over:
                steps, then, size = self._waiting.popleft()
                self._waiting_bytes -= size
                begun = steps()
                try:
                    effect = next(begun)
                except StopIteration as end:
                    then(end.value)
                else:
                    then(await self._sieve.perform(begun, effect))
        except Exception:
            self._failed()
        finally:
            self._task = None
        if self._choked:
            self._choked = False
            if self._inner is not None and not self._is_paused:
                self._inner.resume()

    def _failed(self) -> None:
        """Called while an exception is handled: a fault of ours, or of a filter."""
        log.exception("output filters of request %r failed", self.request_id)
        self._stop(INTERNAL)

    def _pass(self, out: Out) -> None:
        """Send what goes on."""
        if self.over:
            return
        if out.head is not None and not isinstance(out.ending, LocalReply):
            self._begin(out.head, len(out.data) if out.is_whole else None)
        if out.data and self._begun:
            self._send(out.data)
        if out.ending is not None:
            self._stop(out.ending)

    def _begin(self, head: Head, size: int | None) -> None:
        """:param size: of the body, when it is known."""
        front = self._front
        if size is None and self._sieve.flow.passes:
            size = self._size
        self._begun = True
        bodiless = head.status in BODILESS
        self._chunked = size is None and not bodiless and not front.http10
        lines = framed(None if bodiless else size, self._chunked, front.closes())
        front.write(started(head.status, head.headers, self.request_id, lines))

    def _send(self, data: bytes) -> None:
        self._sent += len(data)
        self._told.add(data, len(data))
        if self._sieve.keeper is not None:
            is_stream = self._sieve.flow.form.framing is not Framing.WHOLE
            self._sieve.keeper.take(data, stream=is_stream)
        self._front.write(chunk(data) if self._chunked else data)

    def _end(self, out: Out) -> None:
        """The answer is whole."""
        self._pass(out)
        if not self.over:
            self._finish()

    def _finish(self) -> None:
        if self._sieve.keeper is not None:
            self._sieve.keeper.end(good=self.record.verdict is None)
        if self._chunked:
            self._front.write(LAST_CHUNK)
        self._close()
        self._front.ended(self._serving.now())

    def _cut(self, out: Out) -> None:
        """The answer has broken off."""
        self._pass(out)
        if self.over:
            return
        if self._begun:
            self._close()
            self._front.cut()
            return
        detail = ResponseDetail.UPSTREAM_TRUNCATED
        if (
            self.record.facts is not None
            and self.record.facts.detail is not ResponseDetail.VIA_UPSTREAM
        ):
            detail = self.record.facts.detail
        status = 504 if detail is ResponseDetail.DEADLINE_EXCEEDED else 502
        self._refuse(LocalReply(status, "The upstream failed: its answer broke off.", detail))

    def _stop(self, ending: Cut | LocalReply) -> None:
        """The answer ends here, whatever its upstream still says."""
        if self.over:
            return
        if isinstance(ending, LocalReply) and not self._begun:
            self._refuse(ending)
        elif isinstance(ending, LocalReply):
            self.record.verdict = 0, ending.detail
            self._last_words(Failure(ending.status, ending.message, code=ending.detail.value))
            self._close()
            self._front.cut()
        elif self._sieve.flow.form.framing is Framing.WHOLE or self._last_words(None):
            self.record.verdict = 0, ResponseDetail.FILTER_REFUSED
            self._finish()
        else:
            self.record.verdict = 0, ResponseDetail.FILTER_REFUSED
            self._close()
            self._front.cut()

    def _last_words(self, failure: Failure | None) -> bool:
        """End a stream in its protocol's words; whether that can be."""
        flow, told = self._sieve.flow, self._told.pieces
        form = flow.form
        if form.framing is Framing.WHOLE:
            return False
        pieces = None
        if told is not None:
            pieces = self._sieve.close(told, form.framing, failure)
        if pieces is None and failure is not None and form.framing is Framing.SSE:
            tail = told[-1] if told else b""
            pieces = [error_event(SHAPES[form.operation], failure, tail)]
        if pieces is None:
            return False
        data = flow.last(pieces, failure is None)
        if data:
            self._send(data)
        return True

    def _refuse(self, reply: LocalReply) -> None:
        self.record.verdict = reply.status, reply.detail
        self._close()
        self._front.reply(reply, self._serving.now())

    # -- the end

    def _close(self) -> None:
        """The client has all that it gets; who answers is stopped, if it still does."""
        self.over = True
        self._waiting.clear()
        self._serving.services.wheel.remove(self)
        if self.record.facts is None:
            # not now: this may be within a call of its own
            self.host.loop.call_soon(self._stop_inner)
        else:
            self._tell_all(self._serving.now())

    def _stop_inner(self) -> None:
        if self.record.facts is None and self._inner is not None:
            self._inner.cancel()

    def _inner_ends(self, now: float) -> None:
        self.due = self._deadline
        if self.over:
            self._tell_all(now)

    def _tell_all(self, now: float) -> None:
        self._inner = None
        self.record.tell(now, self._sent)

    # -- what the front tells

    @property
    def caller(self) -> "Hashable":
        """See Work."""
        return self._inner.caller if self._inner is not None else None

    def pause(self) -> None:
        """The client reads slowly."""
        self._is_paused = True
        if self._inner is not None and self.record.facts is None:
            self._inner.pause()

    def resume(self) -> None:
        """The client reads again."""
        self._is_paused = False
        if self._inner is not None and self.record.facts is None and not self._choked:
            self._inner.resume()

    def cancel(self) -> None:
        """The client has left."""
        self.over = True
        self._waiting.clear()
        self._serving.services.wheel.remove(self)
        if self._task is not None:
            self._task.cancel()
        if self.record.facts is None and self._inner is not None:
            self._inner.cancel()
        elif self.record.facts is not None:
            self.record.facts.detail = ResponseDetail.DOWNSTREAM_GONE
            self._tell_all(self._serving.now())

    def on_due(self, now: float) -> None:
        """See Timed, and Work."""
        self.due = NEVER
        answers = self.record.facts is None and self._inner is not None
        if answers and (now < self._deadline or self._task is None):
            assert self._inner is not None
            self._inner.on_due(now)
        else:
            if self._task is not None:
                self._task.cancel()
            seconds = self._serving.listener.timeout_s
            message = f"The answer took longer than the listener's timeout of {seconds:g} s."
            self._stop(LocalReply(504, message, ResponseDetail.DEADLINE_EXCEEDED))
