"""What a request may cost, as far as its body shows, in whatever API it is written. Pure.

Rule: an estimate that takes microseconds, for decisions about attempts and for counting what was
wasted; nobody is billed by it.
"""

import re
from typing import Final

import msgspec
from msgspec.structs import astuple

from dataplane.llm.count_tokens import MAX_IMAGE, count_text
from dataplane.llm.wire import peeked
from dataplane.llm.wire.bounds import ABSENT, GENERATION, INFERENCE, NUMBER, OFFERED, Stakes
from dataplane.llm.wire.peeked import Survey, surveyed

UNSAID_TOKENS = 1024
"""Of an answer whose length nobody limits."""
_MEDIA: Final = (b"base64", b'"inlineData"', b'"inline_data"', b'"bytes"')
"""What stands once before each of them, in one API or another."""
_RUN: Final = 400
_BINARY: Final = re.compile(rb"[A-Za-z0-9+/_-]{400}[A-Za-z0-9+/_=-]*")
"""Images and sounds: base64, which has no spaces. What is shorter shows nothing to anybody."""
_SPACE: Final = 0x20
_QUOTE: Final = 0x22
_SLICES = 8
_SLICE_BYTES = 2048
"""Of long requests, evenly spread: 0.3 ms, and 19 for all of 1 MB."""


def stakes(body: bytes) -> Stakes | None:
    """What a request may cost; None when it says nonsense about that, or wants no answer."""
    answer = answer_limit(surveyed(body), UNSAID_TOKENS)
    if not answer:
        return None
    try:
        offered = OFFERED.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    has_tools = bool(offered.tools or offered.functions) or offered.toolConfig is not ABSENT
    return Stakes(prompt_tokens(body) + answer, has_tools)


_NOT_SAID: Final = peeked.ABSENT
_LIMITS: Final = Survey.__struct_fields__.index("max_tokens")
"""From there on a survey has what limits an answer."""


def answer_limit(survey: Survey | None, unsaid: int | None = None) -> int | None:
    """How many tokens an answer may have, all its choices together. 0 for a request that says
    nonsense about it, or is none: its provider will refuse it.

    :param unsaid: of one choice, where nobody says so; None: nobody knows.
    """
    if survey is None:
        return 0
    fields = astuple(survey)[_LIMITS : _LIMITS + 6]
    tokens, completion, output, generation, inference, choices = fields
    most: int | None = None
    try:
        for said in (tokens, completion, output):
            if said is not _NOT_SAID:
                more = NUMBER.decode(said)
                if more is not None and (most is None or more > most):
                    most = more
        if generation is not _NOT_SAID:
            read = GENERATION.decode(generation)
            if read is not None and read.max_output_tokens is not None:
                most = max(most or 0, read.max_output_tokens)
        if inference is not _NOT_SAID:
            bounds = INFERENCE.decode(inference)
            if bounds is not None and bounds.max_tokens is not None:
                most = max(most or 0, bounds.max_tokens)
        if most is None:
            if unsaid is None:
                return None
            most = unsaid
        count = NUMBER.decode(choices) if choices is not _NOT_SAID else 1
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return 0
    return max(most, 0) * max(count or 1, 1)


def prompt_tokens(body: bytes) -> int:
    """About how many tokens a provider reads of a request."""
    size = len(body)
    if size <= _SLICES * _SLICE_BYTES:
        return _count(body)
    step = (size - _SLICE_BYTES) // (_SLICES - 1)
    slices = [body[at : at + _SLICE_BYTES] for at in range(0, _SLICES * step, step)]
    return sum(map(_count, slices)) * size // (_SLICES * _SLICE_BYTES)


def media_tokens(body: bytes) -> int:
    """At most how many of a request's tokens are images and the like, each as the largest image."""
    return sum(map(body.count, _MEDIA)) * MAX_IMAGE if _may_have_media(body) else 0


def _may_have_media(body: bytes) -> bool:
    """Whether a piece of it is long enough for base64 that matters. Words are passed in leaps: 4
    searches of all of a body cost five times as much.
    """
    at, last = 0, len(body) - _RUN
    while at <= last:
        end = at + _RUN
        place = body.rfind(_SPACE, at, end)
        if place < 0:
            place = body.rfind(_QUOTE, at, end)
            if place < 0:
                return True
        at = place + 1
    return False


def words_bytes(body: bytes) -> int:
    """How long a request is without its images and the like."""
    return len(_BINARY.sub(b"", body))


def _count(data: bytes) -> int:
    return count_text(_BINARY.sub(b"", data).decode("utf-8", "replace"))
