"""Heads of messages, rewritten by shape: what to do with each header is decided once per list of
header names.

The names of a client's headers (or a provider's) are nearly always the same list in the same order;
so a shape is looked up by the tuple of names and knows where everything is, and a head is one `%`
of a template with the values. It protects this: hop-by-hop headers, also those that `Connection`
names, our own x-outrider-* and credentials never pass.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from dataplane.runtime import headers, ticket

Values = Sequence[bytes]
Names = tuple[bytes, ...]

HOP_BY_HOP = frozenset(name.encode() for name in headers.HOP_BY_HOP)
CREDENTIALS = frozenset(name.encode() for name in headers.CREDENTIALS)
OURS = headers.OURS.encode()
OWN_KEY = headers.OWN_KEY.encode()
RUN = ticket.HEADER.encode()
CREDENTIAL_NAMES = (OWN_KEY, b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""Headers that a caller's credential is read from, in this order."""

MAX_HEADERS = 128
"""Of one request."""
_ONCE = (
    *(b"content-length", b"content-location", b"content-range", b"content-type", b"etag"),
    *(b"host", b"max-forwards", b"server", b"transfer-encoding", b"user-agent"),
)
"""Headers that RFC 9110 allows once; two of them are read differently by different programs."""
_MAX_SHAPES = 256
_MAX_SHAPE_BYTES = 2048
"""Longer lists of names are worked out each time, so that strangers cannot fill the memory with
them.
"""

T = TypeVar("T")


class Shapes(Generic[T]):
    """What was worked out for a list of header names, bounded."""

    def __init__(self, make: Callable[[Names], T]) -> None:
        self._make = make
        self._known: dict[Names, T] = {}
        self.get = self._known.get

    def make(self, names: Names) -> T:
        """Work out a list of names that `get` does not know, and remember it."""
        made = self._make(names)
        if sum(map(len, names)) <= _MAX_SHAPE_BYTES:
            if len(self._known) >= _MAX_SHAPES:
                self._known.clear()
            self._known[names] = made
        return made


class Template:
    """A head with holes for the values that change: `text % (..., *pick(values), ...)`."""

    __slots__ = ("pick", "text")

    def __init__(
        self, before: bytes, names: Names, dropped: Callable[[bytes], bool], after: bytes
    ) -> None:
        """`before` and `after` may have holes of their own; between them stand the `names` that are
        not dropped.
        """
        kept = [at for at, name in enumerate(names) if not dropped(name.lower())]
        lines = [escaped(names[at]) + b": %b\r\n" for at in kept]
        self.text = before + b"".join(lines) + after
        self.pick = _picker(kept)


def escaped(text: bytes) -> bytes:
    """Text that stands for itself in a template."""
    return text.replace(b"%", b"%%")


def _picker(kept: list[int]) -> Callable[[Values], tuple[bytes, ...]]:
    if not kept:
        return lambda values: ()
    if len(kept) == 1:
        only = kept[0]
        return lambda values: (values[only],)
    return itemgetter(*kept)


def position(names: Names, name: bytes) -> int:
    """Where a header (lower case) first stands; -1 when it is not there."""
    for at, candidate in enumerate(names):
        if candidate.lower() == name:
            return at
    return -1


def positions(names: Names, name: bytes) -> tuple[int, ...]:
    """Everywhere a header (lower case) stands."""
    return tuple(at for at, candidate in enumerate(names) if candidate.lower() == name)


class RequestShape:
    """Where a request's headers of interest stand."""

    __slots__ = (
        "accepts",
        "connection",
        "credential",
        "encoding",
        "expect",
        "explain_wish",
        "host",
        "length",
        "own_key",
        "progress_wish",
        "repeated",
        "request_id",
        "run",
        "shown",
        "special",
        "stream_wish",
        "traceparent",
        "transfer",
        "upgrade",
    )

    def __init__(self, names: Names) -> None:
        self.accepts = position(names, b"accept-encoding")
        self.connection = positions(names, b"connection")
        self.stream_wish = position(names, b"x-outrider-stream")
        self.progress_wish = position(names, b"x-outrider-progress")
        self.explain_wish = position(names, b"x-outrider-explain") >= 0
        self.request_id = position(names, b"x-request-id")
        self.run = position(names, RUN)
        self.traceparent = position(names, b"traceparent")
        self.transfer = positions(names, b"transfer-encoding")
        self.expect = position(names, b"expect")
        self.encoding = position(names, b"content-encoding")
        self.host = position(names, b"host") >= 0
        self.length = position(names, b"content-length")
        self.upgrade = position(names, b"upgrade")
        lower = [name.lower() for name in names]
        shown = [at for at, name in enumerate(lower) if name in CREDENTIAL_NAMES]
        self.credential = shown[0] if len(shown) == 1 else -1
        """The only header with a credential."""
        self.shown = tuple(
            (at, name.decode("latin-1"))
            for at, name in enumerate(names)
            if not lower[at].startswith(OURS)
        )
        """Headers that filters and agents may see, as text."""
        self.own_key = lower.index(OWN_KEY) if lower.count(OWN_KEY) == 1 else -1
        self.repeated = next((name.decode() for name in _ONCE if lower.count(name) > 1), "")
        """A header that may not be there twice, and is."""
        self.special = (
            bool(self.transfer or self.repeated)
            or not self.host
            or self.expect >= 0
            or self.upgrade >= 0
            or self.run >= 0
            or len(names) > MAX_HEADERS
        )
        """Something must be looked at before this request may pass."""


OF_LIMITS = (b"x-ratelimit-", b"anthropic-ratelimit-")
"""Headers that begin so are ours where a limit of ours applies: a provider's would contradict."""


class AnswerShape:
    """Where an answer's headers of interest stand, and its head for our client.

    `template` is its middle, with a hole for our request id; `texts` are whole heads made of it.
    """

    __slots__ = (
        "connection",
        "encoding",
        "kind",
        "limited",
        "limited_texts",
        "of_limits",
        "plain",
        "request_id",
        "sized",
        "template",
        "texts",
        "transfer",
    )

    def __init__(self, names: Names) -> None:
        self.connection = positions(names, b"connection")
        self.request_id = position(names, b"x-request-id")
        self.transfer = positions(names, b"transfer-encoding")
        self.encoding = position(names, b"content-encoding")
        self.kind = position(names, b"content-type")
        self.of_limits = frozenset(
            name.lower() for name in names if name.lower().startswith(OF_LIMITS)
        )
        """Headers that tell of the provider's own limits."""
        self.sized = position(names, b"content-length") >= 0
        self.plain = not self.connection and not self.transfer
        """Whether the values have no say in what the head becomes."""
        self.template = answer_template(names, frozenset())
        self.limited = answer_template(names, self.of_limits) if self.of_limits else self.template
        """The same where a limit of ours is told of."""
        self.texts: dict[tuple[int, bytes], bytes] = {}
        """By status and the lines that end the head; as many as there are of both."""
        self.limited_texts: dict[tuple[int, bytes], bytes] = {}
        """The same with a hole for what is told of limits."""

    def text(self, status: int, status_line: bytes, ending: bytes) -> bytes:
        """The template of a whole head."""
        made = self.texts[status, ending] = status_line + self.template.text + ending
        return made

    def limited_text(self, status: int, ending: bytes, status_line: bytes) -> bytes:
        """The same with a hole for what is told of limits."""
        made = b"%b%b%%b%b" % (status_line, self.limited.text, ending)
        self.limited_texts[status, ending] = made
        return made


def answer_template(names: Names, named: frozenset[bytes]) -> Template:
    """The head of an answer without its status line; `named` are further headers to drop."""
    return Template(
        b"", names, lambda name: name in named or drop_from_answer(name), b"x-request-id: %b\r\n"
    )


_ANSWER_DROPS = HOP_BY_HOP | {b"x-request-id", b"alt-svc"}
_AWS = headers.AWS.encode()
_REQUEST_DROPS = (HOP_BY_HOP | CREDENTIALS) | {
    *(name.encode() for name in headers.FOR_CHOOSING),
    b"content-length",
    b"expect",
    b"host",
    b"traceparent",
    b"x-request-id",
}


def drop_from_answer(name: bytes) -> bool:
    """Whether a header (lower case) of an upstream's answer stops here.

    `x-request-id` is ours; `alt-svc` would send the client past us.
    """
    return name in _ANSWER_DROPS or name.startswith(OURS)


def drop_from_request(name: bytes, replaced: frozenset[bytes]) -> bool:
    """Whether a header (lower case) of a client's request stops here; `replaced` are those we set
    ourselves.
    """
    return name in _REQUEST_DROPS or name in replaced or name.startswith((OURS, _AWS))


_OF_PROTOCOLS = (
    *(b"accept", b"amz-sdk-", b"anthropic-", b"chatgpt-", b"content-type", b"openai-"),
    *(b"session-id", b"thread-id", b"x-amzn-", b"x-claude-", b"x-codex-"),
    *(b"x-goog-", b"x-stainless-"),
)


def stays_with_protocol(name: bytes) -> bool:
    """Whether a header (lower case) of a client's request speaks of its own API or its SDK, and so
    means nothing to a provider of another protocol.
    """
    return name.startswith(_OF_PROTOCOLS)


_PLAIN_OPTIONS = frozenset((b"", b"close", b"keep-alive"))


def named_by_connection(values: Values, at: tuple[int, ...]) -> frozenset[bytes]:
    """Headers (lower case) that hold for one hop only because the Connection headers at these
    places say so.
    """
    options = {option.strip() for place in at for option in values[place].lower().split(b",")}
    return frozenset(options - _PLAIN_OPTIONS)
