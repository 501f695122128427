"""What a place that remembers applied configs must do.

A revision is durable before its snapshot is served, so after a crash the control plane starts with
what its data planes have, or with what was never served to any.
"""

from dataclasses import dataclass
from typing import Protocol


class RevisionsError(Exception):
    """The store cannot be read or written; the text says where it is and why."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One applied config."""

    number: int
    """1, 2, 3 ...: no gaps, never used again."""
    config: str
    """The text as it was given. Secrets are not in it: the checks refuse them."""
    file_name: str
    author: str
    snapshot_version: str
    applied_at: float
    """Seconds since 1970, UTC."""


class Revisions(Protocol):
    """Where revisions are kept. Calls block: run them in a thread. Each raises RevisionsError."""

    def append(
        self, config: str, file_name: str, author: str, snapshot_version: str, applied_at: float
    ) -> Revision:
        """Remember a config and return when it is on disk.

        When the newest revision has the same text and snapshot it is returned, and none is made.
        """

    def latest(self) -> Revision | None:
        """The newest revision; None before the first one."""

    def get(self, number: int) -> Revision | None:
        """A revision by its number; None when there is none."""

    def history(self, limit: int) -> tuple[Revision, ...]:
        """The newest revisions, newest first."""
