"""The filters of a chain, one after another: each sees what the one before it made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dataplane.filters.api import Context, Continue, Filter, Verdict, asks
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, Request


@dataclass(frozen=True, slots=True)
class Chain:
    """Filters of one configuration, in their order."""

    names: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    asked: tuple[Filter, ...] = ()
    """The same as they are asked about requests: several may be one (Filter.together)."""
    in_task: bool = False
    """Whether it may only be run within a task; see Filter.in_task."""
    hears: bool = False
    """Whether any of them may have something to do with answers."""


EMPTY = Chain()


def chained(names: tuple[str, ...], filters: Sequence[Filter]) -> Chain:
    """A chain of these."""
    in_task = any(one.in_task for one in filters)
    hears = any(one.wants_answers for one in filters)
    asked: list[Filter] = []
    for make, group in groupby(filters, lambda one: one.together):
        several = tuple(group)
        asked += several if make is None or len(several) < 2 else (make(several),)
    return Chain(names, tuple(filters), tuple(asked), in_task, hears)


def run_request_chain(
    filters: Sequence[Filter], request: Request, context: Context
) -> Steps[Verdict]:
    """Pass a request through all filters, or to the first that answers itself."""
    made = passed_on(filters, request, context)
    return made if isinstance(made, (Continue, LocalReply)) else (yield from made)


def passed_on(
    filters: Sequence[Filter], request: Request, context: Context
) -> Verdict | Steps[Verdict]:
    """The same; steps only where one of them asks for something, which most do not."""
    for at, one in enumerate(filters):
        verdict = one.on_request(request, context)
        if type(verdict) is Continue:  # (most are so, and this is for each of ten)
            request = verdict.request
            continue
        if asks(verdict):
            return _rest(filters, at, verdict, request, context)
        if isinstance(verdict, Continue):
            request = verdict.request
        elif not one.lets_pass(verdict):
            return replace(verdict, filter=verdict.filter or one.id)
    return Continue(request)


def _rest(
    filters: Sequence[Filter],
    at: int,
    begun: Steps[Verdict],
    request: Request,
    context: Context,
) -> Steps[Verdict]:
    """One asks for something: its word, then the others'."""
    one = filters[at]
    verdict = yield from begun
    if isinstance(verdict, Continue):
        request = verdict.request
    elif not one.lets_pass(verdict):
        return replace(verdict, filter=verdict.filter or one.id)
    return (yield from run_request_chain(filters[at + 1 :], request, context))
