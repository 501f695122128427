"""Whether a process grows: its memory over time, its open files before and after.

The rule: what is compared was idle both times, and the process was never started again in between.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

WARM_UP = 0.25
"""Of the time, in which a process may grow: pools, caches, code that is met the first time."""
GROWTH_KB = 6 * 1024
"""Afterwards, at most: the spread of a process that leaks nothing is 2 MB."""


def memory_kb(pid: int) -> int:
    """What a process holds for itself alone."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} tells nothing of its memory")


def open_files(pid: int) -> int:
    """Sockets among them."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@dataclass(slots=True)
class Growth:
    """The memory of one process, sample by sample."""

    name: str
    pid: int
    samples: list[tuple[float, int]] = field(default_factory=list)
    """Seconds and kB."""

    def sample(self, now: float) -> None:
        """Look at it once."""
        self.samples.append((now, memory_kb(self.pid)))

    @property
    def kb(self) -> float:
        """How much it has grown after its warm-up, by the line through all samples."""
        late = self._late()
        return slope(late) * (late[-1][0] - late[0][0]) if len(late) > 2 else 0.0

    @property
    def kb_per_minute(self) -> float:
        """The slope of that line."""
        late = self._late()
        return slope(late) * 60 if len(late) > 2 else 0.0

    def _late(self) -> Sequence[tuple[float, int]]:
        if not self.samples:
            return ()
        first, last = self.samples[0][0], self.samples[-1][0]
        return [one for one in self.samples if one[0] >= first + WARM_UP * (last - first)]


def slope(samples: Sequence[tuple[float, int]]) -> float:
    """Of the least-squares line."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread
