"""What a request says of how much it may cost."""

import msgspec


class _Generation(msgspec.Struct, gc=False, rename="camel"):
    max_output_tokens: int | None = None


class _Inference(msgspec.Struct, gc=False, rename="camel"):
    max_tokens: int | None = None


ABSENT = msgspec.Raw(b"")


class Offered(msgspec.Struct, gc=False):
    """The tools of a request, in whatever API it is written."""

    tools: list[msgspec.Raw] | None = None
    functions: list[msgspec.Raw] | None = None
    toolConfig: msgspec.Raw = ABSENT


OFFERED = msgspec.json.Decoder(Offered)
GENERATION = msgspec.json.Decoder(_Generation | None)
INFERENCE = msgspec.json.Decoder(_Inference | None)
NUMBER = msgspec.json.Decoder(int | None)


class Stakes(msgspec.Struct, frozen=True, gc=False):
    """What is at stake."""

    tokens: int
    """Prompt and answer, at most."""
    has_tools: bool
