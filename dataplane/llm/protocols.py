"""Which wire format a request speaks and what it asks for, by its method and path."""

from dataplane.runtime.protocols import GENERATION_OF, Operation, Protocol

__all__ = ["CHAT_PATH", "GENERATION_OF", "Operation", "Protocol", "protocol_of"]

CHAT_PATH = "/v1/chat/completions"

_BY_PATH = {CHAT_PATH: Protocol.CHAT}


def protocol_of(path: str) -> Protocol | None:
    """The protocol of a path without query; None when it is none of ours."""
    return _BY_PATH.get(path)
