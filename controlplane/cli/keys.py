"""`outrider keys create`: a fresh key for a caller, and the lines of config that let it in."""

import secrets
import sys
from hashlib import sha256

import click

PREFIX = "sk-outrider-"
"""So that a key that got somewhere can be found there, by people and by scanners."""
KEY_BYTES = 32
"""Of chance: with 256 bits of it a plain SHA-256 tells nobody the key."""


@click.group("keys", short_help="Make API keys for callers.")
def command() -> None:
    """API keys of callers: a config holds their hashes only."""


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


def hashed(key: str) -> str:
    """What a config says of a key."""
    return f"sha256:{sha256(key.encode()).hexdigest()}"
