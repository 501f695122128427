"""W3C trace context and request ids: read with care, made cheaply, without the OTel SDK (0.3 us
instead of 8).

A trace is continued only from a `traceparent` that is valid to the letter; anything else starts a
new one.
"""

import re
from collections.abc import Callable

import msgspec

_FORMAT = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_NO_TRACE = b"0" * 32
_NO_SPAN = b"0" * 16


class Parent(msgspec.Struct, frozen=True, gc=False):
    """Where an incoming `traceparent` says that we stand."""

    trace_id: bytes
    span_id: bytes
    sampled: bool


def parse(value: bytes) -> Parent | None:
    """Read a `traceparent`; None when it is not one."""
    found = _FORMAT.fullmatch(value)
    if found is None:
        return None
    trace_id, span_id, flags, more = found.groups()
    if trace_id == _NO_TRACE or span_id == _NO_SPAN or (more is not None and value[:2] == b"00"):
        return None
    return Parent(trace_id, span_id, int(flags, 16) & 1 == 1)


def sane_request_id(value: bytes) -> bool:
    """Whether a client's `x-request-id` may stand in our logs and headers."""
    return _REQUEST_ID.fullmatch(value) is not None


def new_ids(getrandbits: Callable[[int], int]) -> tuple[bytes, bytes]:
    """A trace id and a span id; both may stand as request ids too."""
    both = b"%048x" % (getrandbits(192) | 1 | 1 << 64)
    return both[:32], both[32:]


def new_span_id(getrandbits: Callable[[int], int]) -> bytes:
    """A span id."""
    return b"%016x" % (getrandbits(64) | 1)


def render(trace_id: bytes, span_id: bytes, sampled: bool) -> bytes:
    """The `traceparent` that upstream calls carry."""
    return b"00-%b-%b-%b" % (trace_id, span_id, b"01" if sampled else b"00")


class Span(msgspec.Struct, frozen=True, gc=False):
    """Where one exchange stands in its trace."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    sampled: bool
    header: bytes
    """The `traceparent` that its upstream calls carry."""


def begin(
    value: bytes | None,
    sampling_percent: float | None,
    getrandbits: Callable[[int], int],
    random: Callable[[], float],
) -> Span:
    """Place an exchange in its caller's trace, or in a new one.

    A caller's choice to sample is kept. Without tracing (`sampling_percent` None) no span of ours
    will exist, so a caller's `traceparent` goes on as it came: spans on both sides of us stay
    connected.
    """
    parent = parse(value) if value is not None else None
    if parent is None:
        trace_id, span_id = new_ids(getrandbits)
        sampled = bool(sampling_percent) and random() * 100.0 < (sampling_percent or 0.0)
        return Span(trace_id, span_id, b"", sampled, render(trace_id, span_id, sampled))
    if sampling_percent is None:
        assert value is not None
        return Span(parent.trace_id, parent.span_id, b"", False, value)
    span_id = new_span_id(getrandbits)
    return Span(
        parent.trace_id,
        span_id,
        parent.span_id,
        parent.sampled,
        render(parent.trace_id, span_id, parent.sampled),
    )
