"""`outrider keys`: a key is shown once, and the config holds its hash."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt import PyJWK

from controlplane.cli.main import main
from controlplane.translate.compiler import compile_config

CONFIG = """\
version: v0.4.0
listeners: [{type: model, name: m, auth: {api_keys: true}}]
model_providers: [{model: openai/gpt-4o}]
"""


def test_fresh_key_alone_goes_to_stdout_and_its_config_is_good(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["keys", "create", "--name", "alice", "--tenant", "acme"])
    key = result.stdout.strip()
    assert key.startswith("sk-outrider-")
    assert len(key) > 50
    told = result.stderr.partition("\n\n")[2].partition("\n\n")[0] or result.stderr
    lines = told[told.index("api_keys:") :]
    assert key not in lines
    (entry,) = yaml.safe_load(lines)["api_keys"]
    assert (entry["name"], entry["tenant"]) == ("alice", "acme")
    assert compile_config(CONFIG + lines, "a.yaml", None).version
    hashed = CliRunner().invoke(main, ["keys", "hash"], input=f"{key}\n")
    assert hashed.stdout.strip() == entry["hash"]


def test_two_keys_differ() -> None:
    made = {CliRunner().invoke(main, ["keys", "create", "--name", "a"]).stdout for _ in range(5)}
    assert len(made) == 5


def test_nothing_has_no_hash() -> None:
    assert CliRunner().invoke(main, ["keys", "hash"], input="\n").exit_code == 2


PRIVATE: dict[str, Any] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "RSA": rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("kind", PRIVATE)
def test_only_the_public_half_of_a_key_is_published(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "card.pem"
    plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(PRIVATE[kind].private_bytes(*plain))
    result = CliRunner().invoke(main, ["keys", "jwks", str(file), "--key-id", "k1"])
    (key,) = json.loads(result.stdout)["keys"]
    assert (key["kid"], key["use"]) == ("k1", "sig")
    assert key.get("crv", key["kty"]) == kind
    assert "d" not in key
    assert PyJWK(key, "EdDSA" if kind == "Ed25519" else None).key == PRIVATE[kind].public_key()


def test_what_is_no_private_key_is_not_published(tmp_path: Path) -> None:
    file = tmp_path / "card.pem"
    file.write_text("no key")
    result = CliRunner().invoke(main, ["keys", "jwks", str(file), "--key-id", "k1"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no private key" in result.stderr
