"""What whoever looks at a request before it is sent may decide about it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Orders:
    """What somebody who has looked at a request before has decided about it."""

    models: Sequence[str] = ()
    """Tried in this order, instead of the one that the request names."""
    told: bytes = b""
    """Header lines that the answer gets."""
    marks: int = 0
    """From how many tokens on a provider is told what to cache, unless 0."""
