"""What is known of a request before anybody reads the whole of it."""

import msgspec

ABSENT = msgspec.Raw(b"")


class _Wire(msgspec.Struct, gc=False):
    model: str | None = None
    stream: bool | None = None
    routing_preferences: msgspec.Raw = ABSENT
    """Meant for us; it costs nothing to see it here."""


WIRE = msgspec.json.Decoder(_Wire)


class Peek(msgspec.Struct, gc=False):
    """What a request says about itself, and the bytes to say it with."""

    body: bytes
    model: str | None
    stream: bool
    start: int = -1
    """Where the value of `model` begins in `body`; -1 when it must be searched."""
    end: int = -1
    inline: bool = False
    """Whether it brings routing preferences along, which are not for the provider."""
