"""Signatures of thinking on their way through a client that speaks another protocol.

A provider wants its signatures (Anthropic's `signature`, Responses' `encrypted_content`, Gemini's
`thoughtSignature`) back with the next turn, and refuses those of others. So a signature that leaves
for a client of another protocol is sealed with the name of the protocol it belongs to, and only
that protocol's writer opens it again.
"""

from typing import Final

from dataplane.runtime.protocols import Protocol

_PREFIX: Final = "outrider."


def seal(origin: Protocol, signature: str) -> str:
    """What a client is given: "outrider.messages.EqRk...". An empty signature stays empty."""
    return f"{_PREFIX}{origin.value}.{signature}" if signature else ""


def opened(signature: str, target: Protocol) -> str:
    """The signature, when `target` made it; else an empty text."""
    mine = f"{_PREFIX}{target.value}."
    return signature[len(mine) :] if signature.startswith(mine) else ""


def is_sealed(signature: str) -> bool:
    """Whether another protocol's provider made the signature; else it is the client's own."""
    return signature.startswith(_PREFIX)
