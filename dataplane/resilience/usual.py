"""The form that nearly every stream has: each event one line of data, in it what looks like JSON.

Where the data plane is compiled, usual.c stands in this module's place: the same answers, in a
tenth of the time (0.3 us for 12 KB).
"""

import re

_USUAL = re.compile(rb'(?:(?:event: [^\n]*\n)?data: \{"[^\n]*\}\n\n)+(?:data: \[DONE\]\n\n)?')
_OPENING = b'data: {"'
_BETWEEN = b'}\n\ndata: {"'
_NO_NEWLINE = b'}  data: {"'
_ENDS = (b"}\n\n", b"}\n\ndata: [DONE]\n\n")


def looks_usual(body: bytes) -> bool:
    """Whether a read is whole events, each of one line of data that begins and ends like an object.

    It sees what was cut off, or is no object at all; not what is wrong inside. What is not usual
    may still be right: ask `malformed`.
    """
    if body[:8] == _OPENING:
        # Without names (OpenAI's chat) what is between two events is always the same. Replaced by
        # as many bytes it costs half of a match: the next newline must be that of the last event.
        flat = body.replace(_BETWEEN, _NO_NEWLINE)
        at = flat.find(b"\n")
        if flat[at - 1 :] in _ENDS:
            return True
    return _USUAL.fullmatch(body) is not None
