"""Which wire format a request speaks, by its path."""

from enum import Enum

CHAT_PATH = "/v1/chat/completions"


class Protocol(Enum):
    """A wire format of model APIs."""

    CHAT = "chat"
    """OpenAI chat completions."""


_BY_PATH = {CHAT_PATH: Protocol.CHAT}


def protocol_of(path: str) -> Protocol | None:
    """The protocol of a path without query; None when it is none of ours."""
    return _BY_PATH.get(path)
