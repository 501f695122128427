"""What a conversation begins with, as it was sent."""

import msgspec


class Beginning(msgspec.Struct, gc=False):
    """What all APIs say of a conversation, in the order in which models read it."""

    tools: msgspec.Raw = msgspec.Raw(b"")
    toolConfig: msgspec.Raw = msgspec.Raw(b"")
    instructions: msgspec.Raw = msgspec.Raw(b"")
    system: msgspec.Raw = msgspec.Raw(b"")
    systemInstruction: msgspec.Raw = msgspec.Raw(b"")
    messages: msgspec.Raw = msgspec.Raw(b"")
    input: msgspec.Raw = msgspec.Raw(b"")
    contents: msgspec.Raw = msgspec.Raw(b"")
    prompt: msgspec.Raw = msgspec.Raw(b"")


class Turn(msgspec.Struct, gc=False):
    """Of a conversation."""

    role: str = ""


BEGINNING = msgspec.json.Decoder(Beginning)
LIST = msgspec.json.Decoder(list[msgspec.Raw])
ROLE = msgspec.json.Decoder(Turn)
