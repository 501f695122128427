"""The client's connection, as an exchange sees it whose answer passes output filters.

Whoever answers (a relay, a translation, agents) writes to it as to the connection, without framing;
what the filters let through goes to the connection (outgoing.py). What filters do is decided in
filters/answers.py; while one of them waits for somebody, the others' steps do so in in_turn.py.
"""

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from dataplane.filters.api import Cut, Head
from dataplane.llm.framing import Framing
from dataplane.llm.hub.answer import Failure
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.again import ask_again
from dataplane.server.answers import INTERNAL, WrittenHead
from dataplane.server.deferred import Deferred
from dataplane.server.in_turn import InTurn, Waits, begun
from dataplane.server.outgoing import Outgoing
from dataplane.server.relay import CLIENT_CLOSED, Relay
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    from collections.abc import Hashable

    from dataplane.filters.api import Maybe
    from dataplane.filters.out import Out
    from dataplane.runtime.effects import Effect, Steps
    from dataplane.server.downstream import Call
    from dataplane.server.front import Front
    from dataplane.server.in_turn import Step, Then
    from dataplane.server.serving import Serving
    from dataplane.server.sieve import Sieve
    from dataplane.server.work import Work

log = logging.getLogger(__name__)

_WHOLE = (ResponseDetail.VIA_UPSTREAM, ResponseDetail.PROMPT_TARGET)  # no errors of ours


class Filtered(Outgoing):
    """Stands for a Front (front.py) towards who answers, and for them (Work) towards the Front."""

    __slots__ = (
        "_deadline",
        "_in_turn",
        "_inner",
        "_is_paused",
        "_serving",
        "due",
        "host",
        "http10",
        "over",
        "record",
        "request_id",
    )

    def __init__(self, front: "Front", serving: "Serving", sieve: "Sieve", deadline: float) -> None:
        super().__init__(front, sieve)
        self._serving = serving
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
        self._in_turn: InTurn | None = None
        """Filters that wait, from the first time on."""
        self._is_paused = False
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
        if self._is_paused or self._is_choked:
            work.pause()

    def write(self, data: bytes) -> None:
        """A head with what follows of the body, or more of the body."""
        if self.over:
            return
        flow = self._sieve.flow
        if self._came is None:
            self._came = came = WrittenHead(data)
            self._do(flow.head, came.head, self._pass)
            data = came.body
        elif self._in_turn is None:  # nobody has waited so far
            self._take(data)
            return
        if data:
            self._do(flow.data, data, self._pass, len(data))

    def _take(self, data: bytes) -> None:
        """As `_do`, for each of the many pieces with which nobody does anything."""
        try:
            made = self._sieve.flow.piece(data)
        except Exception:
            self._failed()
            return
        if type(made) is not bytes:
            self._do(_itself, made, self._pass)
        elif made:
            self._send(made)

    def reply(self, reply: LocalReply, now: float, bodiless: bool = False) -> None:
        """See Front. Filters see answers of ours only when they are somebody's whole answer."""
        if self.over:
            return
        flow = self._sieve.flow
        if reply.detail not in _WHOLE or reply.body is None:
            self._refuse(reply)
            return
        self._do(flow.head, Head(reply.status, reply.headers), self._pass)
        self._do(flow.data, reply.body, self._pass, len(reply.body))
        self.ended(now)

    def ended(self, now: float) -> None:
        """See Front."""
        self._do(self._sieve.flow.end, True, self._end)

    def cut(self) -> None:
        """See Front."""
        self._do(self._sieve.flow.end, False, self._cut)

    @property
    def call(self) -> "Call":
        """Whose answer it is, when somebody must know."""
        return self._sieve.call

    # -- what filters make of it

    def _do(self, step: "Step", what: Any, then: "Then", size: int = 0) -> None:
        """One step of the flow; those before it come first."""
        if self.over:
            return
        in_turn = self._in_turn
        if in_turn is not None and in_turn.is_busy:
            in_turn.add(step, what, then, size)
            return
        try:
            made = begun(step, what)
        except Exception:
            self._failed()
            return
        if not isinstance(made, Waits):
            then(made)
            return
        if in_turn is None:
            in_turn = self._in_turn = InTurn(self._perform, self._choke, self._failed)
        in_turn.begin(made, then, self._serving.services.tasks)

    async def _perform(self, steps: "Steps[Out]", effect: "Effect") -> "Out":
        """Carry out what filters ask for; models only can be asked for another answer."""
        inner = self._inner
        again = partial(ask_again, self, inner) if isinstance(inner, Relay) else None
        return await self._sieve.perform(steps, effect, again)

    @property
    def _is_choked(self) -> bool:
        return self._in_turn is not None and self._in_turn.is_choked

    def _choke(self, choked: bool) -> None:
        """Too much waits behind a filter, or does no longer."""
        if self._inner is None:
            return
        if choked:
            self._inner.pause()
        elif not self._is_paused:
            self._inner.resume()

    def _failed(self) -> None:
        """Called while an exception is handled: a fault of ours, or of a filter."""
        log.exception("output filters of request %r failed", self.request_id)
        self._stop(INTERNAL)

    def _pass(self, out: "Out") -> None:
        """Send what goes on."""
        if self.over:
            return
        if out.head is not None and not isinstance(out.ending, LocalReply):
            self._begin(out.head, len(out.data) if out.is_whole else None)
        if out.data and self._begun:
            self._send(out.data)
        self._flush()
        if out.ending is not None:
            self._stop(out.ending)

    def _end(self, out: "Out") -> None:
        """The answer is whole."""
        self._pass(out)
        if not self.over:
            self._finish()

    def _finish(self) -> None:
        self._end_body(good=self.record.verdict is None)
        self._close()
        self._front.ended(self._serving.now())

    def _cut(self, out: "Out") -> None:
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
            self._ends_as(0, ending.detail)
            self._last_words(Failure(ending.status, ending.message, code=ending.detail.value))
            self._close()
            self._front.cut()
        elif self._sieve.flow.form.framing is Framing.WHOLE or self._last_words(None):
            self._ends_as(0, ResponseDetail.FILTER_REFUSED)
            self._finish()
        else:
            self._ends_as(0, ResponseDetail.FILTER_REFUSED)
            self._close()
            self._front.cut()

    def _refuse(self, reply: LocalReply) -> None:
        self._ends_as(reply.status, reply.detail)
        self._close()
        self._front.reply(reply, self._serving.now())

    # -- the end

    def _ends_as(self, status: int, detail: ResponseDetail) -> None:
        """What is told of it, in place of what its upstream's answer was."""
        self.record.verdict = status, detail
        self.record.filter = self._sieve.flow.ended_by

    def _close(self) -> None:
        """The client has all that it gets; who answers is stopped, if it still does."""
        self.over = True
        if self._in_turn is not None:
            self._in_turn.clear()
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
        if self._inner is not None and self.record.facts is None and not self._is_choked:
            self._inner.resume()

    def cancel(self) -> None:
        """The client has left."""
        self.over = True
        if not self._begun:
            self._ends_as(CLIENT_CLOSED, ResponseDetail.DOWNSTREAM_GONE)
        self._serving.services.wheel.remove(self)
        if self._in_turn is not None:
            self._in_turn.cancel()
        if self.record.facts is None and self._inner is not None:
            self._inner.cancel()
        elif self.record.facts is not None:
            self.record.facts.detail = ResponseDetail.DOWNSTREAM_GONE
            self._tell_all(self._serving.now())

    def on_due(self, now: float) -> None:
        """See Timed, and Work."""
        self.due = NEVER
        answers = self.record.facts is None and self._inner is not None
        in_turn = self._in_turn
        waits = in_turn is not None and in_turn.is_busy
        if answers and (now < self._deadline or not waits):
            assert self._inner is not None
            self._inner.on_due(now)
        else:
            if in_turn is not None:
                in_turn.cancel()
            seconds = self._serving.listener.timeout_s
            message = f"The answer took longer than the listener's timeout of {seconds:g} s."
            self._stop(LocalReply(504, message, ResponseDetail.DEADLINE_EXCEEDED))


def _itself(made: "Maybe[Out]") -> "Maybe[Out]":
    return made
