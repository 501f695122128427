from dataclasses import dataclass

from dataplane.resilience.allowance import Charged


@dataclass(slots=True)
class Purse:
    """An Allowance with so many left."""

    left: int

    def take(self) -> bool:
        if self.left == 0:
            return False
        self.left -= 1
        return True

    def give_back(self) -> None:
        self.left += 1


def test_an_attempt_takes_one_of_every_budget() -> None:
    purses = [Purse(1), Purse(2)]
    assert Charged().take(purses)
    assert [purse.left for purse in purses] == [0, 1]


def test_where_one_budget_is_spent_nothing_is_taken_of_the_others() -> None:
    purses = [Purse(1), Purse(0), Purse(2)]
    charged = Charged()
    assert not charged.take(purses)
    charged.give_back()
    assert [purse.left for purse in purses] == [1, 0, 2]


def test_what_was_taken_goes_back_once() -> None:
    purse = Purse(1)
    charged = Charged()
    assert charged.take([purse])
    charged.give_back()
    charged.give_back()
    assert purse.left == 1
