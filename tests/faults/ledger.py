"""What providers sent against what clients got: every request ends in one truthful outcome.

The rule: nothing is explained away. What a killed worker takes with it is allowed for exactly the
requests that were under way when it was killed, and that no client can take for an answer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.faults.hearing import Heard, Kind

MOST_ATTEMPTS = 3 * 3 + 4 + 1
"""Three candidates with two retries each, four ways to recover, one on a stale connection."""
KILL_LASTS_S = 1.0
"""How long after a kill the kernel still gives new connections to who is dead."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt, as the provider saw it."""

    id: str
    model: str
    at: float
    until: float
    fault: str
    status: int
    tokens: int
    prefill: bool
    ended: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as its client saw it."""

    id: str
    model: str
    at: float
    until: float
    heard: Heard | None
    """None: there was no answer at all, not a byte."""
    left: bool = False
    """The client did not wait for the end."""
    note: str = ""
    """What its connection did."""


@dataclass(slots=True)
class Account:
    """The outcome of all."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Sentences; none is right."""
    recovered: int = 0
    """Whole answers after a stream that broke in the middle."""
    failed_over: int = 0
    """Whole answers that took more than one attempt."""
    attempts: int = 0


def settle(
    asked: Sequence[Asked], sent: Iterable[Sent], killed_at: Sequence[float] = ()
) -> Account:
    """Hold both books against each other."""
    account = Account()
    by_id: defaultdict[str, list[Sent]] = defaultdict(list)
    for attempt in sent:
        by_id[attempt.id].append(attempt)
        account.attempts += 1
    for request in asked:
        attempts = by_id.pop(request.id, [])
        outcome, problem = _outcome(request, attempts, _is_killed(request, killed_at))
        account.outcomes[outcome] += 1
        if problem:
            account.wrong.append(_sentence(request, attempts, problem))
        if outcome == "whole":
            account.failed_over += len(attempts) > 1
            account.recovered += any(one.tokens and one.ended != "whole" for one in attempts)
    account.wrong += [
        f"{name}: attempts that nobody asked for: {strays[:3]}" for name, strays in by_id.items()
    ]
    return account


def _outcome(request: Asked, attempts: Sequence[Sent], killed: bool) -> tuple[str, str]:
    """What it is, and what is wrong with it."""
    if len(attempts) > MOST_ATTEMPTS:
        return "storm", f"{len(attempts)} attempts"
    got = request.heard
    if request.left:
        return "left", ""
    if got is None:
        return "no answer", "" if killed else "no answer, and no worker was killed"
    match got.kind:
        case Kind.WHOLE:
            whole = any(one.ended == "whole" for one in attempts)
            return "whole", "" if whole else "whole, but no provider sent it all"
        case Kind.ERROR:
            return "error", _lie(got, attempts)
        case Kind.CUT:
            return "cut", "" if killed else "cut without a word, and no worker was killed"
        case _:
            return got.kind.value, str(got)


def _lie(got: Heard, attempts: Sequence[Sent]) -> str:
    """What is wrong with an error; nothing when it is true."""
    if any(one.ended == "whole" for one in attempts):
        return "an error, although a provider had sent the whole answer"
    told_by_us = "x-outrider-detail" in got.headers
    passed_on = got.status != 200 and not told_by_us
    if passed_on and got.status not in {one.status for one in attempts}:
        return "an error with a status that no provider sent"
    return ""


def _is_killed(request: Asked, killed_at: Sequence[float]) -> bool:
    """Whether a worker was killed while it was under way, or just before it came."""
    return any(request.at - KILL_LASTS_S <= at <= request.until for at in killed_at)


def _sentence(request: Asked, attempts: Sequence[Sent], problem: str) -> str:
    tried = [f"{one.model} {one.fault} {one.status} {one.tokens} {one.ended}" for one in attempts]
    when = f"{request.at:.3f} to {request.until:.3f} {request.note}"
    return f"{request.id} {request.model} {when}: {problem} ({request.heard}); attempts: {tried}"


def compare_log(asked: Sequence[Asked], lines: Mapping[str, int], killed: bool) -> list[str]:
    """The access log has one line for each request that was answered; `lines` counts them by id.

    A killed worker takes its last lines with it, so fewer is a lie only when none was killed.
    """
    wrong = []
    missing = 0
    for request in asked:
        count = lines.get(request.id, 0)
        if count > 1:
            wrong.append(f"{request.id}: {count} lines in the access log")
        missing += count == 0 and request.heard is not None and not request.left
    if missing and not killed:
        wrong.append(f"{missing} requests are not in the access log")
    return wrong
