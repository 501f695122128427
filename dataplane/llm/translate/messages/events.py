"""The events of a streamed message, as far as they are read."""

import msgspec

from dataplane.llm.translate.messages.errors import WireError
from dataplane.llm.translate.messages.wire import ABSENT, WireUsage


class WireDelta(msgspec.Struct, gc=False):
    type: str = ""
    text: msgspec.Raw = ABSENT
    partial_json: msgspec.Raw = ABSENT
    thinking: msgspec.Raw = ABSENT
    signature: str | None = None
    citation: msgspec.Raw = ABSENT
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Start(msgspec.Struct, gc=False):
    id: str = ""
    model: str = ""
    usage: WireUsage | None = None


class Event(msgspec.Struct, gc=False):
    type: str = ""
    index: int = 0
    delta: WireDelta | None = None
    content_block: msgspec.Raw = ABSENT
    message: Start | None = None
    usage: WireUsage | None = None
    error: WireError | None = None


class SeenBlock(msgspec.Struct):
    type: str = ""


class SeenEvent(msgspec.Struct):
    type: str = ""
    index: int = 0
    content_block: SeenBlock | None = None


EVENT = msgspec.json.Decoder(Event)
SEEN = msgspec.json.Decoder(SeenEvent)
