"""Log lines about something that may happen very often: a few of them, and how many were left out.

The rule: an outage must not fill a disk, and must not be silent either.
"""

from collections.abc import Callable
from logging import Logger

BURST = 10
SPAN_S = 10.0


class FewLines:
    """BURST lines every SPAN_S, whatever they are about."""

    def __init__(self, log: Logger, now: Callable[[], float]) -> None:
        self._log = log
        self._now = now
        self._since = 0.0
        self._said = 0
        self._left_out = 0

    def say(self, level: int, text: str, *told: object) -> None:
        """One line, or one more that is left out."""
        now = self._now()
        if now - self._since >= SPAN_S:
            self._since = now
            self._said = 0
            if self._left_out:
                self._log.log(level, "(%d lines like the next one were left out)", self._left_out)
                self._left_out = 0
        if self._said >= BURST:
            self._left_out += 1
            return
        self._said += 1
        self._log.log(level, text, *told)
