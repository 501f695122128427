"""The filters of a chain, one after another: each sees what the one before it made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from dataplane.filters.api import Context, Continue, Filter, Verdict, asks
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import Request


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
    filters: Iterable[Filter], request: Request, context: Context
) -> Steps[Verdict]:
    """Pass a request through all filters, or to the first that answers itself."""
    for one in filters:
        verdict = one.on_request(request, context)
        if type(verdict) is Continue:  # (most are so, and this is for each of ten)
            request = verdict.request
            continue
        if asks(verdict):
            verdict = yield from verdict
        if isinstance(verdict, Continue):
            request = verdict.request
        elif not one.lets_pass(verdict):
            return replace(verdict, filter=verdict.filter or one.id)
    return Continue(request)
