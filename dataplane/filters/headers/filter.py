"""A filter that sets and removes headers: of requests, of answers.

Rule: what frames a message and what tells who is who stays as it is; `x-outrider-*` is ours.
"""

from collections.abc import Callable

import msgspec

from dataplane.filters.api import AnswerFilter, Context, Continue, Filter, Head, settings_of
from dataplane.runtime import config
from dataplane.runtime.headers import HOP_BY_HOP, OURS
from dataplane.runtime.messages import Headers, Request

_FRAMING = HOP_BY_HOP | {"content-length", "content-encoding", "host", "traceparent"}


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See HeadersConfig of the control plane."""

    set: dict[str, str] = {}
    remove: tuple[str, ...] = ()


class HeadersFilter(Filter):
    """Lays the same headers over every message."""

    wants_answers = True

    def __init__(self, spec: config.Filter) -> None:
        super().__init__(spec)
        settings = settings_of(spec, Settings)
        self._set = tuple((name, value) for name, value in settings.set.items() if _is_free(name))
        gone = {*settings.remove, *settings.set}
        self._gone = frozenset(name.lower() for name in gone if _is_free(name))

    def on_request(self, request: Request, context: Context) -> Continue:
        """See Filter."""
        headers = self._changed(request.headers)
        return Continue(Request(request.method, request.path, headers, request.body, request.query))

    def on_answer(self, request: Request, context: Context) -> AnswerFilter:
        """See Filter."""
        return _OfAnswer(self._changed)

    def _changed(self, headers: Headers) -> Headers:
        gone = self._gone
        return (*(pair for pair in headers if pair[0].lower() not in gone), *self._set)


class _OfAnswer(AnswerFilter):
    wants_events = False

    def __init__(self, changed: Callable[[Headers], Headers]) -> None:
        self._changed = changed

    def on_head(self, head: Head) -> Head:
        """See AnswerFilter."""
        return Head(head.status, self._changed(head.headers))


def _is_free(name: str) -> bool:
    low = name.lower()
    return low not in _FRAMING and not low.startswith(OURS)
