"""The head of an answer that is passed on: the upstream's, without what was meant for us."""

from typing import TYPE_CHECKING, Final

from dataplane.server.answers import CHUNKED, CLOSE, STATUS_LINES
from dataplane.server.heads import AnswerShape, Shapes, Values, answer_template, named_by_connection

if TYPE_CHECKING:
    from dataplane.server.sending import Sending
    from dataplane.upstream.connection import UpstreamConnection

BODILESS: Final = frozenset((204, 304))
FRAMING: Final = {
    # (chunked, close): what ends a head
    (False, False): b"\r\n",
    (False, True): CLOSE + b"\r\n",
    (True, False): CHUNKED + b"\r\n",
    (True, True): CHUNKED + CLOSE + b"\r\n",
}
_NONE: Final[frozenset[bytes]] = frozenset()
_LENGTH: Final = frozenset((b"content-length",))
_EVENTS: Final = b"text/event-stream"
_SHAPES: Final[Shapes[AnswerShape]] = Shapes(AnswerShape)


def head_of(relay: "Sending", upstream: "UpstreamConnection") -> bytes | None:
    """The head of a relay's answer; None when the upstream's was refused. The relay learns whether
    its body goes out in chunks, and its tally what the head says.
    """
    front, tally = relay.front, relay.tally
    names, values = tuple(upstream.names), tuple(upstream.values)
    shape = _SHAPES.get(names) or _SHAPES.make(names)
    status = upstream.status
    template = shape.template
    chunked = not shape.sized
    streams = False
    named: frozenset[bytes] = frozenset()
    if tally.stream:
        encoding = values[shape.encoding] if shape.encoding >= 0 else b""
        streams = shape.kind >= 0 and _is_event_stream(values[shape.kind], encoding)
        relay.streams = streams
    if not shape.plain or status in BODILESS or (streams and shape.sized):
        if shape.transfer and not _is_chunked(values, shape.transfer):
            return None
        named = named_by_connection(values, shape.connection) if shape.connection else _NONE
        if status in BODILESS or (streams and shape.sized):  # events may be left out
            named |= _LENGTH
        if named:
            template = answer_template(names, named)
        chunked = (chunked or b"content-length" in named) and status not in BODILESS
    relay.chunked = chunked = chunked and not front.http10
    tally.status = status
    if shape.encoding >= 0:
        tally.encoding = values[shape.encoding]
    if shape.request_id >= 0:
        tally.upstream_request_id = values[shape.request_id]
    ending = FRAMING[chunked, front.closes()]
    told = relay.told
    if told:
        if tally.charge is not None and not named:
            template = shape.limited
            key = status, ending
            text = shape.limited_texts.get(key) or shape.limited_text(*key, STATUS_LINES[status])
        else:
            if shape.of_limits and tally.charge is not None:
                template = answer_template(names, named | shape.of_limits)
            text = b"%b%b%%b%b" % (STATUS_LINES[status], template.text, ending)
        return text % (*template.pick(values), front.request_id, told)
    if template is shape.template:
        text = shape.texts.get((status, ending)) or shape.text(status, STATUS_LINES[status], ending)
    else:
        text = STATUS_LINES[status] + template.text + ending
    return text % (*template.pick(values), front.request_id)


def _is_event_stream(kind: bytes, encoding: bytes) -> bool:
    """Whether the body of an answer is plain server-sent events."""
    if encoding not in (b"", b"identity"):
        return False
    return kind.startswith(_EVENTS) or kind.strip().lower().startswith(_EVENTS)


def is_encoded(upstream: "UpstreamConnection") -> bool:
    """Whether the body of an answer is compressed, so that it cannot be looked into."""
    return any(
        name.lower() == b"content-encoding" and value.strip().lower() not in (b"", b"identity")
        for name, value in upstream.headers
    )


def _is_chunked(values: Values, at: tuple[int, ...]) -> bool:
    return len(at) == 1 and values[at[0]].strip().lower() == b"chunked"
