"""What attempts beside a request's first are charged to, all of it or nothing."""

from collections.abc import Sequence
from typing import Protocol


class Allowance(Protocol):
    """What retries at the same time are charged to (budget.RetryBudget)."""

    def take(self) -> bool:
        """One more retry runs; False: there may not be one."""

    def give_back(self) -> None:
        """A retry that was taken has ended."""


class Charged:
    """What one attempt has taken. Take again only after `give_back`."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: Sequence[Allowance] = ()

    def take(self, budgets: Sequence[Allowance]) -> bool:
        """One more of every budget, or of none."""
        taken: list[Allowance] = []
        for budget in budgets:
            if not budget.take():
                for one in taken:
                    one.give_back()
                return False
            taken.append(budget)
        self._held = taken
        return True

    def give_back(self) -> None:
        """The attempt has ended. May be called more than once."""
        held, self._held = self._held, ()
        for budget in held:
            budget.give_back()
