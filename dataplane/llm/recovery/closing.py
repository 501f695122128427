"""The end of a stream that is ended by us, as its protocol ends one that a content filter stopped.

Rule: the client's own writer writes it, fast-forwarded over what the client has; where it cannot be
(a state nobody can go on from) there is no such end, and the stream must be cut off.
"""

from collections.abc import Sequence

import msgspec

from dataplane.llm.framing import Framing, cutter_of, payload_of
from dataplane.llm.hub.answer import Failure, Finish
from dataplane.llm.hub.delta import Begin, Delta, End, Failed, Finished, PartEnd, UsageDelta
from dataplane.llm.recovery.delivered import Delivered
from dataplane.llm.translate.codec import Echo, StreamWriter
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol

_LAST_WORDS = {
    Protocol.CHAT: b"data: [DONE]\n\n",
    Protocol.MESSAGES: b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
}
"""What clients wait for when all else was said."""


def echo_of(
    protocol: Protocol, body: bytes, model: str, created: int, answer_id: str
) -> Echo | None:
    """What an answer to this request repeats of it; None: it is none."""
    request = CODECS[protocol].read_request(body, model, True)
    if isinstance(request, LocalReply):
        return None
    return Echo(request, created, answer_id)


def closing(
    protocol: Protocol,
    echo: Echo,
    told: Sequence[bytes],
    framing: Framing,
    failure: Failure | None = None,
) -> list[bytes] | None:
    """The events that end a stream, as pieces of its framing; None: nobody can say them.

    :param told: the pieces that the client has.
    :param failure: it ends with this error, and not as an answer.
    """
    reader = CODECS[protocol].stream_reader()
    if framing is Framing.ELEMENTS:
        told = [b"data: %b\n\n" % piece for piece in told]
    deltas = [delta for piece in told for delta in reader.feed(piece)]
    delivered = Delivered()
    delivered.feed(deltas)
    if failure is None and reader.has_all():
        known = _LAST_WORDS.get(protocol, b"")
        return [known] if known and known not in told else []
    if delivered.failed or delivered.finished:
        return None
    writer: StreamWriter | None
    begin: list[Delta] = []
    if delivered.begin is None:
        writer = CODECS[protocol].stream_writer(echo)
        begin = [Begin(echo.answer_id, echo.request.model, echo.created)]
    else:
        writer = _resumed(protocol, echo, deltas, b"".join(told))
    if writer is None:
        return None
    ends = _end_of(delivered) if failure is None else [Failed(failure)]
    data = writer.feed([*begin, *ends])
    return _pieces(data, protocol, framing)


def _resumed(
    protocol: Protocol, echo: Echo, deltas: list[Delta], told: bytes
) -> StreamWriter | None:
    resume = CODECS[protocol].resume_stream
    if resume is not None:
        try:
            return resume(echo, deltas, told)
        except (msgspec.MsgspecError, ValueError):
            return None
    writer = CODECS[protocol].stream_writer(echo)
    writer.feed(deltas)  # it numbers as the provider has
    return writer


def _end_of(delivered: Delivered) -> list[Delta]:
    ends: list[Delta] = []
    for choice, parts in (delivered.choices or {0: []}).items():
        if parts and not parts[-1].ended:
            ends.append(PartEnd(choice))
        ends.append(Finished(Finish.CONTENT_FILTER, choice))
    if delivered.usage is not None:
        ends.append(UsageDelta(delivered.usage))
    return [*ends, End()]


def _pieces(data: bytes, protocol: Protocol, framing: Framing) -> list[bytes]:
    written = Framing.FRAMES if protocol is Protocol.CONVERSE else Framing.SSE
    pieces = cutter_of(written, 0).feed(data)
    if framing is Framing.ELEMENTS:
        return [payload_of(piece, written) for piece in pieces]
    return pieces
