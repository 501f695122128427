"""The judge of the sixteen scenarios is strict, and means what the reference says."""

from dataclasses import replace

import pytest

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard, Kind, heard
from tests.faults.speech import Chat, Messages, Responses, Speech, openai_error
from tests.faults.verdict import (
    Check,
    Run,
    Verdict,
    at_most,
    exactly_one,
    gap,
    judge,
    returns_within,
    second_attempt,
    spares_primary,
)
from tests.faults.wall import Attempt
from tests.faults.words import ANSWER, TOKENS
from tests.support.raw_client import Reply

WELL = Heard(Protocol.CHAT, 0.1, 200, Kind.WHOLE)
YES = Check("yes", lambda run: True)
NO = Check("no", lambda run: False)
ADVICE = Check("better not", lambda run: False, advisory=True)


def run_of(kind: Kind, after: Heard | None = WELL) -> Run:
    return Run([replace(WELL, kind=kind)], [0.0], [], [], "p", "f", after)


def attempts(*at: float, status: int = 503) -> list[Attempt]:
    made = [Attempt(one, "p", Protocol.CHAT, n, {}, []) for n, one in enumerate(at, 1)]
    for one in made:
        one.status = status
    return made


@pytest.mark.parametrize(
    ("kind", "check", "verdict"),
    [
        (Kind.WHOLE, YES, Verdict.PASS),
        (Kind.WHOLE, ADVICE, Verdict.PARTIAL),
        (Kind.WHOLE, NO, Verdict.FAIL),
        (Kind.ERROR, YES, Verdict.SAFE),
        (Kind.CUT, ADVICE, Verdict.SAFE),
        (Kind.ERROR, NO, Verdict.FAIL),
        (Kind.TRUNCATED, YES, Verdict.FAIL),
        (Kind.GARBLED, YES, Verdict.FAIL),
        (Kind.HANG, YES, Verdict.FAIL),
    ],
)
def test_verdict(kind: Kind, check: Check, verdict: Verdict) -> None:
    assert judge(run_of(kind), [check]).verdict is verdict


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (Kind.ERROR, Verdict.PASS),
        (Kind.WHOLE, Verdict.PARTIAL),
        (Kind.CUT, Verdict.PARTIAL),
        (Kind.TRUNCATED, Verdict.FAIL),
    ],
)
def test_verdict_where_the_error_is_the_answer(kind: Kind, verdict: Verdict) -> None:
    assert judge(run_of(kind), [], wants_error=True).verdict is verdict


@pytest.mark.parametrize(
    "after", [None, replace(WELL, kind=Kind.ERROR), replace(WELL, seconds=11.0)]
)
def test_gateway_that_is_not_well_afterwards_fails(after: Heard | None) -> None:
    assert judge(run_of(Kind.WHOLE, after), []).verdict is Verdict.FAIL


def test_one_bad_answer_of_many_fails() -> None:
    run = run_of(Kind.WHOLE)
    run.heard.append(replace(WELL, kind=Kind.TRUNCATED))
    assert judge(run, []).verdict is Verdict.FAIL


def test_checks_count_what_reached_the_wall() -> None:
    run = run_of(Kind.WHOLE)
    run.primary = attempts(10.0, 11.9, 13.0)
    assert at_most(3).holds(run)
    assert not at_most(2).holds(run)
    assert not exactly_one().holds(run)
    assert second_attempt().holds(run)
    assert gap(1.8).holds(run)
    assert not gap(2.0).holds(run)


def test_primary_must_come_back_after_its_outage_and_be_spared_in_it() -> None:
    run = run_of(Kind.WHOLE)
    run.outage_s = 60.0
    run.primary = attempts(10.0, 10.1, 40.0)
    assert not returns_within(30.0).holds(run)
    assert spares_primary(3).holds(run)
    assert not spares_primary(2).holds(run)
    run.primary += attempts(99.0, status=200)
    assert returns_within(30.0).holds(run)
    assert not returns_within(28.0).holds(run)
    assert spares_primary(3).holds(run)


# -- what a client can make of bytes

SPEECHES: list[type[Speech]] = [Chat, Messages, Responses]


def got(speech: Speech, body: bytes, *, ended: bool = True) -> Heard:
    reply = Reply(200, {"content-type": "text/event-stream"}, body, ended)
    return heard(speech.protocol, reply, 0.1)


def spoken(speech: Speech, words: int) -> bytes:
    return speech.begin() + b"".join(map(speech.token, TOKENS[:words]))


@pytest.mark.parametrize("of", SPEECHES)
def test_all_of_it_is_whole(of: type[Speech]) -> None:
    speech = of("m", 1, wants_usage=True)
    made = got(speech, spoken(speech, 60) + speech.finish() + speech.last())
    assert (made.kind, made.text, made.output_tokens) == (Kind.WHOLE, ANSWER, 60)


@pytest.mark.parametrize("of", SPEECHES)
def test_part_of_it_with_an_end_is_truncated(of: type[Speech]) -> None:
    speech = of("m", 1, wants_usage=True)
    made = got(speech, spoken(speech, 40) + speech.finish() + speech.last())
    assert made.kind is Kind.TRUNCATED


@pytest.mark.parametrize("of", SPEECHES)
def test_part_of_it_is_truncated_when_the_body_ends_and_cut_when_it_does_not(
    of: type[Speech],
) -> None:
    speech = of("m", 1, wants_usage=True)
    body = spoken(speech, 40)
    assert got(speech, body).kind is Kind.TRUNCATED
    assert got(speech, body, ended=False).kind is Kind.CUT


@pytest.mark.parametrize("of", SPEECHES)
def test_word_too_many_is_garbled(of: type[Speech]) -> None:
    speech = of("m", 1, wants_usage=True)
    body = spoken(speech, 60) + speech.token(" more") + speech.finish() + speech.last()
    assert got(speech, body).kind is Kind.GARBLED


@pytest.mark.parametrize("of", SPEECHES)
def test_error_that_is_told_is_an_error_unless_a_success_follows(of: type[Speech]) -> None:
    speech = of("m", 1, wants_usage=True)
    body = spoken(speech, 40) + speech.failed(503, "server_error", "Broken.")
    made = got(speech, body)
    assert (made.kind, "Broken." in made.error) == (Kind.ERROR, True)
    assert got(speech, body, ended=False).kind is Kind.ERROR
    if speech.protocol is not Protocol.CHAT:  # its last sign says only that the stream is over
        body += speech.finish() + speech.last()
        assert got(speech, body).kind is Kind.GARBLED


def test_error_in_the_form_of_another_api_is_none() -> None:
    reply = Reply(503, {}, openai_error("server_error", "Broken."), True)
    assert heard(Protocol.CHAT, reply, 0.1).kind is Kind.ERROR
    assert heard(Protocol.MESSAGES, reply, 0.1).kind is Kind.GARBLED
