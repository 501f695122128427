"""The turns of a conversation, as far as its beginning is looked for."""

import msgspec


class Turn(msgspec.Struct, gc=False):
    """Of a conversation."""

    role: str = ""


LIST = msgspec.json.Decoder(list[msgspec.Raw])
ROLE = msgspec.json.Decoder(Turn)
