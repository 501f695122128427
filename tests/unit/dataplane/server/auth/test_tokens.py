"""Tokens that open, and the many that do not."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from dataplane.runtime.auth import Jwks, Jwt
from dataplane.runtime.principal import Principal
from dataplane.server.auth.key_set import KeySet, read
from dataplane.server.auth.tokens import (
    BadTokenError,
    KeysMissingError,
    NotAllowedError,
    NotOursError,
    Tokens,
)
from tests.support.issuer import AUDIENCE, ISSUER, SigningKey, jwks, unsigned

EC, RSA, OTHER = SigningKey("EC", "e"), SigningKey("RSA", "r"), SigningKey("EC", "e")
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "mallory", "exp": 1 << 40}


def tokens(*keys: SigningKey, now: float = 0.0, **rules: Any) -> Tokens:
    it = KeySet()
    if keys:
        it.fetched(read(jwks(*keys)), now)
    return Tokens(Jwt(ISSUER, (AUDIENCE, "other"), Jwks(text="-"), **rules), it, lambda: None)


def who(token: str, checker: Tokens | None = None) -> Principal:
    return (checker or tokens(EC, RSA)).check(token.encode(), 1.0)[0]


def test_good_token_says_who_and_until_when() -> None:
    for key in (EC, RSA, SigningKey("OKP", "o")):
        principal, until = tokens(key).check(key.token(exp=1 << 40).encode(), 1.0)
        assert principal == Principal("alice", kind="jwt")
        assert until == float(1 << 40)


def test_claims_say_tenant_and_models_by_name_or_path() -> None:
    rules: dict[str, Any] = {
        "tenant_claim": "https://x.test/tenant",
        "models_claim": "access.models",
    }
    claims: dict[str, Any] = {"https://x.test/tenant": "acme", "access": {"models": ["a", "b/*"]}}
    principal = who(EC.token(**claims), tokens(EC, **rules))
    assert principal == Principal("alice", "acme", frozenset(("a", "b/*")), "jwt")
    claims["access"] = {"models": "a c"}
    assert who(EC.token(**claims), tokens(EC, **rules)).models == {"a", "c"}


@pytest.mark.parametrize("models", [None, [], "", {"a": 1}, [1], ["x"] * 1001])
def test_token_that_names_no_model_opens_nothing_where_it_must(models: object) -> None:
    with pytest.raises(NotAllowedError):
        who(EC.token(models=models), tokens(EC, models_claim="models"))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": 1_000_000}, "has expired"),
        ({"exp": None}, "has no claim `exp`"),
        ({"nbf": 1 << 40}, "is not good yet"),
        ({"iat": 1 << 40}, "is not good yet"),
        ({"aud": "somebody"}, "another audience"),
        ({"aud": ["a", "b"]}, "another audience"),
        ({"aud": None}, "has no claim `aud`"),
        ({"sub": None}, "has no claim `sub`"),
        ({"sub": ""}, "has no claim `sub`"),
        ({"sub": "a\nb"}, "has no claim `sub`"),
        ({"sub": "a" * 257}, "has no claim `sub`"),
    ],
)
def test_token_of_ours_that_is_not_good_says_why(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(BadTokenError, match=why):
        who(EC.token(**claims))


def test_subject_that_is_no_text_names_nobody() -> None:
    with pytest.raises((BadTokenError, NotOursError)):
        who(EC.token(iss=ISSUER, uid=7), tokens(EC, id_claim="uid"))


def test_other_issuer_and_other_keys_are_not_ours() -> None:
    for token in (EC.token(iss="https://id.test/"), OTHER.token(), EC.token({"kid": "nope"})):
        with pytest.raises(NotOursError):
            who(token)


def test_no_signature_is_none() -> None:
    for algorithm in ("none", "None", "NONE", "", None, 0, ["ES256"]):
        header = {"alg": algorithm, "kid": "e", "typ": "JWT"}
        with pytest.raises(NotOursError):
            who(unsigned(header, CLAIMS))


def test_public_key_is_no_secret_of_an_hmac() -> None:
    public = RSA.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for secret in (public, json.dumps(RSA.jwk).encode()):
        bare = unsigned({"alg": "HS256", "kid": "r"}, CLAIMS).rpartition(".")[0]
        signature = hmac.new(secret, bare.encode(), hashlib.sha256).digest()
        with pytest.raises(NotOursError):
            who(unsigned({"alg": "HS256", "kid": "r"}, CLAIMS, signature))


def test_key_that_a_token_brings_along_is_not_used() -> None:
    for header in ({"jwk": OTHER.jwk}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "http://x"}):
        with pytest.raises(NotOursError):
            who(OTHER.token(header))


def test_algorithm_must_fit_the_key_and_the_rules() -> None:
    with pytest.raises(NotOursError):
        who(EC.token(), tokens(EC, algorithms=frozenset(("RS256",))))
    crossed = EC.token({"kid": "r"})
    with pytest.raises(NotOursError):
        who(crossed)


def test_signature_over_other_claims_is_refused() -> None:
    head, _, signature = EC.token().split(".")
    _, claims, _ = EC.token(sub="admin").split(".")
    with pytest.raises(NotOursError):
        who(f"{head}.{claims}.{signature}")


def test_before_keys_are_there_nothing_can_be_said() -> None:
    asked: list[int] = []
    checker = Tokens(Jwt(ISSUER, (AUDIENCE,), Jwks(uri="x")), KeySet(), lambda: asked.append(1))
    with pytest.raises(KeysMissingError):
        who(EC.token(), checker)
    assert asked == [1]


@given(st.binary(max_size=300), st.binary(max_size=50))
def test_any_bytes_are_refused_with_a_reason(some: bytes, more: bytes) -> None:
    for token in (some, b"ey" + some + b"." + more + b".", EC.token().encode() + more + b"x"):
        with pytest.raises((NotOursError, BadTokenError)):
            tokens(EC, RSA).check(token, 1.0)
