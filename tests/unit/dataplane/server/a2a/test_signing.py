"""Our own cards, signed. The SDK, and our own reader of others' cards, verify."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from a2a.client.card_resolver import parse_agent_card
from a2a.utils.signing import create_signature_verifier
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jwt import PyJWK, PyJWS

from dataplane.agents.a2a.canonical import forms
from dataplane.runtime.auth import CardSigning
from dataplane.server.a2a.signed import checked
from dataplane.server.a2a.signing import KEPT, CardSigner, signers
from dataplane.server.auth import key_set
from dataplane.server.auth.certificates import UnusableFilesError
from dataplane.server.auth.key_set import KeySet
from tests.support.issuer import SigningKey, jwks
from tests.unit.dataplane.agents.a2a.test_canonical import of_a_listener

Json = dict[str, Any]
WHERE = "https://agents.example.com/jwks.json"


def rules(folder: Path, key: SigningKey) -> CardSigning:
    file = folder / "card.pem"
    file.write_bytes(key.pem())
    return CardSigning(str(file), key.kid, WHERE)


def headers(card: Json) -> list[Json]:
    tokens = [f"{one['protected']}..{one['signature']}" for one in card["signatures"]]
    return [PyJWS().get_unverified_header(token) for token in tokens]


@pytest.mark.parametrize("kind", ["EC", "RSA", "OKP"])
async def test_card_is_good_for_whoever_has_the_key(kind: str, tmp_path: Path) -> None:
    key = SigningKey(kind)
    card = CardSigner(rules(tmp_path, key)).signed(of_a_listener())
    public = PyJWK(key.jwk, key.algorithm)
    verify = create_signature_verifier(lambda kid, jku: public, [key.algorithm])
    verify(parse_agent_card(deepcopy(card)))  # raises when it is not
    known = KeySet()
    known.fetched(key_set.read(jwks(key)), 0.0)
    assert await checked(card, known, 0.0) == of_a_listener()
    told = {"alg": key.algorithm, "typ": "JOSE", "kid": "k1", "jku": WHERE}
    assert headers(card) == [told] * len(forms(of_a_listener()))


def test_same_card_is_signed_once(tmp_path: Path) -> None:
    signer = CardSigner(rules(tmp_path, SigningKey()))
    first = signer.signed({"name": "A"})
    assert signer.signed({"name": "A"}) is first
    for at in range(KEPT):
        signer.signed({"name": f"B{at}"})
    assert signer.signed({"name": "A"}) is not first


def test_keys_that_are_known_are_not_read_again(tmp_path: Path) -> None:
    wanted = rules(tmp_path, SigningKey())
    known = signers([wanted], {})
    Path(wanted.key_file).unlink()
    assert signers([wanted], known) == known


def pem(key: Any, password: bytes = b"") -> bytes:
    sealed = BestAvailableEncryption(password) if password else NoEncryption()
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed)
    return made


UNFIT = {
    "no key": b"-----BEGIN",
    "with a password": pem(SigningKey().private, b"secret"),
    "of another curve": pem(ec.generate_private_key(ec.SECP256K1())),
    "short": pem(rsa.generate_private_key(65537, 1024)),
}


@pytest.mark.parametrize("what", UNFIT)
def test_key_that_does_not_do_is_named(what: str, tmp_path: Path) -> None:
    file = tmp_path / "card.pem"
    file.write_bytes(UNFIT[what])
    with pytest.raises(UnusableFilesError, match=r"card\.pem is no"):
        CardSigner(CardSigning(str(file), "k1"))


def test_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableFilesError, match=r"none\.pem cannot be read: No such file"):
        CardSigner(CardSigning(str(tmp_path / "none.pem"), "k1"))
