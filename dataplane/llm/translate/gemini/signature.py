"""Signatures in `thoughtSignature`, which is base64.

Gemini's own stand there as they are. Those of others are sealed (hub/seal.py) and, since Google's
SDKs decode the field and encode it again in either alphabet, wrapped in base64.
"""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error

from dataplane.llm.hub.parts import Thinking
from dataplane.llm.hub.seal import opened, seal
from dataplane.runtime.protocols import Protocol

_SEALED = b"outrider."
_REDACTED = b"redacted "


def standard_base64(data: str) -> str:
    """Base64 in the alphabet that everybody reads: Google's SDKs write the one for URLs."""
    return data.replace("-", "+").replace("_", "/") if "-" in data or "_" in data else data


def to_wire(thinking: Thinking) -> str:
    """What a Gemini client is given for the signature of another protocol's thinking."""
    if not thinking.signature:
        return ""
    mark = _REDACTED if thinking.redacted else b""
    return urlsafe_b64encode(mark + thinking.signature.encode()).decode()


def from_wire(wire: str) -> tuple[str, bool]:
    """(sealed signature, whether it is all there is) of what a Gemini client sends back."""
    if not wire:
        return "", False
    try:
        told = b64decode(standard_base64(wire) + "==")
        redacted = told.startswith(_REDACTED)
        told = told.removeprefix(_REDACTED)
        if told.startswith(_SEALED):
            return told.decode(), redacted
    except (Error, ValueError):
        pass
    return seal(Protocol.GEMINI, wire), False


def mine(sealed: str) -> str:
    """Gemini's own signature in a sealed one; empty when it is another's."""
    return opened(sealed, Protocol.GEMINI)
