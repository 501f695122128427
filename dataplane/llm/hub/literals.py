"""Words as JSON string literals, quotes included, exactly as somebody else wrote them (b'"a\\n"').

Most words of an answer are only handed on, and so they are neither decoded nor encoded. `literal`
and `text_of` go between; the literals of neighbours join without decoding: `join`.
"""

import json
import re
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

Literal = bytes
"""A JSON string with its quotes."""

_BACKSLASH: Final = 0x5C
_ENCODER: Final = msgspec.json.Encoder()
_STRING: Final = msgspec.json.Decoder(str)
_ESCAPES: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """What an event says, also when it has halves of characters. Raises msgspec.MsgspecError."""
    try:
        return decoder.decode(data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return decoder.decode(whole_characters(data))


def readable(decoder: msgspec.json.Decoder[T], data: bytes, *, begun: bool) -> T | None:
    """As `decoded`, for an event of a stream: one that is not JSON among good ones is None, and
    passed over (fault S10). A stream that begins with one is none: that raises.
    """
    try:
        return decoded(decoder, data)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if begun:
            return None
        raise


def literal(text: str) -> Literal:
    """The JSON string literal of a text."""
    return _ENCODER.encode(text)


def text_of(words: Literal) -> str:
    """The text of a literal. Never raises for what stood as a string in JSON that was read: bytes
    that are no UTF-8, and halves of a character that a provider cut in two, become U+FFFD.
    """
    try:
        return _STRING.decode(words)
    except ValueError:
        text: str = json.loads(words.decode("utf-8", "replace"), strict=False)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def join(pieces: list[Literal]) -> Literal:
    """One literal of several."""
    joined = b"".join(pieces)
    if _BACKSLASH not in joined:  # then every quote is one that begins or ends a literal
        return b'"%b"' % joined.translate(None, b'"')
    # No literal has a line feed in it: one between two quotes is ours.
    return b"\n".join(pieces).replace(b'"\n"', b"")


def whole_characters(data: bytes) -> bytes:
    """JSON without the halves of characters that a provider cut in two ("\\ud83d"), which no reader
    takes: they become U+FFFD. For what could not be decoded as it came.
    """
    return _ESCAPES.sub(lambda found: b"\\ufffd" if found[1] else found[0], data)
