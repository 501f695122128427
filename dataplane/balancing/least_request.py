"""Power of two choices: of two endpoints taken at random, the one with fewer requests under way.

It protects against the herd: with full knowledge every worker would send to the same "best"
endpoint at once.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar


class Loaded(Protocol):
    """An endpoint as far as this policy is concerned."""

    @property
    def active(self) -> int:
        """Requests under way on it."""

    @property
    def weight(self) -> int:
        """Its share beside the others; 1 is ordinary."""


E = TypeVar("E", bound=Loaded)


def pick(endpoints: Sequence[E], random: Callable[[], float], avoid: Sequence[E] = ()) -> E | None:
    """Choose an endpoint that is not in `avoid`; None when there is none left.

    `random` returns floats in [0, 1). Load counts per unit of weight.
    """
    if avoid:
        endpoints = [e for e in endpoints if e not in avoid]
    count = len(endpoints)
    if count == 1:
        return endpoints[0]
    if count == 0:
        return None
    draw = int(random() * count * (count - 1))
    first, second = divmod(draw, count - 1)
    one = endpoints[first]
    other = endpoints[second + 1 if second >= first else second]
    if one.active == other.active and one.weight == other.weight:
        return one
    return one if (one.active + 1) * other.weight <= (other.active + 1) * one.weight else other
