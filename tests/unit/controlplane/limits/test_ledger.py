"""Who gets what of the shared buckets, and what is called back."""

import pytest

from controlplane.limits.account import Line, Spec
from controlplane.limits.ledger import Denial, Grant, Ledger, Recall
from controlplane.limits.session import Session

ID = ("team", "tokens", ("acme",))
STREAMS = ("team", "concurrent", ("acme",))
SPECS = {("team", "tokens"): Spec(100, 1.0), ("team", "concurrent"): Spec(2, 0.0, returns=True)}


def _ledger() -> Ledger:
    ledger = Ledger(ttl_s=10.0)
    ledger.configure(SPECS, 0.0)
    return ledger


def _open(ledger: Ledger, holder: str = "node/0", incarnation: str = "1") -> Session:
    return ledger.open(holder, incarnation, 0.0)[0]


def test_a_need_is_granted_with_a_part_of_what_is_wanted_ahead() -> None:
    ledger = _ledger()
    session = _open(ledger)
    (grant,) = ledger.report(session, [Line(ID, need=10, ahead=20)], 0.0)
    assert grant == Grant(session, ID, 30, 70)
    (grant,) = ledger.report(session, [Line(ID, granted=30, ahead=1000)], 0.0)
    assert grant == Grant(session, ID, 65, 35)


def test_what_is_on_its_way_is_not_given_twice() -> None:
    ledger = _ledger()
    session = _open(ledger)
    ledger.report(session, [Line(ID, need=10)], 0.0)
    assert ledger.report(session, [Line(ID, need=10)], 0.0) == []


def test_what_others_hold_unused_is_called_back_for_one_who_needs_it() -> None:
    ledger = _ledger()
    rich, poor = _open(ledger), _open(ledger, "node/1")
    ledger.report(rich, [Line(ID, need=90)], 0.0)
    assert ledger.report(poor, [Line(ID, need=50)], 0.0) == [Recall(rich, ID)]
    answer = Line(ID, granted=90, spent=30, returned=60, recalled=True)
    assert ledger.report(rich, [answer], 0.0) == [Grant(poor, ID, 50, 20)]


def test_a_need_that_a_recall_does_not_meet_gets_what_there_is_and_a_refusal() -> None:
    ledger = _ledger()
    rich, poor = _open(ledger), _open(ledger, "node/1")
    ledger.report(rich, [Line(ID, need=90)], 0.0)
    ledger.report(poor, [Line(ID, need=50)], 0.0)
    answer = Line(ID, granted=90, spent=90, recalled=True)
    assert ledger.report(rich, [answer], 0.0) == [Grant(poor, ID, 10, 0), Denial(poor, ID, 0)]


def test_nobody_is_asked_for_what_cannot_be_enough() -> None:
    ledger = _ledger()
    rich, poor = _open(ledger), _open(ledger, "node/1")
    ledger.report(rich, [Line(ID, need=90)], 0.0)
    ledger.report(rich, [Line(ID, granted=90, spent=80)], 0.0)
    assert ledger.report(poor, [Line(ID, need=50)], 0.0) == [
        Grant(poor, ID, 10, 0),
        Denial(poor, ID, 0),
    ]


def test_a_crashed_workers_lease_is_spent_when_it_expires_and_only_once() -> None:
    ledger = _ledger()
    dead, other = _open(ledger), _open(ledger, "node/1")
    ledger.report(dead, [Line(ID, need=60), Line(STREAMS, need=2)], 0.0)
    ledger.lose(dead, 0.0)
    assert ledger.report(other, [Line(STREAMS, need=1)], 0.0) == [Denial(other, STREAMS, 0)]
    assert ledger.expire(9.9) == []
    ledger.beat(other, 9.9)
    ledger.expire(10.0)
    assert ledger.report(other, [Line(ID, need=40), Line(STREAMS, need=2)], 10.0) == [
        Grant(other, ID, 40, 0),
        Grant(other, STREAMS, 2, 0),
    ]
    assert ledger.report(other, [Line(ID, 40, 40, need=11)], 20.0)[1:] == [Denial(other, ID, 0)]


def test_a_worker_that_comes_again_has_its_streams_free_at_once() -> None:
    ledger = _ledger()
    before = _open(ledger)
    ledger.report(before, [Line(STREAMS, need=2)], 0.0)
    ledger.lose(before, 0.0)
    again = _open(ledger)
    assert ledger.report(again, [Line(STREAMS, need=2)], 0.0) == [Grant(again, STREAMS, 2, 0)]


def test_another_process_of_the_same_name_waits_for_the_lease_of_the_first() -> None:
    ledger = _ledger()
    ledger.report(_open(ledger), [Line(STREAMS, need=2)], 0.0)
    other = _open(ledger, incarnation="2")
    first = next(iter(ledger.sessions))
    assert ledger.report(other, [Line(STREAMS, need=1)], 0.0) == [Recall(first, STREAMS)]


def test_a_limit_that_is_gone_holds_nobody_up() -> None:
    ledger = _ledger()
    session = _open(ledger)
    gone = ("old", "tokens", ())
    assert ledger.report(session, [Line(gone, granted=5, need=7)], 0.0) == [
        Grant(session, gone, 12, 0.0)
    ]


def test_what_was_written_down_is_where_the_next_one_begins() -> None:
    ledger = _ledger()
    session = _open(ledger)
    ledger.report(session, [Line(ID, need=60)], 0.0)
    ((id_, floor),) = ledger.sunk(0.0)
    assert (id_, floor) == (ID, 40 - 12.5)
    assert ledger.floors(0.0, exact=True) == {ID: 40}
    after = _ledger()
    after.restore({ID: floor}, 0.0)
    new = _open(after)
    assert after.report(new, [Line(ID, need=60)], 0.0)[0] == Grant(new, ID, 27, 0.5)
    assert after.floors(0.0) == {ID: 0.5}


def test_buckets_that_are_full_again_are_forgotten() -> None:
    ledger = _ledger()
    session = _open(ledger)
    ledger.report(session, [Line(ID, need=60)], 0.0)
    ledger.report(session, [Line(ID, granted=60, spent=60, closed=True)], 1.0)
    ledger.sweep(30.0)
    assert [one.id for one in ledger.standings(30.0)] == [ID]
    ledger.sweep(61.0)
    ledger.sweep(61.0)
    assert ledger.standings(61.0) == []


def test_what_workers_gave_themselves_beyond_the_limit_is_told() -> None:
    ledger = _ledger()
    session = _open(ledger)
    ledger.report(session, [Line(ID, self_granted=120, spent=120)], 0.0)
    ledger.sunk(0.0)
    assert ledger.owed(0.0)["team", "tokens"] == 20.0
    assert ledger.owed(20.0)["team", "tokens"] == 0.0


def test_what_is_out_is_summed_up_by_limit() -> None:
    ledger = _ledger()
    session = _open(ledger)
    other = (*ID[:2], ("umbrella",))
    ledger.report(session, [Line(ID, need=30), Line(other, need=20)], 0.0)
    assert ledger.leased()["team", "tokens"] == 50
    ledger.report(session, [Line(ID, granted=30, spent=10, returned=5)], 0.0)
    assert ledger.leased()["team", "tokens"] == 35
    ledger.end(session, 0.0)
    assert ledger.leased()["team", "tokens"] == 0


RUN = ("run:desk", "tokens", ("run-1",))


def test_the_bucket_of_a_run_is_forgotten_when_the_run_is_over() -> None:
    ledger = Ledger(ttl_s=10.0)
    ledger.configure({("run:desk", "tokens"): Spec(100, 1e-6, forget_s=60.0)}, 0.0)
    session = _open(ledger)
    ledger.report(session, [Line(RUN, need=1)], 0.0)
    ledger.report(session, [Line(RUN, granted=1, spent=90, self_granted=89, closed=True)], 1.0)
    ledger.sweep(60.0)
    assert [one.level for one in ledger.standings(60.0)] == [pytest.approx(10, abs=0.01)]
    assert ledger.floors(60.0)[RUN] < 11
    ledger.sweep(62.0)
    assert (ledger.standings(62.0), ledger.floors(62.0)) == ([], {})


def test_the_bucket_of_a_run_that_was_written_down_is_forgotten_as_well() -> None:
    ledger = Ledger(ttl_s=10.0)
    ledger.configure({("run:desk", "tokens"): Spec(100, 1e-6, forget_s=60.0)}, 0.0)
    ledger.restore({RUN: 5.0}, 0.0)
    assert RUN in ledger.floors(60.0)
    assert ledger.floors(61.0) == {}
