"""What shared buckets have left, on disk: so a control plane that was killed gives nothing twice.

Rule: a floor is in the file before anybody is told what made it necessary. The file is appended to
and not synced: it survives the process, not the machine.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

from controlplane.limits.account import BucketId

log = logging.getLogger(__name__)

NAME = "limits.journal"
ALIVE_S = 1.0
"""How often the time is written: what came back while nobody lived is counted from then."""
MAX_BYTES = 8 << 20
"""Then it is written anew."""


class Journal:
    """One file."""

    def __init__(self, path: Path, wall: Callable[[], float]) -> None:
        self._path = path
        self._wall = wall
        self._file: BinaryIO | None = None
        self._alive_at = 0.0
        self._failed = False

    def load(self) -> tuple[dict[BucketId, float], float]:
        """What buckets had, and for how many seconds nobody has lived since."""
        levels: dict[BucketId, float] = {}
        last = 0.0
        try:
            with self._path.open("rb") as file:
                for line in file:
                    try:
                        told = json.loads(line)
                        last = max(last, told["at"])
                        if "id" in told:
                            limit, measure, values = told["id"]
                            levels[limit, measure, tuple(values)] = float(told["level"])
                    except (ValueError, KeyError, TypeError):
                        continue  # the last line of one that was killed
        except FileNotFoundError:
            return {}, 0.0
        except OSError as e:
            log.error("%s cannot be read, limits begin full: %s", self._path, e.strerror)
            return {}, 0.0
        return levels, max(self._wall() - last - ALIVE_S, 0.0)

    def write(self, floors: Iterable[tuple[BucketId, float]]) -> None:
        """Add floors."""
        now = self._wall()
        lines = [json.dumps({"at": now, "id": id_, "level": level}) for id_, level in floors]
        if not lines and now - self._alive_at < ALIVE_S:
            return
        self._alive_at = now
        lines.append(json.dumps({"at": now}))
        self._append("".join(f"{line}\n" for line in lines).encode())

    @property
    def large(self) -> bool:
        """Whether it should be written anew."""
        return self._file is not None and self._file.tell() > MAX_BYTES

    def rewrite(self, floors: Mapping[BucketId, float]) -> None:
        """All that is to be known, in place of what there is."""
        self.close()
        now = self._wall()
        beside = self._path.with_suffix(".tmp")
        lines = [{"at": now}, *({"at": now, "id": i, "level": v} for i, v in floors.items())]
        try:
            beside.write_text("".join(json.dumps(line) + "\n" for line in lines))
            beside.replace(self._path)
        except OSError as e:
            self._complain(e)

    def close(self) -> None:
        """Nothing is written any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, data: bytes) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("ab", buffering=0)
                if self._file.tell():
                    data = b"\n" + data  # behind a line that was cut off
            self._file.write(data)
        except OSError as e:
            self._complain(e)

    def _complain(self, problem: OSError) -> None:
        if not self._failed:
            self._failed = True
            log.error("%s cannot be written: %s", self._path, problem.strerror)
