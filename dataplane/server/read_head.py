"""The head of an answer as it was written, for filters: text where somebody looks."""

from dataplane.filters.api import Head
from dataplane.runtime.messages import Headers
from dataplane.server.heads import HOP_BY_HOP

_DROPPED = frozenset(name.decode() for name in HOP_BY_HOP) | {
    *("content-length", "x-request-id", "date"),
}
"""Headers that are nobody's but ours."""


class ReadHead(Head):
    """A Head whose headers are made text when somebody looks at all of them."""

    __slots__ = ("_low", "_text")

    _text: bytes
    _low: bytes

    @classmethod
    def of(cls, text: bytes, low: bytes) -> "ReadHead":
        """:param text: with its status line, without the end of its last line. :param low: the same
        in lower case.
        """
        made = cls.__new__(cls)
        _put_status(made, int(text[9:12]))
        _put_text(made, text)
        _put_low(made, low)
        return made

    def __getattr__(self, name: str) -> Headers:
        if name != "headers":
            raise AttributeError(name)
        lines = self._text.decode("utf-8", "surrogateescape").split("\r\n")
        pairs = [line.partition(":") for line in lines[1:]]
        headers = tuple([(n, value.strip()) for n, _, value in pairs if n.lower() not in _DROPPED])
        _put_headers(self, headers)
        return headers

    def header(self, name: str) -> str | None:
        """See Head."""
        begin = b"\r\n%b:" % name.encode()
        at = self._low.find(begin)
        if at < 0 or name in _DROPPED:
            return None
        at += len(begin)
        end = self._text.find(b"\r\n", at)
        value = self._text[at:end] if end >= 0 else self._text[at:]
        return value.decode("utf-8", "surrogateescape").strip()


# A head is frozen, and its slots are filled in directly.
_put_status, _put_headers = (vars(Head)[name].__set__ for name in ("status", "headers"))
_put_text, _put_low = (vars(ReadHead)[name].__set__ for name in ("_text", "_low"))
