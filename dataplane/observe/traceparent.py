"""W3C trace context and request ids: read with care, made cheaply, without the OTel SDK.

(0.5 us instead of 8.) A trace is continued only from a `traceparent` that is valid to the letter;
anything else starts a new one.
"""

import re
from collections.abc import Callable

_FORMAT = re.compile(r"(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_VERSION_0_CHARS = 55
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_ODD = frozenset("13579bdf")

Place = tuple[str, str, str, bool, bytes]
"""Where an exchange stands in its trace: trace id, span id, the parent's span id, whether it is
sampled, and the `traceparent` that its upstream calls carry."""


def parse(value: str) -> tuple[str, str, bool] | None:
    """Trace id, span id and sampled flag of a `traceparent`; None when it is not one."""
    if _FORMAT.fullmatch(value) is None:
        return None
    if len(value) != _VERSION_0_CHARS and value.startswith("00"):
        return None  # only later versions may say more
    trace_id = value[3:35]
    span_id = value[36:52]
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return trace_id, span_id, value[54] in _ODD


def sane_request_id(value: bytes) -> bool:
    """Whether a client's `x-request-id` may stand in our logs and headers."""
    return _REQUEST_ID.fullmatch(value) is not None


def new_request_id(getrandbits: Callable[[int], int]) -> str:
    """A request id: 32 hex digits."""
    return f"{getrandbits(128):032x}"


def begin(
    value: bytes | None,
    sampling_percent: float | None,
    getrandbits: Callable[[int], int],
    random: Callable[[], float],
) -> Place:
    """Place an exchange in its caller's trace, or in a new one.

    A caller's choice to sample is kept. Without tracing (`sampling_percent` None) no span of ours
    will exist, so a caller's `traceparent` goes on as it came: spans on both sides of us stay
    connected.
    """
    parent = parse(value.decode("latin-1")) if value is not None else None
    if parent is None:
        ids = f"{getrandbits(192) | 1 | 1 << 64:048x}"
        sampled = bool(sampling_percent) and random() * 100.0 < (sampling_percent or 0.0)
        flags = "01" if sampled else "00"
        header = f"00-{ids[:32]}-{ids[32:]}-{flags}".encode()
        return ids[:32], ids[32:], "", sampled, header
    trace_id, parent_span_id, sampled = parent
    if sampling_percent is None:
        assert value is not None
        return trace_id, parent_span_id, "", False, value
    span_id = f"{getrandbits(64) | 1:016x}"
    flags = "01" if sampled else "00"
    header = f"00-{trace_id}-{span_id}-{flags}".encode()
    return trace_id, span_id, parent_span_id, sampled, header
