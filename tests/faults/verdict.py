"""What a scenario came to: pass, partial, safe or fail, in the sense of the reference.

The rule: `pass` is the complete answer (or, where the fault is the client's own, the clean error)
with every check clean; `partial` the same with an advisory check failed; `safe` a bounded clean
error in place of the answer; everything else is `fail`: a hang, a truncated answer that looks
finished, a required check, a gateway that is not well afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tests.faults.hearing import Heard, Kind
from tests.faults.wall import Attempt


class Verdict(IntEnum):
    """Worse ones are smaller."""

    FAIL = 0
    SAFE = 1
    PARTIAL = 2
    PASS = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(slots=True)
class Run:
    """Everything that is known of one scenario when it is over."""

    heard: list[Heard]
    """What the client got, request by request."""
    asked_at: list[float]
    """When, on the wall's clock."""
    primary: list[Attempt]
    fallback: list[Attempt]
    primary_model: str
    fallback_model: str
    after: Heard | None = None
    """The healthy request after it."""
    outage_s: float = 0.0
    refused_prefill: bool = False

    @property
    def first(self) -> Heard:
        """The answer, of scenarios with one request."""
        return self.heard[0]

    @property
    def began(self) -> float:
        """When the first attempt came to the wall."""
        return self.primary[0].at if self.primary else self.asked_at[0]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so."""

    what: str
    holds: Callable[[Run], bool]
    advisory: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and why it is not a better one."""

    verdict: Verdict
    reasons: Sequence[str] = field(default_factory=tuple)


LOOKS_WRONG = (Kind.HANG, Kind.TRUNCATED, Kind.GARBLED)
WELL_WITHIN_S = 10.0


def judge(run: Run, checks: Sequence[Check], *, wants_error: bool = False) -> Judged:
    """The verdict over a run."""
    wanted = Kind.ERROR if wants_error else Kind.WHOLE
    bad = [str(one) for one in run.heard if one.kind in LOOKS_WRONG]
    after = run.after
    if after is None or after.kind is not Kind.WHOLE or after.seconds > WELL_WITHIN_S:
        bad.append(f"not well afterwards: {after}")
    bad += [f"not so: {one.what}" for one in checks if not one.advisory and not one.holds(run)]
    other = [str(one) for one in run.heard if one.kind is not wanted]
    if bad:
        return Judged(Verdict.FAIL, [*bad, *(one for one in other if one not in bad)])
    advice = [f"not so: {one.what}" for one in checks if one.advisory and not one.holds(run)]
    if wants_error and other:
        return Judged(Verdict.PARTIAL, [*other, *advice])
    if other:
        return Judged(Verdict.SAFE, [*other, *advice])
    return Judged(Verdict.PARTIAL if advice else Verdict.PASS, advice)


# -- checks


def within(seconds: float, *, advisory: bool = False) -> Check:
    """The client waits no longer than this."""
    return Check(
        f"done within {seconds:g} s",
        lambda run: all(one.seconds <= seconds for one in run.heard),
        advisory,
    )


def at_most(attempts: int) -> Check:
    """On the primary, in all."""
    return Check(
        f"at most {attempts} attempts on the primary",
        lambda run: 1 <= len(run.primary) <= attempts,
    )


def at_least(attempts: int) -> Check:
    """On the primary, in all."""
    return Check(
        f"at least {attempts} attempts on the primary",
        lambda run: len(run.primary) >= attempts,
        advisory=True,
    )


def exactly_one(*, advisory: bool = False) -> Check:
    """On the primary, in all."""
    return Check("one attempt on the primary", lambda run: len(run.primary) == 1, advisory)


def at_most_in(attempts: int, seconds: float) -> Check:
    """On whichever model, from the first attempt on."""
    return Check(
        f"at most {attempts} attempts in {seconds:g} s",
        lambda run: (
            sum(one.at - run.began <= seconds for one in [*run.primary, *run.fallback]) <= attempts
        ),
    )


def second_attempt() -> Check:
    """Somewhere."""
    return Check(
        "there is a second attempt",
        lambda run: len(run.primary) + len(run.fallback) >= 2,
        advisory=True,
    )


def gap(seconds: float) -> Check:
    """Between the first attempt and the second one on the same model."""
    return Check(
        f"{seconds:g} s between the attempts on the primary",
        lambda run: len(run.primary) < 2 or run.primary[1].at - run.primary[0].at >= seconds,
        advisory=True,
    )


def usage_told() -> Check:
    """Of the whole answer."""
    return Check("usage is told", lambda run: run.first.output_tokens == 60, advisory=True)


def names_fallback() -> Check:
    """The answer says who gave it, and what it took."""
    return Check(
        "the fallback's name and usage",
        lambda run: (
            run.first.kind is not Kind.WHOLE
            or (run.first.model == run.fallback_model and run.first.output_tokens == 60)
        ),
    )


def tells(words: str) -> Check:
    """The provider's own reason reaches the client."""
    return Check(f"the client reads {words!r}", lambda run: words in run.first.error)


def prefill_refusal_unseen() -> Check:
    """The client never reads that a model takes no prefill."""
    return Check(
        "no prefill refusal reaches the client",
        lambda run: all(b"assistant message prefill" not in one.body for one in run.heard),
    )


def served_in_outage() -> Check:
    """Every request while the primary is down has its answer."""
    return Check(
        "all served during the outage",
        lambda run: all(
            one.kind is Kind.WHOLE
            for at, one in zip(run.asked_at, run.heard, strict=True)
            if at - run.began < run.outage_s
        ),
    )


def returns_within(seconds: float) -> Check:
    """The primary is used again."""
    return Check(
        f"the primary is used again within {seconds:g} s of its recovery",
        lambda run: any(
            one.status == 200 and one.at - run.began - run.outage_s <= seconds
            for one in run.primary
        ),
    )


def spares_primary(attempts: int) -> Check:
    """A circuit opens: the primary is not asked as often as there are requests and retries."""
    return Check(
        f"at most {attempts} attempts on the primary during the outage",
        lambda run: sum(one.at - run.began < run.outage_s for one in run.primary) <= attempts,
        advisory=True,
    )
