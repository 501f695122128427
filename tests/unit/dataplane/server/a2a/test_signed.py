"""Whose signatures of a card are good. The SDK signs."""

import hmac
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from dataplane.agents.described import Unknown
from dataplane.server.a2a.signed import MAX_SIGNATURES, checked
from dataplane.server.auth import key_set
from dataplane.server.auth.key_set import KeySet
from tests.support.issuer import SigningKey, jwks
from tests.support.signed_cards import signed_as_it_is, signed_by_the_sdk

Json = dict[str, Any]
KEY = SigningKey(kid="k1")


def keys(*known: SigningKey) -> KeySet:
    made = KeySet()
    made.fetched(key_set.read(jwks(*known)), 0.0)
    return made


@pytest.mark.parametrize("kind", ["EC", "RSA", "OKP"])
async def test_card_that_the_sdk_has_signed_is_read(kind: str) -> None:
    key = SigningKey(kind)
    found = await checked(signed_by_the_sdk(key), keys(SigningKey(kid="other"), key), 0.0)
    assert isinstance(found, dict)
    assert found["name"] == "Locksmith"


async def test_what_is_not_signed_is_not_read() -> None:
    raw = signed_by_the_sdk(KEY) | {"url": "http://127.0.0.1:9/elsewhere", "x": 1}
    found = await checked(raw, keys(KEY), 0.0)
    assert isinstance(found, dict)
    assert "url" not in found
    assert "x" not in found


async def test_all_of_a_card_is_read_that_was_signed_as_it_is() -> None:
    raw = {"name": "A", "url": "http://x", "x": [], "description": ""}
    assert await checked(signed_as_it_is(raw, KEY), keys(KEY), 0.0) == raw


def changed(raw: Json) -> Json:
    return raw | {"description": "Sends you elsewhere."}


def unsigned(raw: Json) -> Json:
    return {name: raw[name] for name in raw if name != "signatures"}


STRANGER = SigningKey(kid="k1")
REFUSED = {
    "changed": (changed(signed_by_the_sdk(KEY)), "with none of its keys"),
    "by a stranger": (signed_by_the_sdk(STRANGER), "with none of its keys"),
    "by a key that it brings along": (
        signed_by_the_sdk(STRANGER, jku="http://evil.test"),
        "none of its keys",
    ),
    "by an unknown key": (signed_by_the_sdk(SigningKey(kid="k2")), "'k2'"),
    "not signed": (unsigned(signed_by_the_sdk(KEY)), "is not signed"),
    "with extensions": (signed_as_it_is({"name": "A"}, KEY, crit=["x"], x=1), "is not signed"),
    "with another payload": (
        signed_as_it_is({"name": "A"}, KEY) | {"name": "B"},
        "none of its keys",
    ),
    "no signatures": ({"name": "A", "signatures": [7, {}, {"protected": "é"}]}, "is not signed"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_card_that_is_not_signed_as_it_must_be_says_why(name: str) -> None:
    raw, why = REFUSED[name]
    found = await checked(raw, keys(KEY), 0.0)
    assert isinstance(found, Unknown)
    assert why in found.reason


async def test_public_key_is_nobodys_secret() -> None:
    """HMAC with what everybody knows."""
    public = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, payload = (
        base64url_encode(part).decode() for part in (b'{"alg":"HS256","kid":"k1"}', b'{"name":"A"}')
    )
    made = hmac.digest(public, f"{header}.{payload}".encode(), "sha256")
    one = {"protected": header, "signature": base64url_encode(made).decode()}
    raw = {"name": "A", "signatures": [one]}
    assert isinstance(await checked(raw, keys(KEY), 0.0), Unknown)


async def test_one_good_signature_among_a_few_is_enough() -> None:
    good = signed_by_the_sdk(KEY)
    bad = signed_by_the_sdk(SigningKey(kid="old"))["signatures"]
    both = good | {"signatures": bad + good["signatures"]}
    assert isinstance(await checked(both, keys(KEY), 0.0), dict)
    many = good | {"signatures": bad * MAX_SIGNATURES + good["signatures"]}
    assert isinstance(await checked(many, keys(KEY), 0.0), Unknown)


async def test_unknown_key_is_worth_asking_for() -> None:
    known = keys(KEY)
    await checked(signed_by_the_sdk(SigningKey(kid="k2")), known, 1000.0)
    assert known.asked


async def test_card_cannot_be_checked_before_there_are_keys() -> None:
    found = await checked(signed_by_the_sdk(KEY), KeySet(), 0.0)
    assert isinstance(found, Unknown)
    assert "cannot be checked" in found.reason
