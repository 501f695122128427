"""Events that are not JSON in a stream that is passed on as bytes (fault S10).

The rule: what is JSON, or `[DONE]`, or no data at all, passes untouched; only whole events are
judged, so a read that ends within one is judged up to there. The usual read (events of one data
line each, in one form) is one decode over all of them; anything else is looked at event by event.
"""

import re

import msgspec

_VALUE = msgspec.json.Decoder(msgspec.Raw)
"""Checks the form and builds nothing."""
_EVENT = re.compile(rb".*?(?:\r?\n\r?\n|\r\r)", re.DOTALL)
_LINE = re.compile(rb"\r\n|\n|\r")
_FIELDS = (b"data:", b"event:", b":", b"id:", b"retry:")
_STARTS = re.compile(rb"\n\n(?:event: [^\n]*\n)?data: ")
_DONE = b"\n\ndata: [DONE]\n\n"


def malformed(body: bytes) -> bool:
    """Whether a whole event of a read has data that are not JSON.

    Two bad events whose halves make JSON with a comma between them pass.
    """
    if b"\r" in body:
        return any(_is_bad(event[0]) for event in _EVENT.finditer(body))
    if not body.startswith(_FIELDS):
        body = body[body.find(b"\n\n") + 2 :]  # the end of an event that began before
    if body[-2:] != b"\n\n":
        body = body[: body.rfind(b"\n\n") + 2]
    end = -len(_DONE) if body.endswith(_DONE) else -2
    values = b""
    if body[:6] == b"data: ":
        values = body[6:end].replace(b"\n\ndata: ", b",")
    elif body[:7] == b"event: ":
        values = b",".join(_STARTS.split(body[body.find(b"\ndata: ") + 7 : end]))
    try:
        _VALUE.decode(b"[%b]" % values)
    except (ValueError, RecursionError):
        return any(_is_bad(event[0]) for event in _EVENT.finditer(body))
    return values == b"" and any(_is_bad(event[0]) for event in _EVENT.finditer(body))


def without_malformed(body: bytes, in_place: bytes = b"") -> tuple[bytes, int]:
    """A read with something in place of its bad events, and how many they were."""
    kept: list[bytes] = []
    dropped = at = 0
    for event in _EVENT.finditer(body):
        at = event.end()
        if _is_bad(event[0]):
            dropped += 1
            kept.append(in_place)
        else:
            kept.append(event[0])
    return b"".join((*kept, body[at:])), dropped


def _is_bad(event: bytes) -> bool:
    lines = [line[5:] for line in _LINE.split(event) if line[:5] == b"data:"]
    data = b"\n".join(lines).strip()
    if not data or data == b"[DONE]":
        return False
    try:
        _VALUE.decode(data)
    except (ValueError, RecursionError):
        return True
    return False
