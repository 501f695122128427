"""What an issuer publishes, and when it is asked again."""

import json

import pytest

from dataplane.server.auth.key_set import MIN_REFRESH_S, KeySet, UnusableKeysError, read
from tests.support.issuer import SigningKey, jwks

EC, RSA, OKP = SigningKey("EC", "e"), SigningKey("RSA", "r"), SigningKey("OKP", "o")


def test_every_kind_of_key_says_what_it_checks() -> None:
    keys = read(jwks(EC, RSA, OKP))
    assert keys["e"].algorithms == {"ES256"}
    assert keys["o"].algorithms == {"EdDSA"}
    assert {"RS256", "PS512"} <= keys["r"].algorithms
    assert not any(name.startswith("HS") for key in keys.values() for name in key.algorithms)


def test_key_that_names_its_algorithm_checks_no_other() -> None:
    assert read(json.dumps({"keys": [{**RSA.jwk, "alg": "RS512"}]}))["r"].algorithms == {"RS512"}


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x"},
        {**RSA.jwk, "use": "enc"},
        {**RSA.jwk, "key_ops": ["encrypt"]},
        {**RSA.jwk, "alg": "HS256"},
        {**RSA.jwk, "alg": "none"},
        {**RSA.jwk, "alg": ["RS256"]},
        {**EC.jwk, "crv": "secp256k1"},
        {**EC.jwk, "crv": ["P-256"]},
        {**RSA.jwk, "n": "AA"},
        {**EC.jwk, "x": "!!!"},
        {"kty": "RSA"},
        {},
    ],
)
def test_key_that_is_of_no_use_is_left_out(entry: dict[str, object]) -> None:
    assert read(json.dumps({"keys": [entry, EC.jwk]})).keys() == {"e"}
    with pytest.raises(UnusableKeysError):
        read(json.dumps({"keys": [entry]}))


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"keys": {}}', '{"keys": [1]}', "[" * 100_000, b"\xff"]
)
def test_what_is_no_set_is_refused(text: str | bytes) -> None:
    with pytest.raises(UnusableKeysError):
        read(text)


def test_unknown_key_is_asked_for_but_not_by_every_stranger() -> None:
    it = KeySet()
    it.fetched(read(jwks(EC)), 0.0)
    assert it.find("e", 0.0) is not None
    assert it.find("new", 1.0) is None
    assert not it.asked, "they were fetched a moment ago"
    assert it.find("new", MIN_REFRESH_S) is None
    assert it.asked
    it.fetched(None, MIN_REFRESH_S)
    assert not it.asked
    assert it.find("e", MIN_REFRESH_S) is not None, "what was good stays good"
    it.find("new", MIN_REFRESH_S + 1)
    assert not it.asked


def test_token_without_kid_is_for_the_only_key() -> None:
    it = KeySet()
    it.fetched(read(jwks(EC)), 0.0)
    assert it.find("", 0.0) is not None
    it.fetched(read(jwks(EC, RSA)), 0.0)
    assert it.find("", 0.0) is None
