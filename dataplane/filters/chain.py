"""The filters of a chain, one after another: each sees what the one before it made."""

from collections.abc import Iterable

from dataplane.filters.api import Continue, RequestFilter, Verdict
from dataplane.runtime.effects import Steps
from dataplane.runtime.messages import LocalReply, Request


def run_request_chain(filters: Iterable[RequestFilter], request: Request) -> Steps[Verdict]:
    """Pass a request through all filters, or to the first that answers itself."""
    for one in filters:
        verdict = yield from one.on_request(request)
        if isinstance(verdict, LocalReply):
            return verdict
        request = verdict.request
    return Continue(request)
