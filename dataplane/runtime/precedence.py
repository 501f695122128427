"""Whose requests begin first when a worker has more to do than it can."""

from enum import IntEnum


class Precedence(IntEnum):
    """Higher ones first."""

    LOW = 0
    DEFAULT = 1
    HIGH = 2
