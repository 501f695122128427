"""One JSON line per exchange, without bodies, keys or any header of a client.

Two rules. The loop is never held up: lines go out LINES_A_WRITE at a time (a batch every 50 ms
tripled p99), and a reader that does not read costs lines, which are counted, not time. And a line
is soon visible: the last ones of a burst are written within FLUSH_S.
"""

import asyncio
import os
import select
import stat
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from dataplane.observe.record import ExchangeRecord

LINES_A_WRITE = 8
FLUSH_S = 0.05
MAX_WAITING_BYTES = 1 << 20
"""Above this, lines are dropped until the reader has caught up."""
_NO_START = ExchangeRecord().started  # the very object that the encoder leaves out
_PIPE_BYTES = select.PIPE_BUF  # a pipe that polls writable takes this much without blocking


class AccessLog:
    """Writes records to a file descriptor: a file, a pipe or a terminal."""

    def __init__(self, fd: int, wall: Callable[[], float]) -> None:
        self.dropped = 0
        """Lines that nobody read in time."""
        self._fd = fd
        self._wall = wall
        self._lines = bytearray()
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting = b""
        self._encode_into = msgspec.json.Encoder().encode_into
        self._ahead = 0.0
        self._millisecond = -1
        self._second = -1
        self._to_second = ""
        self._stamp = ""
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._blocks = not _is_file(fd)

    def write(self, record: ExchangeRecord, now: float) -> None:
        """Log what finished `now`. Its `started` is lost: it means nothing elsewhere."""
        record.started = _NO_START
        millisecond = int((now + self._ahead) * 1000)
        if millisecond != self._millisecond:
            self._set_stamp(millisecond, now)
        record.time = self._stamp
        self._encode_into(record, self._lines, -1)
        self._lines += b"\n"
        self._count += 1
        if self._count >= LINES_A_WRITE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_later)

    def _set_stamp(self, millisecond: int, now: float) -> None:
        second = millisecond // 1000
        if second != self._second:
            self._ahead = self._wall() - now  # the wall clock may be set, the other one never is
            millisecond = int((now + self._ahead) * 1000)
            second = millisecond // 1000
            self._second = second
            self._to_second = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        self._millisecond = millisecond
        self._stamp = f"{self._to_second}{millisecond - second * 1000:03d}Z"

    def _flush_later(self) -> None:
        self._timer = None
        self.flush()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush_later)

    def flush(self) -> None:
        """Write what is there, as far as the reader takes it."""
        lines = self._lines
        if lines:
            if len(self._waiting) > MAX_WAITING_BYTES:
                self.dropped += self._count
            else:
                self._waiting += lines
            lines.clear()
            self._count = 0
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
