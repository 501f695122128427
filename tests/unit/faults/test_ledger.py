"""The books of the soak are held against each other without mercy."""

from dataclasses import replace

import pytest

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard, Kind
from tests.faults.ledger import Asked, Sent, compare_log, settle

WELL = Heard(Protocol.CHAT, 0.1, 200, Kind.WHOLE)
ASKED = Asked("a", "m", 10.0, 10.5, WELL)
SENT = Sent("a", "m", 10.1, 10.4, "healthy", 200, 60, False, "whole")
BROKEN = replace(SENT, fault="dies", tokens=40, ended="closed")
FAILED = replace(SENT, fault="down", status=503, tokens=0, ended="503")


def got(kind: Kind, status: int = 200, **headers: str) -> Asked:
    return replace(ASKED, heard=replace(WELL, kind=kind, status=status, headers=headers))


def test_whole_answer_that_was_sent_is_fine() -> None:
    account = settle([ASKED], [SENT])
    assert (account.wrong, dict(account.outcomes)) == ([], {"whole": 1})


def test_whole_answer_that_nobody_sent_is_wrong() -> None:
    assert "no provider sent it all" in settle([ASKED], [BROKEN]).wrong[0]


def test_failover_and_recovery_are_counted() -> None:
    account = settle([ASKED], [FAILED, SENT])
    assert (account.failed_over, account.recovered, account.wrong) == (1, 0, [])
    account = settle([ASKED], [BROKEN, SENT])
    assert (account.failed_over, account.recovered, account.wrong) == (1, 1, [])


def test_error_after_a_whole_answer_is_a_lie() -> None:
    assert "had sent the whole answer" in settle([got(Kind.ERROR, 502)], [SENT]).wrong[0]


def test_error_must_have_a_status_that_was_sent_or_be_ours() -> None:
    assert settle([got(Kind.ERROR, 503)], [FAILED]).wrong == []
    assert "no provider sent" in settle([got(Kind.ERROR, 500)], [FAILED]).wrong[0]
    ours = got(Kind.ERROR, 504, **{"x-outrider-detail": "upstream_silent"})
    assert settle([ours], [FAILED]).wrong == []


@pytest.mark.parametrize("kind", [Kind.TRUNCATED, Kind.GARBLED, Kind.HANG])
def test_what_looks_wrong_is_wrong_even_beside_a_kill(kind: Kind) -> None:
    assert settle([got(kind)], [SENT], [10.2]).wrong != []


def test_cut_and_silence_are_for_kills_alone() -> None:
    nothing = replace(ASKED, heard=None)
    for one in (got(Kind.CUT), nothing):
        assert settle([one], [BROKEN]).wrong != []
        assert settle([one], [BROKEN], [10.2]).wrong == []
        assert settle([one], [BROKEN], [9.5]).wrong == []
        assert settle([one], [BROKEN], [8.0]).wrong != []
        assert settle([one], [BROKEN], [10.6]).wrong != []


def test_client_that_left_owes_nothing() -> None:
    account = settle([replace(ASKED, heard=None, left=True)], [BROKEN])
    assert (account.wrong, dict(account.outcomes)) == ([], {"left": 1})


def test_attempts_without_a_request_and_storms_are_wrong() -> None:
    assert "nobody asked" in settle([], [SENT]).wrong[0]
    assert "20 attempts" in settle([ASKED], [SENT] * 20).wrong[0]


def test_log_has_each_answer_once() -> None:
    assert compare_log([ASKED], {"a": 1}, killed=False) == []
    assert compare_log([ASKED], {"a": 2}, killed=True) != []
    assert compare_log([ASKED], {}, killed=False) != []
    assert compare_log([ASKED], {}, killed=True) == []
