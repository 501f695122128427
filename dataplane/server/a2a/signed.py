"""Whether a card is signed with one of the keys that the operator trusts for it.

Rule: keys are the operator's. What a signature says of where its key is (`jku`) counts for nothing:
who can change a card can change that, too.
"""

import asyncio
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from jwt import PyJWS
from jwt.exceptions import PyJWTError
from jwt.utils import base64url_decode

from dataplane.agents.a2a.canonical import SIGNATURES, Form, forms
from dataplane.agents.a2a.values import Json, decoded, objects, text
from dataplane.agents.described import Unknown
from dataplane.server.auth.key_set import Key, KeySet

MAX_SIGNATURES = 8
"""Of a card that are looked at; each may be checked against four forms."""
MAX_CHARS = 8192
"""Of a header or a signature: one of RSA with 4096 bits has 683."""


@dataclass(frozen=True, slots=True)
class _Signature:
    protected: str
    signature: str
    algorithm: str
    kid: str


async def checked(raw: Json, keys: KeySet, now: float) -> Json | Unknown:
    """What a card says as far as it is signed; why it is not. `keys.asked` tells afterwards whether
    it would help to ask for them again.
    """
    found = [_read(one) for one in objects(raw.get(SIGNATURES))[:MAX_SIGNATURES]]
    signatures = [one for one in found if one is not None]
    if not signatures:
        return Unknown("its card is not signed")
    if keys.keys is None:
        return Unknown("its card cannot be checked: its keys cannot be had")
    known = [(one, key) for one in signatures if (key := keys.find(one.kid, now)) is not None]
    fitting = [(one, key) for one, key in known if one.algorithm in key.algorithms]
    # Off the loop: a card may have a megabyte, and its forms are written in Python.
    card = await asyncio.to_thread(_first_good, raw, fitting)
    if card is None:
        ids = ", ".join(repr(one.kid[:64]) for one in signatures)
        return Unknown(f"its card is signed with none of its keys (its signatures name {ids})")
    return card


def _read(told: Json) -> _Signature | None:
    """A signature as far as it can be checked here at all."""
    protected, signature = text(told.get("protected")), text(told.get("signature"))
    if not protected or max(len(protected), len(signature)) > MAX_CHARS:
        return None
    try:
        header = decoded(base64url_decode(protected))
    except ValueError:
        return None
    # What `crit` names must be understood, and nothing of it is.
    if not isinstance(header, dict) or "crit" in header or "b64" in header:
        return None
    return _Signature(protected, signature, text(header.get("alg")), text(header.get("kid")))


def _first_good(raw: Json, signatures: list[tuple[_Signature, Key]]) -> Json | None:
    for form in forms(raw) if signatures else ():
        if any(_is_good(form, one, key) for one, key in signatures):
            return form.card
    return None


def _is_good(form: Form, signature: _Signature, key: Key) -> bool:
    payload = urlsafe_b64encode(form.payload).decode().rstrip("=")
    token = f"{signature.protected}.{payload}.{signature.signature}"
    try:
        PyJWS().decode(token, key.material, algorithms=[signature.algorithm])
    except (PyJWTError, ValueError):
        return False
    return True
