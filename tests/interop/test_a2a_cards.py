"""Signed cards: the JavaScript SDK verifies ours, and we verify what it has signed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from jwt.algorithms import ECAlgorithm

from dataplane.server.a2a.signed import checked
from dataplane.server.auth import key_set
from dataplane.server.auth.key_set import KeySet
from tests.interop.test_a2a_clients import NODE, run
from tests.support.agents import says, service
from tests.support.issuer import SigningKey, jwks
from tests.support.node import command
from tests.support.planes import planes
from tests.support.ports import free_port
from tests.unit.dataplane.agents.a2a.test_canonical import CARDS

pytestmark = [pytest.mark.interop, pytest.mark.group("a2a-node")]
CONFIG = """\
version: v0.4.0
api_keys: [{{name: alice, hash: "sha256:{hash}"}}]
agents: [{{id: helper, url: "{url}"}}]
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: {port}
    public_url: http://127.0.0.1:{port}
    card_signing: {{key: "file:{folder}/card.pem", key_id: k1}}
    agents: [{{id: helper, description: Helps with keys.}}]
"""
KEY = SigningKey()


async def card(*arguments: str) -> Any:
    """What card.mjs says."""
    argv = await asyncio.to_thread(command, NODE, "card.mjs")
    code, out = await run(*argv, *arguments)
    assert code == 0, out
    return json.loads(out.splitlines()[-1])


@pytest.mark.parametrize("auth", ["", "    auth: {api_keys: true, required: false}\n"])
async def test_javascript_client_finds_our_card_signed(auth: str, tmp_path: Path) -> None:
    (tmp_path / "card.pem").write_bytes(KEY.pem())
    async with service(says("Under the mat.")) as helper:
        more = {"hash": "0" * 64, "folder": tmp_path, "port": free_port()}
        config = CONFIG.format(url=helper.url, **more)
        async with planes(config + auth, tmp_path) as made:
            told = await card("verify", made.url("desk"), json.dumps(KEY.jwk))
    assert told == {"name": "desk"}


@pytest.mark.parametrize("name", CARDS)
async def test_card_that_the_javascript_sdk_has_signed_is_read(name: str) -> None:
    private = json.dumps(json.loads(ECAlgorithm.to_jwk(KEY.private)))
    raw = {key: value for key, value in CARDS[name].items() if key != "signatures"}
    signed = await card("sign", json.dumps(raw), private)
    keys = KeySet()
    keys.fetched(key_set.read(jwks(KEY)), 0.0)
    found = await checked(signed, keys, 0.0)
    assert isinstance(found, dict)
    assert found["name"] == raw["name"]
