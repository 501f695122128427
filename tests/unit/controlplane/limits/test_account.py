"""One shared bucket: nothing is given twice, and never more than a bucket-full is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.limits.account import Account, Line, Spec
from controlplane.limits.session import Session

ID = ("team", "tokens", ())
BUCKET = Spec(100, rate=1.0)
STREAMS = Spec(5, rate=0.0, returns=True)


def _session() -> Session:
    return Session("node/0", "1", 10.0)


def test_what_is_given_is_taken_off_before_it_is_spent() -> None:
    account = Account(ID, BUCKET, 0.0)
    assert account.give(_session(), 60, 0.0) == 60
    assert (account.level(0.0), account.out) == (40, 60)


def test_what_is_out_counts_as_there_when_the_bucket_fills() -> None:
    account = Account(ID, BUCKET, 0.0)
    account.give(_session(), 60, 0.0)
    assert account.level(1000.0) == 40


def test_what_was_spent_comes_back_with_time() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    account.give(session, 60, 0.0)
    account.hear(session, Line(ID, granted=60, spent=60), 0.0)
    assert account.level(30.0) == 70
    assert account.level(1000.0) == 100


def test_a_self_grant_is_owed_and_paid_back() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    account.hear(session, Line(ID, self_granted=130, spent=130), 0.0)
    assert account.level(0.0) == -30
    assert account.level(40.0) == 10


def test_the_same_line_heard_twice_changes_nothing() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    account.give(session, 60, 0.0)
    line = Line(ID, granted=60, spent=20, returned=10, self_granted=5)
    account.hear(session, line, 0.0)
    before = account.level(0.0), account.out, account.spent
    account.hear(session, line, 0.0)
    assert (account.level(0.0), account.out, account.spent) == before == (45, 35, 20)


def test_more_than_was_given_cannot_be_returned() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    account.give(session, 60, 0.0)
    account.hear(session, Line(ID, granted=60, returned=1000), 0.0)
    assert account.level(0.0) == 100


def test_what_a_dead_worker_held_is_spent() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    account.give(session, 60, 0.0)
    account.end(session, 0.0)
    assert (account.level(0.0), account.out, account.spent) == (40, 0, 60)


def test_the_streams_of_a_dead_worker_are_free_again() -> None:
    account, session = Account(ID, STREAMS, 0.0), _session()
    account.give(session, 4, 0.0)
    account.end(session, 0.0)
    assert account.level(0.0) == 5


def test_a_worker_that_forgets_counts_from_zero_again() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    account.give(session, 60, 0.0)
    account.hear(session, Line(ID, granted=60, spent=40, returned=20, closed=True), 0.0)
    account.hear(session, Line(ID, self_granted=3, spent=3), 0.0)
    assert account.level(0.0) == 57


def test_another_limit_keeps_what_was_used() -> None:
    account = Account(ID, BUCKET, 0.0)
    account.give(_session(), 60, 0.0)
    account.resize(Spec(150, rate=2.0), 0.0)
    assert account.level(0.0) == 90


def test_the_floor_is_written_down_before_the_level_is_below_it() -> None:
    account, session = Account(ID, BUCKET, 0.0), _session()
    assert not account.sunk(0.0)
    account.give(session, 1, 0.0)
    assert account.sunk(0.0)
    assert account.floor == 99 - 12.5
    account.give(session, 10, 0.0)
    assert not account.sunk(0.0)
    account.give(session, 10, 0.0)
    assert account.sunk(0.0)


@pytest.mark.parametrize("spec", [BUCKET, STREAMS], ids=["bucket", "streams"])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["give", "spend", "return", "self", "end", "wait"]),
            st.integers(0, 1),
            st.integers(1, 50),
        ),
        max_size=40,
    )
)
def test_never_more_than_a_bucket_full_is_about(
    spec: Spec, steps: list[tuple[str, int, int]]
) -> None:
    now, account = 0.0, Account(ID, spec, 0.0)
    sessions = [_session(), _session()]
    said = [dict.fromkeys(("spent", "returned", "self_granted"), 0) for _ in sessions]
    for what, which, n in steps:
        session = sessions[which]
        if what == "wait":
            now += n
        elif what == "give":
            if n <= account.level(now):
                account.give(session, n, now)
        elif what == "end":
            account.end(session, now)
            said[which] = dict.fromkeys(said[which], 0)
        else:
            key = {"spend": "spent", "return": "returned", "self": "self_granted"}[what]
            out = account.given[session].out if session in account.given else 0
            said[which][key] += n if what == "self" else min(n, out)
            told = said[which]
            spent, returned = told["spent"], told["returned"]
            account.hear(session, Line(ID, 0, spent, returned, told["self_granted"]), now)
        assert account.level(now) + account.out <= spec.capacity + 1e-6
        assert account.out == sum(given.out for given in account.given.values())
