"""What the headers of a failed answer say about trying again.

The rule: nonsense says nothing. Read are Retry-After (seconds or a date, RFC 9110 10.2.3),
`retry-after-ms` (OpenAI and Azure, more exact) and `x-should-retry` (OpenAI and Anthropic; their
SDKs go by it).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The forms of a date that RFC 9110 5.6.7 wants to be understood."""


class Advice(NamedTuple):
    """Fields of an Outcome."""

    retry_after_s: float | None
    may_retry: bool


def advice(headers: Iterable[tuple[bytes, bytes]], wall_s: float) -> Advice:
    """What an answer's headers advise; `wall_s` is the time of day, in Unix seconds."""
    after = after_ms = None
    may_retry = True
    for name, value in headers:
        match name.lower():
            case b"retry-after":
                after = _seconds(value, 1.0)
                if after is None:
                    after = _until(value, wall_s)
            case b"retry-after-ms":
                after_ms = _seconds(value, 1000.0)
            case b"x-should-retry":
                may_retry = value.strip().lower() != b"false"
            case _:
                pass
    return Advice(after if after_ms is None else after_ms, may_retry)


def _seconds(value: bytes, scale: float) -> float | None:
    try:
        seconds = float(value) / scale
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None


def _until(value: bytes, wall_s: float) -> float | None:
    text = value.decode("latin-1").strip()
    for form in _DATES:
        try:
            at = datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return max(0.0, at.timestamp() - wall_s)
    return None
