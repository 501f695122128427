"""Smooth weighted round robin, as nginx does it: in turn, and those of more weight spread evenly
among the others instead of several times in a row.
"""

from collections.abc import Sequence
from typing import Generic

from dataplane.balancing.endpoint import E


class RoundRobin(Generic[E]):
    """Made anew whenever shares change; the turn goes on, as each endpoint keeps its own credit."""

    __slots__ = ("_endpoints",)

    def __init__(self, endpoints: Sequence[E]) -> None:
        self._endpoints = endpoints

    def pick(self, now: float, key: Sequence[int], avoid: Sequence[E]) -> E | None:
        """The endpoint whose turn it is, of those not in `avoid`; None when there is none left."""
        best: E | None = None
        whole = 0.0
        for one in self._endpoints:
            if avoid and one in avoid:
                continue
            share = one.share
            whole += share
            one.credit += share
            if best is None or one.credit > best.credit:
                best = one
        if best is not None:
            best.credit -= whole
        return best
