"""The recovery machine, alone and against a model of what may follow what."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dataplane.resilience.recovery import (
    MAX_DIFFERENT,
    MAX_WAYS,
    Ended,
    How,
    Recoveries,
    Target,
    Way,
)
from dataplane.runtime.fault import Fault
from dataplane.runtime.retry import Recovery

FIRST, SECOND, THIRD = Target(0, False), Target(1, False), Target(2, True)
CONTINUE, RESUME = How.CONTINUE, How.RESUME
LOST = Fault.CONNECTION


@dataclass(slots=True)
class Purse:
    """An Allowance that counts."""

    room: int = 1
    taken: int = 0
    returned: int = 0

    def take(self) -> bool:
        if self.taken - self.returned >= self.room:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        self.returned += 1


def begun(wanted: Recovery = Recovery.CONTINUE) -> Recoveries:
    return Recoveries(wanted, deadline=100.0)


def test_model_that_takes_a_beginning_goes_on_before_anybody_is_asked_afresh() -> None:
    machine = begun()
    targets = (SECOND, THIRD, FIRST)
    assert machine.next(0, LOST, targets, 1.0, fits=True) == Way(CONTINUE, 2)
    assert machine.next(2, LOST, targets, 2.0, True, Ended.REFUSED) == Way(RESUME, 1)


def test_what_cannot_be_a_beginning_is_asked_for_afresh() -> None:
    assert begun().next(0, LOST, (THIRD,), 1.0, fits=False) == Way(RESUME, 2)
    assert begun(Recovery.RESUME).next(0, LOST, (THIRD,), 1.0, fits=True) == Way(RESUME, 2)


def test_refused_beginning_leads_to_the_same_candidate_afresh_and_is_no_fault_of_the_request() -> (
    None
):
    machine = begun()
    assert machine.next(0, LOST, (THIRD,), 1.0, fits=True) == Way(CONTINUE, 2)
    step = machine.next(2, Fault.INVALID, (THIRD,), 1.0, True, Ended.REFUSED)
    assert step == Way(RESUME, 2)


def test_candidate_that_broke_is_asked_again_last() -> None:
    machine = begun()
    assert machine.next(0, LOST, (SECOND, FIRST), 1.0, fits=True) == Way(RESUME, 1)
    assert machine.next(1, LOST, (SECOND, FIRST), 1.0, fits=True) == Way(RESUME, 0)
    assert machine.next(0, LOST, (SECOND, FIRST), 1.0, fits=True) is None


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.SLOW])
def test_candidate_that_was_silent_or_slow_is_not_asked_again(fault: Fault) -> None:
    assert begun().next(0, fault, (FIRST,), 1.0, fits=True) is None
    assert begun().next(0, fault, (SECOND, FIRST), 1.0, fits=True) == Way(RESUME, 1)


@pytest.mark.parametrize("fault", [Fault.FILTERED, Fault.INVALID, Fault.UNFIT, Fault.GONE])
def test_what_a_provider_would_say_again_is_the_truth(fault: Fault) -> None:
    assert begun().next(0, fault, (SECOND, THIRD), 1.0, fits=True) is None


def test_nothing_follows_when_the_operator_says_so_or_no_time_is_left() -> None:
    assert begun(Recovery.ERROR).next(0, LOST, (SECOND,), 1.0, fits=True) is None
    assert begun().next(0, LOST, (SECOND,), 100.0, fits=True) is None


def test_second_answer_that_differs_is_the_last() -> None:
    machine = begun()
    targets = (SECOND, THIRD, FIRST)
    assert machine.next(0, LOST, targets, 1.0, fits=False) == Way(RESUME, 1)
    assert machine.next(1, Fault.NONE, targets, 1.0, False, Ended.DIFFERED) == Way(RESUME, 2)
    assert machine.next(2, Fault.NONE, targets, 1.0, False, Ended.DIFFERED) is None


def test_same_candidate_again_is_charged_and_given_back_once() -> None:
    purse = Purse()
    machine = begun()
    targets = (Target(0, False, (purse,)),)
    assert machine.next(0, LOST, targets, 1.0, fits=True) == Way(RESUME, 0)
    assert (purse.taken, purse.returned) == (1, 0)
    machine.close()
    machine.close()
    assert (purse.taken, purse.returned) == (1, 1)


def test_other_candidate_is_not_charged() -> None:
    purse = Purse()
    assert begun().next(0, LOST, (Target(1, False, (purse,)),), 1.0, fits=True) == Way(RESUME, 1)
    assert purse.taken == 0


def test_without_room_in_one_budget_none_is_charged() -> None:
    wide, full = Purse(), Purse(room=0)
    targets = (Target(0, False, (wide, full)),)
    assert begun().next(0, LOST, targets, 1.0, fits=True) is None
    assert wide.taken == wide.returned == 1


class Requests(RuleBasedStateMachine):
    """Any sequence of what may happen to one request."""

    @initialize(
        wanted=st.sampled_from(Recovery),
        prefills=st.lists(st.booleans(), min_size=1, max_size=4),
        room=st.integers(0, 2),
    )
    def begin(self, wanted: Recovery, prefills: list[bool], room: int) -> None:
        self.machine = Recoveries(wanted, deadline=50.0)
        self.wanted = wanted
        self.now = 0.0
        self.purses = [Purse(room) for _ in prefills]
        self.targets = [
            Target(place, one, (purse,))
            for place, (one, purse) in enumerate(zip(prefills, self.purses, strict=True))
        ]
        self.place = 0
        self.asked = {0}
        self.absent: set[int] = set()
        self.used: list[Way] = []
        self.differed = 0
        self.over = False

    @precondition(lambda self: not self.over)
    @rule(
        fault=st.sampled_from(Fault),
        ended=st.sampled_from([Ended.BROKE, Ended.REFUSED, Ended.DIFFERED]),
        fits=st.booleans(),
        waited=st.floats(0, 20),
        reachable=st.sets(st.integers(0, 3)),
    )
    def ends(
        self, fault: Fault, ended: Ended, fits: bool, waited: float, reachable: set[int]
    ) -> None:
        if not self.used:
            ended = Ended.BROKE
        self.now += waited
        if fault in (Fault.SILENT, Fault.SLOW):
            self.absent.add(self.place)
        self.differed += ended is Ended.DIFFERED
        targets = [one for one in self.targets if one.place in reachable]
        step = self.machine.next(self.place, fault, targets, self.now, fits, ended)
        if step is None:
            self.over = True
            return
        assert self.wanted is not Recovery.ERROR
        assert self.now < 50.0
        assert self.differed < MAX_DIFFERENT
        assert step not in self.used
        assert step.place in reachable - self.absent
        if step.how is CONTINUE:
            assert fits
            assert self.wanted is Recovery.CONTINUE
            assert self.targets[step.place].prefills
        charged = sum(purse.taken - purse.returned for purse in self.purses)
        assert charged == (step.place in self.asked)
        self.used.append(step)
        self.place = step.place
        self.asked.add(step.place)

    @rule()
    def ends_whole(self) -> None:
        self.machine.close()
        self.over = True

    @invariant()
    def at_most_one_retry_is_charged_and_none_when_it_is_over(self) -> None:
        if not hasattr(self, "purses"):
            return
        held = sum(purse.taken - purse.returned for purse in self.purses)
        assert held <= (0 if self.over else 1)
        assert all(purse.returned <= purse.taken for purse in self.purses)
        assert len(self.used) <= MAX_WAYS


TestRequests = Requests.TestCase


@given(st.integers(1, 6))
def test_every_request_comes_to_an_end(candidates: int) -> None:
    machine = begun()
    targets = [Target(place, True) for place in range(candidates)]
    steps = 0
    place = 0
    while (step := machine.next(place, LOST, targets, 1.0, fits=True)) is not None:
        place = step.place
        steps += 1
    assert steps <= MAX_WAYS
