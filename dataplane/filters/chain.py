"""The filters of a chain, one after another: each sees what the one before it made."""

from collections.abc import Iterable

from dataplane.filters.api import Context, Continue, Filter, Verdict, asks
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import Request, ResponseDetail

FAILURES = frozenset((ResponseDetail.FILTER_FAILED, ResponseDetail.FILTER_TIMEOUT))
"""What a filter says that has failed, as opposed to one that refuses."""


def run_request_chain(
    filters: Iterable[Filter], request: Request, context: Context
) -> Steps[Verdict]:
    """Pass a request through all filters, or to the first that answers itself."""
    for one in filters:
        verdict = one.on_request(request, context)
        if asks(verdict):
            verdict = yield from verdict
        if isinstance(verdict, Continue):
            request = verdict.request
        elif not (one.fails_open and verdict.detail in FAILURES):
            return verdict
    return Continue(request)
