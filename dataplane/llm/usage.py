"""Tokens used, read from an answer on its way without touching it.

A whole JSON answer is decoded for its `usage` alone; of a stream the last TAIL_BYTES are searched,
because providers send usage in one of the last events. `stream_options` is never altered: who asks
for no usage gets none.
"""

import re
import zlib

import msgspec

TAIL_BYTES = 2048  # a usage event of OpenAI with all details is 700 bytes, the [DONE] after it 14
MAX_JSON_BYTES = 64 * 1024
"""Larger JSON answers are searched at their end as streams are."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens that one exchange used."""

    input_tokens: int = msgspec.field(default=0, name="prompt_tokens")
    output_tokens: int = msgspec.field(default=0, name="completion_tokens")


class _WireAnswer(msgspec.Struct, gc=False):
    usage: Usage | None = None


_ANSWER = msgspec.json.Decoder(_WireAnswer)
_GZIP = zlib.MAX_WBITS | 16
_INPUT = re.compile(rb'"(?:prompt|input)_tokens"\s*:\s*(\d{1,15})')
_OUTPUT = re.compile(rb'"(?:completion|output)_tokens"\s*:\s*(\d{1,15})')


def usage_of_json(body: bytes) -> Usage | None:
    """Usage of a whole JSON answer; None when it tells none or is not JSON."""
    if len(body) > MAX_JSON_BYTES:
        return usage_in_tail(body[-TAIL_BYTES:])
    try:
        return _ANSWER.decode(body).usage
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def usage_of_gzip(body: bytes) -> Usage | None:
    """Usage of a whole JSON answer in gzip, as providers send it to clients that take it."""
    if len(body) > MAX_JSON_BYTES:
        return None
    try:
        plain = zlib.decompressobj(_GZIP).decompress(body, MAX_JSON_BYTES)
    except zlib.error:
        return None
    return usage_of_json(plain)


def usage_in_tail(tail: bytes) -> Usage | None:
    """Usage in the last bytes of an answer; None when it is not there."""
    at = tail.rfind(b'"usage"')
    if at < 0:
        return None
    sent = _INPUT.search(tail, at)
    received = _OUTPUT.search(tail, at)
    if sent is None or received is None:
        return None
    return Usage(int(sent.group(1)), int(received.group(1)))
