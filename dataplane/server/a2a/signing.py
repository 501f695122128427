"""Signs the cards of our listeners, in each form that somebody checks (agents/a2a/canonical.py).

Rule: only what the operator says is signed. A card whose address a client had chosen (`Host`) would
be a signature for whoever asks, so a signing listener has a `public_url`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt import PyJWS

from dataplane.agents.a2a.canonical import SIGNATURES, forms
from dataplane.agents.a2a.values import ENCODER, Json
from dataplane.runtime.auth import CardSigning
from dataplane.server.auth.certificates import UnusableFilesError

MIN_RSA_BITS = 2048
"""RFC 7518, 3.3."""
KEPT = 16
"""Signed cards of a listener: for strangers and for callers, and what agents have said lately."""
_BY_CURVE = {256: "ES256", 384: "ES384", 521: "ES512"}
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class CardSigner:
    """Of one key."""

    def __init__(self, rules: CardSigning) -> None:
        """Raises UnusableFilesError."""
        self._key, self._algorithm = _key(rules.key_file)
        self._header = {"typ": "JOSE", "kid": rules.key_id}
        if rules.jwks_uri:
            self._header["jku"] = rules.jwks_uri
        self._kept: dict[bytes, Json] = {}

    def signed(self, card: Json) -> Json:
        """A card with its signatures, one for each form."""
        told = ENCODER.encode(card)
        found = self._kept.get(told)
        if found is None:
            made = [self._signature(form.payload) for form in forms(card)]
            found = self._kept[told] = card | {SIGNATURES: made}
            if len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return found

    def _signature(self, payload: bytes) -> Json:
        token = PyJWS().encode(payload, self._key, self._algorithm, self._header)
        protected, _, signature = token.split(".")
        return {"protected": protected, "signature": signature}


def signers(
    wanted: Iterable[CardSigning], known: Mapping[CardSigning, CardSigner]
) -> dict[CardSigning, CardSigner]:
    """For each key; those that are known stay. Raises UnusableFilesError."""
    return {rules: known.get(rules) or CardSigner(rules) for rules in wanted}


def _key(file: str) -> tuple[PrivateKey, str]:
    try:
        pem = Path(file).read_bytes()
    except OSError as problem:
        raise UnusableFilesError(f"{file} cannot be read: {problem.strerror}") from problem
    try:
        key = load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        # OpenSSL's own words are about its innards.
        raise UnusableFilesError(f"{file} is no private key in PEM without a password") from problem
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name.startswith("secp"):
            algorithm = _BY_CURVE.get(key.key_size)
            if algorithm is not None and key.curve.name != "secp256k1":
                return key, algorithm
        case ed25519.Ed25519PrivateKey():
            return key, "EdDSA"
        case rsa.RSAPrivateKey() if key.key_size >= MIN_RSA_BITS:
            return key, "RS256"
    raise UnusableFilesError(f"{file} is none of P-256, P-384, P-521, Ed25519 and RSA of 2048 bits")
