"""Python filters that follow one another in a chain, asked about a request in one go.

Rule: each has its own say, failure and timeout, as if they were asked one by one; but most look
and say nothing, and for these a call of the author's method is all that there is.
"""

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dataplane.filters.api import Context, Continue, Filter, Maybe, Verdict
from dataplane.filters.asked import Asked
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, Request

if TYPE_CHECKING:
    from dataplane.filters.python.filter import PythonFilter


class _Place:
    """Of the filter whose turn it is."""

    __slots__ = ("at", "waits")

    def __init__(self, at: int) -> None:
        self.at = at
        self.waits = False
        """Whether it waits for somebody: then the others are asked by whoever sees to that."""


class Together(Filter):
    """Several filters as one."""

    def __init__(self, several: Sequence["PythonFilter"]) -> None:
        """All of them look at requests."""
        self.id = several[0].id
        self.fails_open = False
        self.passed_over = 0
        self.in_task = any(one.in_task for one in several)
        self._filters = several
        self._asks = [(one.asks, one.in_task) for one in several]

    def on_request(self, request: Request, context: Context) -> Maybe[Verdict]:
        """See Filter."""
        place = _Place(0)
        last = len(self._filters) - 1
        while True:
            asked = context.read
            if asked is None or asked.request is not request or asked.is_lent:
                asked = Asked(request, context.operation)
            context.read = None
            verdict: Verdict
            try:
                if self.in_task:
                    # (The first step can be made here, within a task: most need no more.)
                    coroutine = self._looked(asked, context, place)
                    try:
                        waits_for = coroutine.send(None)
                    except StopIteration as end:
                        made = end.value
                    else:
                        place.waits = True
                        return self._waited(request, context, place, asked, coroutine, waits_for)
                else:
                    made = self._look(asked, context, place)
                one = self._filters[place.at]
                if made is None and not asked.is_read:  # (then all have been asked)
                    context.read = asked
                    return Continue(request)
                verdict = one.verdict(asked, context, made)
            except Exception as problem:
                one = self._filters[place.at]
                verdict = one.failed(problem)
            if isinstance(verdict, LocalReply):
                if not one.lets_pass(verdict):
                    return replace(verdict, filter=one.id)
            else:
                request = verdict.request
            if place.at == last:
                return Continue(request)
            place.at += 1

    def _look(self, asked: Asked, context: Context, place: _Place) -> object:
        """What the first filter says that says something, or has looked into it; else the last."""
        made = None
        for at in range(place.at, len(self._asks)):
            place.at = at
            made = self._asks[at][0](asked, context)
            if made is not None or asked.is_read:
                break
        return made

    async def _looked(self, asked: Asked, context: Context, place: _Place) -> object:
        """The same where some are coroutines, and up to the first that waits for somebody."""
        made = None
        for at in range(place.at, len(self._asks)):
            place.at = at
            ask, is_async = self._asks[at]
            made = ask(asked, context)
            if is_async:
                made = await made
                if place.waits:
                    break
            if made is not None or asked.is_read:
                break
        return made

    def _waited(
        self,
        request: Request,
        context: Context,
        place: _Place,
        asked: Asked,
        coroutine: Coroutine[Any, Any, object],
        waits_for: object,
    ) -> Steps[Verdict]:
        """One waits for somebody: its word, then the others'."""
        one = self._filters[place.at]
        verdict = yield from one.awaited(asked, context, coroutine, waits_for)
        if isinstance(verdict, Continue):
            request = verdict.request
        elif not one.lets_pass(verdict):
            return replace(verdict, filter=one.id)
        rest = self._filters[place.at + 1 :]
        if not rest:
            return Continue(request)
        made = Together(rest).on_request(request, context)
        if isinstance(made, (Continue, LocalReply)):
            return made
        return (yield from made)
