"""What a client gets of an answer that filters have seen: its head, its pieces and its end.

The rule: what was begun towards the client ends whole, with the end of its protocol, or cut.
"""

from typing import TYPE_CHECKING

from dataplane.llm.framing import Framing
from dataplane.llm.hub.answer import Failure
from dataplane.llm.stream_errors import error_event
from dataplane.server.answers import LAST_CHUNK, STATUS_LINES, chunk, started
from dataplane.server.answers import framing as framed
from dataplane.server.passing import Told
from dataplane.server.relayed_head import BODILESS
from dataplane.server.surface import SHAPES

if TYPE_CHECKING:
    from dataplane.filters.api import Head
    from dataplane.server.answers import WrittenHead
    from dataplane.server.front import Front
    from dataplane.server.sieve import Sieve


class Outgoing:
    """The sending half of Filtered (filtered.py)."""

    __slots__ = ("_begun", "_came", "_chunked", "_front", "_head", "_sent", "_sieve", "_told")

    def __init__(self, front: "Front", sieve: "Sieve") -> None:
        self._front = front
        self._sieve = sieve
        self._came: WrittenHead | None = None
        """The head, as its upstream has it."""
        self._begun = False
        self._head = b""
        """Goes out with the first piece."""
        self._chunked = False
        self._told: Told[bytes] = Told()
        self._sent = 0

    def _begin(self, head: "Head", size: int | None) -> None:
        """:param size: of the body, when it is known."""
        front, came = self._front, self._came
        if size is None and came is not None and self._sieve.flow.passes:
            size = came.size
        bodiless = head.status in BODILESS
        self._begun = True
        self._chunked = size is None and not bodiless and not front.http10
        framing = framed(None if bodiless else size, self._chunked, front.closes())
        if came is not None and came.head is head:
            self._head = b"%b%b%b\r\n" % (STATUS_LINES[head.status], came.lines, framing)
        else:
            self._head = started(head.status, head.headers, front.request_id, framing)

    def _send(self, data: bytes) -> None:
        self._sent += len(data)
        self._told.add(data, len(data))
        keeper = self._sieve.keeper
        if keeper is not None:
            keeper.take(data, stream=self._sieve.flow.form.framing is not Framing.WHOLE)
        if self._chunked:
            data = chunk(data)
        if self._head:
            data, self._head = self._head + data, b""
        self._front.write(data)

    def _flush(self) -> None:
        """The head, when nothing comes with it."""
        if self._head:
            data, self._head = self._head, b""
            self._front.write(data)

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

    def _end_body(self, good: bool) -> None:
        """The client has all of it. :param good: whether it may be kept."""
        keeper = self._sieve.keeper
        if keeper is not None:
            keeper.end(good=good)
        if self._chunked:
            self._front.write(LAST_CHUNK)
