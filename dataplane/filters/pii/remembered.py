"""What placeholders of a conversation stand for, kept for its next turn: the provider remembers the
conversation, and the client only names it.

Rule: what is kept can be read by nobody but who names the response again. The id of the response,
which the provider has made up and only its client has, is the key that it is sealed with; the store
has neither the id nor a value in clear.
"""

import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NAME, _KEY = b"outrider-pii-nam", b"outrider-pii-key"
"""What a hash is for: the same words give other bytes (16 at most)."""
_NONCE_BYTES = 12


class Remembered(msgspec.Struct, frozen=True, array_like=True):
    """The placeholders of a conversation so far."""

    pairs: dict[str, str]
    """By placeholder, what it stands for."""
    series: str = ""
    """See Placeholders."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Remembered)


class Place:
    """Where that of one response is."""

    def __init__(self, filter_id: str, owner: str, response_id: str) -> None:
        """:param owner: whose it is (owner.py): others find nothing, whatever they name."""
        told = "\n".join((filter_id, owner, response_id)).encode()
        self._cipher_key = hashlib.blake2b(told, digest_size=32, person=_KEY).digest()
        self.key = "pii:" + hashlib.blake2b(told, digest_size=24, person=_NAME).hexdigest()
        """In the store."""

    def seal(self, what: Remembered) -> bytes:
        """As it is kept."""
        said = _ENCODER.encode(what)
        # Made of what is sealed: a provider that gives an id twice has no nonce used twice.
        nonce = hashlib.blake2b(said, digest_size=_NONCE_BYTES, key=self._cipher_key).digest()
        return nonce + AESGCM(self._cipher_key).encrypt(nonce, said, None)

    def open(self, sealed: bytes | None) -> Remembered | None:
        """None: nothing is there, or nothing of ours."""
        if sealed is None:
            return None
        try:
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return _DECODER.decode(AESGCM(self._cipher_key).decrypt(nonce, rest, None))
        except (InvalidTag, ValueError):  # (DecodeError is one)
            return None


def series_of(response_id: str) -> str:
    """A part for placeholders of a conversation whose own are not known any more: they must not
    be taken for those."""
    return hashlib.blake2b(response_id.encode(), digest_size=3).hexdigest().upper()


class Asked(msgspec.Struct):
    """What a request of Responses says of its conversation."""

    previous_response_id: str | None = None
    store: bool | None = None


def turn_of(body: bytes) -> Asked:
    """Of a request; of what is none, nothing."""
    try:
        return msgspec.json.decode(body, type=Asked)
    except (ValueError, RecursionError):
        return Asked()


def id_in(json: Any) -> str:
    """The id of the response that an event, or a whole answer, tells; empty: none."""
    if not isinstance(json, dict):
        return ""
    told = json.get("response") if isinstance(json.get("response"), dict) else json
    found = told.get("id") if isinstance(told, dict) and told.get("object") == "response" else None
    return found if isinstance(found, str) else ""
