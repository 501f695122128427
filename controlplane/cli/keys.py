"""`outrider keys`: a fresh key for a caller, and the lines of config that let it in; and the public
half of a key that signs agent cards.
"""

import json
import secrets
import sys
from hashlib import sha256
from pathlib import Path

import click

PREFIX = "sk-outrider-"
"""So that a key that got somewhere can be found there, by people and by scanners."""
KEY_BYTES = 32
"""Of chance: with 256 bits of it a plain SHA-256 tells nobody the key."""


@click.group("keys", short_help="Make API keys for callers; publish keys of cards.")
def command() -> None:
    """API keys of callers, of which a config holds hashes only; and keys that sign agent cards."""


@command.command("create", short_help="Print a fresh key, once, and its lines of config.")
@click.option("--name", required=True, help="What logs and limits call it.")
@click.option("--tenant", help="Whose key it is.")
def create(name: str, tenant: str | None) -> None:
    """Print a fresh key and the entry of `api_keys` that lets it in.

    Nothing is stored: the key is shown this once, and only its hash goes into the config.
    """
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    click.echo(key)
    click.echo("\nShown once: give it to the caller. Into the config goes:\n", err=True)
    click.echo("api_keys:", err=True)
    click.echo(f"  - name: {name}", err=True)
    if tenant:
        click.echo(f"    tenant: {tenant}", err=True)
    click.echo(f"    hash: {hashed(key)}", err=True)


@command.command("hash", short_help="Print the hash of a key that you have.")
def hash_key() -> None:
    """Read a key from the terminal or standard input, and print its `hash`."""
    asked = sys.stdin.isatty()
    key: str = click.prompt("Key", hide_input=True) if asked else sys.stdin.readline()
    if not key.strip():
        raise click.UsageError("there is no key")
    click.echo(hashed(key.strip()))


@command.command("jwks", short_help="Print the public half of a card_signing key, to publish.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key-id", required=True, help="As `card_signing.key_id`.")
def jwks(file: Path, key_id: str) -> None:
    """Print the key set (JWKS) of FILE, a private key in PEM: it is what `card_signing.jwks_uri`
    should answer, and what others verify your agent cards with.
    """
    # 0.1 s of cryptography, for this verb only
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    try:
        private = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError) as problem:
        raise click.UsageError(f"{file} is no private key in PEM without a password") from problem
    match private.public_key():
        case ec.EllipticCurvePublicKey() as public:
            key = ECAlgorithm.to_jwk(public, as_dict=True)
        case ed25519.Ed25519PublicKey() as public:
            key = OKPAlgorithm.to_jwk(public, as_dict=True)
        case rsa.RSAPublicKey() as public:
            key = RSAAlgorithm.to_jwk(public, as_dict=True)
        case _:
            raise click.UsageError(f"{file} is a key of a kind that cards are not signed with")
    click.echo(json.dumps({"keys": [key | {"kid": key_id, "use": "sig"}]}, indent=2))


def hashed(key: str) -> str:
    """What a config says of a key."""
    return f"sha256:{sha256(key.encode()).hexdigest()}"
