"""One JSON line per exchange, without bodies, keys or any header of a client.

The rule: the loop is never held up. A reader that does not read costs lines, which are counted, not
time. (How many lines go out at once is the recorder's choice.)
"""

import os
import select
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from dataplane.observe.record import NO_TIME, ExchangeRecord

MAX_WAITING_BYTES = 1 << 20
"""Above this, lines are dropped until the reader has caught up."""
_PIPE_BYTES = select.PIPE_BUF  # a pipe that polls writable takes this much without blocking


class AccessLog:
    """Writes records to a file descriptor: a file, a pipe or a terminal."""

    def __init__(self, fd: int, wall: Callable[[], float]) -> None:
        self.dropped = 0
        """Lines that nobody read in time."""
        self._fd = fd
        self._wall = wall
        self._waiting = b""
        self._encode_lines = msgspec.json.Encoder().encode_lines
        self._ahead = 0.0
        self._millisecond = -1
        self._second = -1
        self._to_second = ""
        self._stamp = ""
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._blocks = not _is_file(fd)

    def write(self, records: Sequence[ExchangeRecord]) -> None:
        """Log exchanges that have finished. Their `started` is lost: it means nothing elsewhere."""
        for record in records:
            now = record.started + record.duration_s
            millisecond = int((now + self._ahead) * 1000)
            if millisecond != self._millisecond:
                self._set_stamp(millisecond, now)
            record.time = self._stamp
            record.started = NO_TIME
        if len(self._waiting) > MAX_WAITING_BYTES:
            self.dropped += len(records)
        else:
            self._waiting += self._encode_lines(records)
        self.flush()

    def _set_stamp(self, millisecond: int, now: float) -> None:
        if millisecond // 1000 != self._second:
            self._ahead = self._wall() - now  # the wall clock may be set, the other one never is
            millisecond = int((now + self._ahead) * 1000)
            self._second = millisecond // 1000
            when = datetime.fromtimestamp(self._second, UTC)
            self._to_second = when.strftime("%Y-%m-%dT%H:%M:%S.")
        self._millisecond = millisecond
        self._stamp = f"{self._to_second}{millisecond - self._second * 1000:03d}Z"

    def flush(self) -> None:
        """Write what is there, as far as the reader takes it."""
        while self._waiting:
            if not self._blocks:
                piece = self._waiting
            elif self._poll.poll(0):
                piece = self._waiting[:_PIPE_BYTES]
                if len(piece) < len(self._waiting):
                    # whole lines, so that those of several workers do not mix
                    piece = piece[: piece.rfind(b"\n") + 1] or piece
            else:
                return
            try:
                written = os.write(self._fd, piece)
            except BlockingIOError:
                return
            except OSError:
                self.dropped += self._waiting.count(b"\n")
                self._waiting = b""
                return
            self._waiting = self._waiting[written:]


def _is_file(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)
