"""The public keys of an issuer: a JWK Set, read; and when it is asked for again. Pure but for
cryptography.

The rule: a key says itself what it may check. An algorithm is taken of the key's kind, never of the
token alone, and keys for encryption or with a secret in them are no keys here.
"""

import json
from collections.abc import Mapping
from typing import Any

from jwt import PyJWK
from jwt.exceptions import PyJWTError

MAX_BYTES = 1 << 20
"""Of a set; Google's has 3 KB, Microsoft's 30."""
MAX_KEYS = 200
MIN_REFRESH_S = 10.0
"""Between two fetches because of an unknown key: strangers can make those up."""
_BY_CURVE = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",), "Ed25519": ("EdDSA",)}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


class UnusableKeysError(Exception):
    """What came is no set of keys."""


class Key:
    """One public key."""

    __slots__ = ("algorithms", "material")

    def __init__(self, material: Any, algorithms: frozenset[str]) -> None:
        self.material = material
        """As PyJWT wants it."""
        self.algorithms = algorithms
        """What it may check."""


Keys = Mapping[str, Key]
"""By `kid`; a key without one is under the empty text."""


def read(text: bytes | str) -> Keys:
    """The keys of a JWK Set that signatures can be checked with. Raises UnusableKeysError."""
    try:
        found = json.loads(text)
        entries = found["keys"]
    except (ValueError, RecursionError, KeyError, TypeError) as problem:
        raise UnusableKeysError("not a JSON object with `keys`") from problem
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise UnusableKeysError(f"`keys` is no list of at most {MAX_KEYS}")
    keys: dict[str, Key] = {}
    for entry in entries:
        key = _key(entry) if isinstance(entry, dict) else None
        if key is not None:
            kid = entry.get("kid", "")
            keys.setdefault(kid if isinstance(kid, str) else "", key)
    if not keys:
        raise UnusableKeysError("no key that signatures can be checked with")
    return keys


def _key(entry: dict[str, Any]) -> Key | None:
    """None: one of a kind that is of no use here."""
    if entry.get("use", "sig") != "sig" or "verify" not in (entry.get("key_ops") or ["verify"]):
        return None
    kind, curve = entry.get("kty"), entry.get("crv")
    fitting = _RSA if kind == "RSA" else _BY_CURVE.get(curve if isinstance(curve, str) else "", ())
    if kind not in ("RSA", "EC", "OKP") or not fitting:
        return None
    named = entry.get("alg")
    if named is not None and named not in fitting:
        return None
    public = {name: value for name, value in entry.items() if name not in _PRIVATE}
    try:
        material = PyJWK(public, named or fitting[0]).key
    except (PyJWTError, ValueError, TypeError):
        return None
    return Key(material, frozenset((named,)) if named is not None else frozenset(fitting))


_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


class KeySet:
    """What is known of an issuer's keys, and whether to ask for them. Times on Clock.now().

    Keys that were good stay good while their issuer cannot be reached.
    """

    def __init__(self) -> None:
        self.keys: Keys | None = None
        """None: nothing has come yet."""
        self.asked = False
        """Whether somebody has shown a key that is not known, since they were asked for last."""
        self._fetched_at = float("-inf")

    def find(self, kid: str, now: float) -> Key | None:
        """A key; when it is not there, its set is asked for again, but not too often."""
        keys = self.keys or {}
        key = keys.get(kid)
        if key is None and not kid and len(keys) == 1:
            key = next(iter(keys.values()))  # there is no choice
        if key is None and now >= self._fetched_at + MIN_REFRESH_S:
            self.asked = True
        return key

    def fetched(self, keys: Keys | None, now: float) -> None:
        """They were asked for; None: in vain."""
        self._fetched_at = now
        self.asked = False
        if keys is not None:
            self.keys = keys
