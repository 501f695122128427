"""What is known of a request before anybody reads the whole of it."""

import msgspec

ABSENT = msgspec.Raw(b"")


class Wire(msgspec.Struct, gc=False):
    """What requests are routed by."""

    model: str | None = None
    stream: bool | None = None
    routing_preferences: msgspec.Raw = ABSENT
    """Meant for us; it costs nothing to see it here."""


class Survey(Wire, gc=False):
    """The same, and all that features ask for, in whatever API it is written. What it says is not
    looked into, so that it cannot be wrong here.
    """

    max_tokens: msgspec.Raw = ABSENT
    """From here on: what limits an answer, for stakes.py, in this order."""
    max_completion_tokens: msgspec.Raw = ABSENT
    max_output_tokens: msgspec.Raw = ABSENT
    generationConfig: msgspec.Raw = ABSENT
    inferenceConfig: msgspec.Raw = ABSENT
    n: msgspec.Raw = ABSENT
    tools: msgspec.Raw = ABSENT
    """From here on: the conversation, in the order in which models read it (prefix_key.py)."""
    toolConfig: msgspec.Raw = ABSENT
    instructions: msgspec.Raw = ABSENT
    system: msgspec.Raw = ABSENT
    systemInstruction: msgspec.Raw = ABSENT
    messages: msgspec.Raw = ABSENT
    input: msgspec.Raw = ABSENT
    contents: msgspec.Raw = ABSENT
    prompt: msgspec.Raw = ABSENT


WIRE = msgspec.json.Decoder(Wire)
SURVEY = msgspec.json.Decoder(Survey)


def surveyed(body: bytes) -> Survey | None:
    """What a request says; None when it is no JSON object."""
    try:
        return SURVEY.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
