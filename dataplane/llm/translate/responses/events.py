"""The events of a streamed response, as far as they are read."""

import msgspec

from dataplane.llm.hub.literals import Literal, readable
from dataplane.llm.translate.responses.wire import ABSENT


class Event(msgspec.Struct):
    """One of them; each kind has a few of these fields."""

    type: str = ""
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    delta: msgspec.Raw = ABSENT
    logprobs: msgspec.Raw = ABSENT
    text: msgspec.Raw = ABSENT
    refusal: msgspec.Raw = ABSENT
    arguments: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT
    item: msgspec.Raw = ABSENT
    part: msgspec.Raw = ABSENT
    annotation: msgspec.Raw = ABSENT
    response: msgspec.Raw = ABSENT


class SeenItem(msgspec.Struct):
    type: str = ""
    id: str = ""


class SeenEvent(msgspec.Struct):
    type: str = ""
    sequence_number: int = -1
    output_index: int = 0
    summary_index: int = 0
    item: msgspec.Raw = msgspec.Raw(b"null")
    part: msgspec.Raw = msgspec.Raw(b"null")
    response: SeenItem | None = None


class ProtocolError(Exception):
    """What came cannot be (a part of) a streamed response."""


_EVENT = msgspec.json.Decoder(Event)
SEEN = msgspec.json.Decoder(SeenEvent)
SEEN_ITEM = msgspec.json.Decoder(SeenItem)


def decode(data: bytes, *, begun: bool) -> Event | None:
    """See `readable`. Raises msgspec.MsgspecError."""
    return readable(_EVENT, data, begun=begun)


def words_of(words: msgspec.Raw) -> Literal:
    """The literal of a delta. Raises ProtocolError."""
    text = bytes(words)
    if text[:1] != b'"':
        raise ProtocolError("a delta is no text")
    return text
