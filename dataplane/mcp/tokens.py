"""Names that lead back: whatever a server hands out that a client will show us again carries the
server's id in front, so that nobody has to remember whose it was, in whatever worker it comes.

What is marked is a JSON string or number (ids, progress tokens) or plain text (ids of events).
"""

import base64
import binascii
from collections.abc import Container, Mapping

import msgspec

SEPARATOR = ":"


def marked(server: str, token: bytes) -> bytes:
    """A JSON id as clients see it."""
    return msgspec.json.encode(f"{server}{SEPARATOR}{token.decode('utf-8', 'replace')}")


def unmarked(token: bytes, servers: Container[str]) -> tuple[str, bytes] | None:
    """Whose it is, and what it is called there; None: nobody's."""
    try:
        text = msgspec.json.decode(token, type=str)
    except msgspec.DecodeError:
        return None
    return split(text, servers)


def split(text: str, servers: Container[str]) -> tuple[str, bytes] | None:
    """The same of plain text."""
    server, found, rest = text.partition(SEPARATOR)
    return (server, rest.encode()) if found and server in servers else None


def cursor(cursors: Mapping[str, str]) -> str:
    """Where a list goes on, of several servers: one opaque word."""
    return base64.urlsafe_b64encode(msgspec.json.encode(cursors)).decode()


def cursors(word: str) -> dict[str, str] | None:
    """What is in a word; None: it is none of ours."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(word), type=dict[str, str])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
