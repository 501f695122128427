"""W3C trace context and request ids: read with care, made cheaply, without the OTel SDK.

(0.5 us instead of 8.) A trace is continued only from a `traceparent` that is valid to the letter;
anything else starts a new one.
"""

import re
from collections.abc import Callable
from typing import Final

_VERSION_0 = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_LATER = re.compile(
    rb"(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)
REQUEST_ID_CHARS = 128
_HEX: Final = b"0123456789abcdef"
_DASH: Final = 0x2D
_ZERO: Final = 0x30
_ZEROS: Final = b"0000000000000000"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
_ODD = frozenset(b"13579bdf")

Place = tuple[bytes, str, bool]
"""Where an exchange stands in its trace: the `traceparent` that its upstream calls carry (with its
trace id and span id), the parent's span id ("" without one) and whether it is sampled."""


def parse(value: bytes) -> tuple[bytes, bytes, bool] | None:
    """Trace id, span id and sampled flag of a `traceparent`; None when it is not one."""
    if not _is_valid(value):
        return None
    return value[3:35], value[36:52], value[54] in _ODD


def is_plain(value: bytes) -> bool:
    """Whether bytes are a valid `traceparent` of the first version, at a glance: those with many
    zeros have to be looked at again. (Between system calls a match costs 0.5 us, this 0.2.)
    """
    return (
        len(value) == 55
        and value[0] == value[1] == _ZERO
        and value[2] == value[35] == value[52] == _DASH
        and value.translate(None, _HEX) == b"---"
        and value.find(_ZEROS) < 0
    )


def _is_valid(value: bytes) -> bool:
    return _VERSION_0.fullmatch(value) is not None or _LATER.fullmatch(value) is not None


def sane_request_id(value: bytes) -> bool:
    """Whether a client's `x-request-id` may stand in our logs and headers."""
    return _REQUEST_ID.fullmatch(value) is not None


def new_request_id(getrandbits: Callable[[int], int]) -> bytes:
    """A request id: 32 hex digits."""
    return b"%032x" % getrandbits(128)


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
    if value is None or not _is_valid(value):
        sampled = bool(sampling_percent) and random() * 100.0 < (sampling_percent or 0.0)
        ids = b"%048x" % (getrandbits(192) | 1 | 1 << 64)
        return b"00-%b-%b-%b" % (ids[:32], ids[32:], b"01" if sampled else b"00"), "", sampled
    if sampling_percent is None:
        return value, "", False
    sampled = value[54] in _ODD
    header = b"00-%b-%016x-%b" % (
        value[3:35],
        getrandbits(64) | 1,
        b"01" if sampled else b"00",
    )
    return header, value[36:52].decode("ascii"), sampled
