"""The output filters of one answer, one after another: each sees what the one before it made.

A flow: bytes of the answer in, what goes on to the client out; what filters ask of the world is
asked for by effects. Rule: the head goes out with the first event that has passed every filter; up
to then a filter can still answer itself.
"""

from collections.abc import Callable, Sequence

from dataplane.filters.api import (
    Again,
    Cut,
    Head,
    Maybe,
    Passed,
    asks,
    steps_to,
)
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.out import NOTHING, Out
from dataplane.filters.passing import added, as_one, cut_whole
from dataplane.filters.stage import Stage
from dataplane.llm.framing import Cutter, Framing, FramingError, cutter_of, joined
from dataplane.runtime.effects import AskAgain, Steps
from dataplane.runtime.headers import for_client
from dataplane.runtime.messages import HttpReply, LocalReply, ResponseDetail
from dataplane.runtime.protocols import Operation

MAX_WHOLE_BYTES = 32 << 20
"""Of an answer that is not streamed; it is held until it is whole."""
_WHOLE, _ELEMENTS = Framing.WHOLE, Framing.ELEMENTS  # (an attribute of an Enum is slow)
_EVENTS = "text/event-stream"
_FRAMES = "application/vnd.amazon.eventstream"


class AnswerFlow:
    """One answer on its way through the chain."""

    __slots__ = (
        "_active",
        "_anew",
        "_begun",
        "_cutter",
        "_done",
        "_head",
        "_operation",
        "_stages",
        "_streams",
        "ended_by",
        "form",
    )

    def __init__(
        self,
        made: Sequence[Stage],
        operation: Operation,
        streams: bool,
        anew: Callable[[], Sequence[Stage]] | None = None,
    ) -> None:
        """:param streams: whether the request asked for a stream.
        :param anew: makes the stages of another answer to the same request.
        """
        self._stages = made
        self._anew = anew
        self._done = False
        """Whether another answer has come to its end in place of this one."""
        self._operation = operation
        self._streams = streams
        self._active: list[Stage] = []
        """Those that see the events."""
        self._head: Head | None = None
        """Until it has gone out."""
        self._begun = False
        """Whether an event has gone out."""
        self.ended_by = ""
        """The filter that has ended the answer."""
        self.form = Form(operation, Framing.WHOLE)
        self._cutter: Cutter
        """Where anybody sees the events, from the head on."""

    @property
    def passes(self) -> bool:
        """Whether nobody wants to see the body."""
        return not self._active

    def head(self, head: Head) -> Maybe[Out]:
        """Status and headers are there."""
        for at, stage in enumerate(self._stages):
            if stage.hears_head:
                made = stage.answer.on_head(head)
                if made is not head:
                    return self._rest_of_head(head, at, made)
        return self._headed(head, head)

    def _rest_of_head(self, came: Head, first: int, begun: Maybe[Head | LocalReply]) -> Steps[Out]:
        """A filter asks, or makes another one of it: this one's word, then the others'."""
        head, made = came, begun
        for at in range(first, len(self._stages)):
            stage = self._stages[at]
            if at > first:
                made = stage.answer.on_head(head)
            if asks(made):
                made = yield from made
            if isinstance(made, Head):
                head = made
            elif not stage.lets_pass(made):
                self.ended_by = stage.id
                return Out(ending=made)
        return self._headed(came, head)

    def _headed(self, came: Head, head: Head) -> Out:
        self._head = head
        status = came.status
        self._active = [
            stage
            for stage in self._stages
            if stage.answer.wants_events and (status < 400 or stage.answer.wants_errors)
        ]
        self._read_as(came.header("content-type") or "")
        if not self._active:
            return NOTHING
        encoding = came.header("content-encoding") or "identity"
        if encoding.strip().lower() != "identity":
            return Out(ending=_broken("it is compressed, although we asked that it is not"))
        self._cutter = cutter_of(self.form.framing, MAX_WHOLE_BYTES)
        return NOTHING

    def _read_as(self, kind: str) -> None:
        kind = kind.strip().lower()
        framing = Framing.WHOLE
        if kind.startswith(_EVENTS):
            framing = Framing.SSE
        elif kind.startswith(_FRAMES):
            framing = Framing.FRAMES
        elif self._streams and self._operation is Operation.GENERATE_CONTENT:
            framing = Framing.ELEMENTS
        self.form = Form(self._operation, framing)

    def data(self, data: bytes) -> Maybe[Out]:
        """A piece of the body."""
        made = self.piece(data)
        return Out(data=made) if isinstance(made, bytes) else made

    def piece(self, data: bytes) -> bytes | Maybe[Out]:
        """The same; bytes are what goes on when the head has gone and nobody does anything, which
        is nearly all of a stream.
        """
        if not self._active:
            if self._head is None:
                return data
            head, self._head = self._head, None
            return Out(head, data)
        try:
            pieces = self._cutter.feed(data)
        except FramingError as problem:
            return Out(ending=_broken(str(problem)))
        if not pieces:
            return b""
        form = self.form
        events = [Event(piece, form) for piece in pieces]
        found = self._look(events)
        if found is not None:
            return self._pass(events, *found)
        if self._head is not None or form.framing is _ELEMENTS:
            return self._out(events)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _look(self, events: list[Event]) -> "tuple[int, int, Maybe[Passed] | None] | None":
        """Pass the many that nobody changes, without ado. Returns the place of the first filter
        that does something, that of its event, and what it does; see `_pass`.
        """
        for at, stage in enumerate(self._active):
            if stage.answer.batches:
                return at, 0, None
            on_event = stage.answer.on_event
            for event in events:
                made = on_event(event)
                if made is not event:
                    return at, events.index(event), made
        return None

    def end(self, complete: bool) -> Maybe[Out]:
        """The body is over; `complete`: at its end."""
        rest = self._cutter.rest() if self._active else b""
        events = []
        if rest and (complete or self.form.framing is not _WHOLE):
            events = [Event(rest, self.form)]
        found = self._look(events) if events else None
        if found is not None:
            return self._ends(self._pass(events, *found), complete)
        out = self._out(events)
        for at, stage in enumerate(self._active):
            made = stage.answer.on_end(complete)
            if made:
                return self._ends(out, complete, at, made)
        return self._closed(out, complete)

    def _ends(
        self, passed: Maybe[Out], complete: bool, first: int = 0, begun: Maybe[Passed | Again] = ()
    ) -> Steps[Out]:
        """The last words of the filters from the `first` on, who has `begun` if it has any."""
        out = (yield from passed) if asks(passed) else passed
        data, ending, head = out.data, out.ending, out.head
        for at in range(first, len(self._active)):
            if ending is not None:
                break
            stage = self._active[at]
            made = begun or stage.answer.on_end(complete)
            begun = ()
            last = yield from self._end_of(stage, made, at)
            if self._done:
                return last
            data, ending, head = data + last.data, last.ending, head or last.head
        return self._closed(Out(head, data, ending), complete)

    def _closed(self, out: Out, complete: bool) -> Out:
        """What is to be said after everybody's last words."""
        head, data, ending = out.head, out.data, out.ending
        if head is None and self._head is not None and (complete or data):
            head = self._taken_head()
        if self.form.framing is _ELEMENTS and self._active and complete and ending is None:
            data += b"]\n" if self._begun else b"[]\n"
        return Out(head, data, ending, self.form.framing is _WHOLE and self._begun)

    def last(self, pieces: list[bytes], closes: bool) -> bytes:
        """What ends a stream in a filter's place, as it is sent; `closes`: as an answer."""
        data = joined(pieces, self.form.framing, self._begun)
        self._begun = True
        return data + (b"]\n" if closes and self.form.framing is _ELEMENTS else b"")

    def _end_of(self, stage: Stage, ended: Maybe[Passed | Again], at: int) -> Steps[Out]:
        if asks(ended):
            ended = yield from ended
        if isinstance(ended, Again):
            other = yield from self._other(ended)
            if other is not None:
                return other
            ended = yield from ended.otherwise
        made: Passed = ended
        if isinstance(made, LocalReply):
            if stage.lets_pass(made):
                return NOTHING
            self.ended_by = stage.id
            return Out(ending=made)
        if isinstance(made, Cut):
            self.ended_by = stage.id
            return (yield from self._stopped(made, at))
        return (yield from self._pass([made] if isinstance(made, Event) else list(made), at + 1))

    def _other(self, again: Again) -> Steps[Out | None]:
        """All of another answer, through all filters; None: there is none, this one counts."""
        if self._begun or self._head is None or self._anew is None:
            return None
        reply = yield AskAgain(again.request)
        if not isinstance(reply, HttpReply) or not 200 <= reply.status < 300:
            return None
        self._stages = self._anew()
        out = yield from steps_to(self.head(Head(reply.status, for_client(reply.headers))))
        if out.ending is None:
            out = yield from steps_to(self.data(reply.body))
        if out.ending is None:
            last = yield from steps_to(self.end(True))
            out = Out(out.head or last.head, out.data + last.data, last.ending, last.is_whole)
        self._done = True
        return out

    def _pass(
        self,
        events: list[Event],
        first: int,
        place: int = 0,
        begun: Maybe[Passed] | None = None,
    ) -> Steps[Out]:
        """Events through the filters from the `first` on.

        :param begun: what that one has made of the event at `place`; it let pass those before.
        """
        for at in range(first, len(self._active)):
            if not events:
                return NOTHING
            stage = self._active[at]
            if stage.answer.batches and len(events) > 1:
                events = as_one(events)
            on_event = stage.answer.on_event
            passed: list[Event] = events[:place]
            for event in events[place:]:
                made = on_event(event) if begun is None else begun
                begun, place = None, 0
                if made is event:
                    passed.append(event)
                    continue
                if asks(made):
                    made = yield from made
                if isinstance(made, Cut) and event.is_whole:
                    made = cut_whole(made, event)
                ending = added(passed, made, event, stage)
                if ending is not None:
                    self.ended_by = stage.id
                    return (yield from self._ended(passed, ending, at))
            events = passed
        return self._out(events)

    def _ended(self, passed: list[Event], ending: Cut | LocalReply, at: int) -> Steps[Out]:
        """A filter has ended the answer after some events."""
        out = yield from self._pass(passed, at + 1)
        if out.ending is not None:
            return out
        if isinstance(ending, LocalReply):
            return Out(out.head, out.data, ending)
        last = yield from self._stopped(ending, at)
        return Out(out.head or last.head, out.data + last.data, last.ending)

    def _stopped(self, cut: Cut, at: int) -> Steps[Out]:
        """What is still said before a cut, and what later filters have held."""
        out = yield from self._pass(list(cut.before), at + 1)
        head, data = out.head, out.data
        for place in range(at + 1, len(self._active)):
            if out.ending is not None:
                return Out(head, data, out.ending)
            stage = self._active[place]
            out = yield from self._end_of(stage, stage.answer.on_end(False), place)
            head, data = head or out.head, data + out.data
        if head is None:
            head = self._taken_head()
        return Out(head, data, out.ending or cut, self.form.framing is _WHOLE)

    def _out(self, events: list[Event]) -> Out:
        if not events:
            return NOTHING
        data = joined([event.raw for event in events], self.form.framing, self._begun)
        head = None if self._head is None else self._taken_head()
        self._begun = True
        return Out(head, data)

    def _taken_head(self) -> Head | None:
        """It goes out, with what filters want to be told."""
        head, self._head = self._head, None
        if head is not None:
            for stage in self._active:
                if stage.answer.told:
                    head = Head(head.status, (*head.headers, *stage.answer.told))
                if stage.answer.rewrites is not None:
                    head = stage.answer.rewrites(head)
        return head


def _broken(why: str) -> LocalReply:
    """What the upstream sends is nothing that filters could look into."""
    message = f"The upstream failed: {why}."
    return LocalReply(502, message, ResponseDetail.UPSTREAM_PROTOCOL_ERROR)
