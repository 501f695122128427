"""Two attempts at one request at the same time, because the first was slow to begin.

The rule: the client hears one of them. Until it is decided each talks to a Side of the race in
place of the client's connection; the first that has something to say gets the connection, and the
other is cut at once. When one fails, the other simply is the request. Whether there may be a second
attempt is decided by resilience/hedge.py.
"""

from typing import TYPE_CHECKING

from dataplane.resilience.hedge import Hedge, Racer
from dataplane.wheel import NEVER

if TYPE_CHECKING:
    from collections.abc import Hashable

    from dataplane.runtime.messages import LocalReply
    from dataplane.server.front import Front
    from dataplane.server.hedging import Hedging


class Side:
    """The client's connection, as one of the two attempts sees it."""

    __slots__ = ("_front", "_race", "_racer", "due", "host", "http10", "request_id")

    def __init__(self, race: "Race", racer: Racer, front: "Front") -> None:
        self._front = front
        self._race = race
        self._racer = racer
        self.due = NEVER
        self.host = front.host
        self.http10 = front.http10
        self.request_id = front.request_id

    @property
    def peer(self) -> str:
        """See Front."""
        return self._front.peer

    def closes(self) -> bool:
        """See Front."""
        return self._front.closes()

    def discharge(self) -> None:
        """The other attempt may need the request still; the front counts it to its end."""

    def write(self, data: bytes) -> None:
        """The attempt has something to say: it has won."""
        self._race.won(self._racer)
        self._front.write(data)

    def reply(self, reply: "LocalReply", now: float) -> None:
        """The time of the request is over, and so is that of both."""
        self._race.end(self._racer)
        self._front.reply(reply, now)

    def ended(self, now: float) -> None:
        """See Front. (An attempt that has written has the front itself.)"""
        self._race.end(self._racer)
        self._front.ended(now)

    def cut(self) -> None:
        """See Front."""
        self._race.end(self._racer)
        self._front.cut()

    def on_due(self, now: float) -> None:
        """See Timed. (The wheel may still tell a Side in the turn in which the race ended.)"""
        self.due = NEVER
        if not self._race.is_over:
            self._race.of(self._racer).on_due(now)


class Race:
    """Implements Work (work.py) until it is decided."""

    __slots__ = ("_front", "_hedge", "_relays", "_sides", "_wheel", "is_over")

    def __init__(self, first: "Hedging", front: "Front", hedge: Hedge) -> None:
        self.is_over = False
        """Whether one of the two is the request."""
        self._front = front
        self._hedge = hedge
        self._wheel = first.serving.services.wheel
        self._sides = {racer: Side(self, racer, front) for racer in Racer}
        self._relays = {Racer.FIRST: first}

    def start(self, place: int, elsewhere: bool) -> None:
        """Send the second attempt to a candidate of the lane; `elsewhere`: to another endpoint."""
        front, first = self._front, self._relays[Racer.FIRST]
        side = self._sides[Racer.FIRST]
        side.due, front.due = front.due, first.deadline
        first.front = side
        second = first.twin(self._sides[Racer.SECOND], place, elsewhere)
        self._relays[Racer.SECOND] = second
        for one in self._sides.values():
            self._wheel.add(one)
        front.replace_work(self)
        second.begin_beside()

    def of(self, racer: Racer) -> "Hedging":
        """One of the two."""
        return self._relays[racer]

    # -- its ends

    def won(self, racer: Racer) -> None:
        """An attempt has content."""
        loser = self._hedge.content(racer)
        self._relays[Racer.FIRST].count_hedge(racer.value)
        if loser is not None:
            self._relays[loser].lose()
        self._hand_over(racer)

    def goes_on_without(self, relay: object) -> None:
        """An attempt has failed; the other is the request from now on."""
        failed, other = Racer.FIRST, Racer.SECOND
        if relay is not self._relays[failed]:
            failed, other = other, failed
        self._relays[Racer.FIRST].count_hedge("none")
        self._hedge.failed(failed)
        self._relays[failed].over = True
        self._hand_over(other)

    def end(self, racer: Racer) -> None:
        """One of the two speaks for both."""
        self._hedge.close()
        other = Racer.SECOND if racer is Racer.FIRST else Racer.FIRST
        self._relays[other].lose()
        self._hand_over(racer)

    def _hand_over(self, racer: Racer) -> None:
        """The connection belongs to one of them again."""
        front, relay, side = self._front, self._relays[racer], self._sides[racer]
        self._leave_wheel()
        relay.front = front
        relay.race_is_over()
        relay.due_at(side.due)
        front.replace_work(relay)

    def _leave_wheel(self) -> None:
        self.is_over = True
        for one in self._sides.values():
            self._wheel.remove(one)

    # -- what the front tells

    @property
    def caller(self) -> "Hashable":
        """See Work."""
        return self._relays[Racer.FIRST].caller

    def pause(self) -> None:
        """See Work: nothing was sent yet."""

    def resume(self) -> None:
        """See Work."""

    def cancel(self) -> None:
        """The client has left: both are stopped."""
        self._leave_wheel()
        self._hedge.close()
        self._relays[Racer.SECOND].lose()
        first = self._relays[Racer.FIRST]
        first.front = self._front
        first.cancel()

    def on_due(self, now: float) -> None:
        """The time of the request is over."""
        self.end(Racer.FIRST)
        self._relays[Racer.FIRST].on_due(now)
