"""What a card of ours is called in the state that it is in (ETag, RFC 9110).

Rule: all workers call it the same, though each signs it by itself and signatures differ. So a tag
is of what is said and by whom it is signed, and weak where it is signed.
"""

import hashlib

from dataplane.agents.a2a.values import ENCODER, Json, objects

SIGNATURES = "signatures"


def etag_of(card: Json) -> str:
    """The value of the header."""
    signed = [one.get("protected") for one in objects(card.get(SIGNATURES))]
    said = ENCODER.encode([{k: v for k, v in card.items() if k != SIGNATURES}, signed])
    tag = f'"{hashlib.blake2b(said, digest_size=12).hexdigest()}"'
    return f"W/{tag}" if signed else tag


def names_tag(wanted: str, etag: str) -> bool:
    """Whether the value of an If-None-Match is of this state (a weak comparison)."""
    ours = etag.removeprefix("W/")
    return any(
        one.strip() == "*" or one.strip().removeprefix("W/") == ours for one in wanted.split(",")
    )
