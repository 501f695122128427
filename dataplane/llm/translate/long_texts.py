"""Long texts of a request are taken out before it is translated and put back behind.

A JSON string is the same in every protocol, so the middle of a long one need not be read, only
handed on: of a prompt of 1 MB nothing is decoded, encoded or copied but its beginning and its end,
and what is held is the body as it came.

Rule: only words that are said are cut, where every writer hands them on. What a call gave or is
given may be read as JSON, and stays whole; so do the ends of a text, which writers look at.
"""

import codecs
import re
from collections.abc import Mapping, Sequence

import msgspec

from dataplane.llm.wire.body import Piece

MIN_BODY_BYTES = 64 * 1024
"""Of a body, from which on its texts are cut."""
LONG_BYTES = 2048
"""Of a text, from which on it is cut."""
_ENDS_BYTES = 512
"""Of a text that stay at either end."""
_CHECKED_BYTES = 64 * 1024
"""Looked at in one go."""
_MARK = b"~outrider:long:"
_CUT = re.compile(rb"~outrider:long:(\d+)~")
_INTO = frozenset(("content", "contents", "input", "messages", "parts", "system", "text"))
_INTO |= {"systemInstruction", "system_instruction"}
"""Members in which words are."""
_SAID = frozenset(("content", "input", "system", "text"))
"""Members that are words when they are a string."""
_SPEAKERS = (b'"user"', b'"assistant"', b'"model"', b'"system"', b'"developer"')
_TYPES = (b'"message"', b'"text"', b'"input_text"', b'"output_text"')
_SAFE = re.compile(rb"(?<=[A-Za-z0-9 \x80-\xff]{6})(?=[A-Za-z0-9 \xc0-\xff])")
"""Where neither a character nor an escape (at most six bytes) is cut in two."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


class LongTexts:
    """What was taken out of one body."""

    def __init__(self, body: bytes) -> None:
        self._middles: list[memoryview] = []
        self.body = body
        """The rest of it: a body to be translated. The very same when nothing is long or it is no
        JSON; who reads it next says so."""
        if _MARK in body:
            return
        try:
            self.body = bytes(self._object(msgspec.Raw(body)))
        except (ValueError, RecursionError):
            self._middles.clear()

    def put_back(self, written: bytes) -> tuple[bytes, Sequence[Piece]]:
        """What was made of the body, whole: its beginning, and the pieces that follow."""
        first, *others = _CUT.split(written) if self._middles else (written,)
        return first, [
            piece if at % 2 else self._middles[int(piece)] for at, piece in enumerate(others)
        ]

    def _object(self, raw: msgspec.Raw) -> msgspec.Raw:
        fields = _FIELDS.decode(raw)
        if not _is_said(fields):
            return raw
        for name in fields.keys() & _INTO:
            fields[name] = self._value(fields[name], name in _SAID)
        return msgspec.Raw(_ENCODER.encode(fields))

    def _value(self, raw: msgspec.Raw, said: bool) -> msgspec.Raw:
        value = memoryview(raw)
        if len(value) < LONG_BYTES:
            return raw
        match value[:1].tobytes():
            case b"{":
                return self._object(raw)
            case b"[":
                items = [self._item(item) for item in _ITEMS.decode(raw)]
                return msgspec.Raw(_ENCODER.encode(items))
            case b'"' if said:
                return self._text(raw, value)
            case _:
                return raw

    def _item(self, raw: msgspec.Raw) -> msgspec.Raw:
        return self._object(raw) if bytes(memoryview(raw)[:1]) == b"{" else raw

    def _text(self, raw: msgspec.Raw, value: memoryview) -> msgspec.Raw:
        head, tail = value[:_ENDS_BYTES].tobytes(), value[-_ENDS_BYTES:].tobytes()
        first = next(reversed([*_SAFE.finditer(head)]), None)
        last = _SAFE.search(tail)
        if first is None or last is None:
            return raw
        middle = value[first.start() : len(value) - _ENDS_BYTES + last.start()]
        _check(middle)
        mark = b"%b%d~" % (_MARK, len(self._middles))
        self._middles.append(middle)
        return msgspec.Raw(b"%b%b%b" % (head[: first.start()], mark, tail[last.start() :]))


def _is_said(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object is a request, a message or a part of one that holds words."""
    role, kind = fields.get("role"), fields.get("type")
    return (role is None or bytes(role) in _SPEAKERS) and (kind is None or bytes(kind) in _TYPES)


def _check(text: memoryview) -> None:
    """Raises ValueError for bytes that are no UTF-8: nobody else will look at them."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(text), _CHECKED_BYTES):
        decoder.decode(text[at : at + _CHECKED_BYTES])
    decoder.decode(b"", final=True)
