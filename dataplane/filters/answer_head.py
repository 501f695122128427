"""Status and headers of an answer, as services outside are told of them and may change them.

Rule: a success stays a success and an error an error; who wants something else refuses. What frames
the answer, says what its bytes are or is ours is not a filter's to change.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from dataplane.filters.api import Head
from dataplane.runtime.headers import HOP_BY_HOP, OURS

STATUS = "x-outrider-answer-status"
HEADERS = "x-outrider-answer-headers"
MAX_TOLD_BYTES = 8192
"""Of headers in a header: servers allow 8 to 16 KiB for all of theirs."""
BODILESS = frozenset((204, 205, 304))
_KEPT = HOP_BY_HOP | {
    *("content-type", "content-length", "content-encoding", "content-range", "date"),
    "x-request-id",
}
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8192}")


@dataclass(frozen=True, slots=True)
class Changes:
    """What becomes of a head."""

    status: int = 0
    """0: it stays."""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """By lower-case name; None: there is none any more."""

    def applied(self, head: Head) -> Head:
        """The head with these changes."""
        kept = [pair for pair in head.headers if pair[0].lower() not in self.headers]
        kept += [(name, value) for name, value in self.headers.items() if value is not None]
        return Head(self.status or head.status, tuple(kept))


def told(head: Head) -> dict[str, str]:
    """The headers of an answer by lower-case name; those of one name are one."""
    found: dict[str, str] = {}
    for name, value in head.headers:
        low = name.lower()
        found[low] = f"{found[low]}, {value}" if low in found else value
    return found


def told_in_headers(head: Head) -> tuple[tuple[str, str], ...]:
    """The same as headers of a request; what is too much is left out, the longest first."""
    found = told(head)
    while len(text := json.dumps(found)) > MAX_TOLD_BYTES:
        del found[max(found, key=lambda name: len(found[name]))]
    return ((STATUS, str(head.status)), (HEADERS, text))


def changes_of(head: Head, status: object, headers: object) -> Changes | str:
    """What a service wants; a text: why that cannot be.

    :param status: a number, or None.
    :param headers: names and values, or None.
    """
    if status is not None and not _may_be(head.status, status):
        return f"would make {head.status} of the status {str(status)[:20]!r}"
    if headers is not None and not isinstance(headers, dict):
        return "gave headers that are no object"
    wanted: dict[str, str | None] = {}
    for name, value in (headers or {}).items():
        low = name.lower()
        if not _NAME.fullmatch(name) or low in _KEPT or low.startswith(OURS):
            return f"would change the header {name[:64]!r}"
        if value is not None and not (isinstance(value, str) and _VALUE.fullmatch(value)):
            return f"gave a value for the header {name[:64]!r} that is none"
        wanted[low] = value
    return Changes(status if isinstance(status, int) else 0, wanted)


def changes_in_headers(head: Head, answer: Mapping[str, str]) -> Changes | str:
    """The same, of the headers of a service's answer by lower-case name."""
    status: object = answer.get(STATUS)
    if isinstance(status, str) and status.isdecimal():
        status = int(status)
    headers: object = None
    if HEADERS in answer:
        try:
            headers = msgspec.json.decode(answer[HEADERS])
        except (msgspec.DecodeError, RecursionError):
            return f"gave {HEADERS} that are no JSON"
    return changes_of(head, status, headers)


def _may_be(came: int, wanted: object) -> bool:
    if type(wanted) is not int or came in BODILESS or wanted in BODILESS:
        return wanted == came
    if 200 <= came < 300:
        return 200 <= wanted < 300
    return came >= 400 and 400 <= wanted < 600
