"""Public keys that signatures are checked with: where they are, or they themselves."""

import json
from typing import Protocol

from controlplane.config import values
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings


class PublicKeys(Protocol):
    """A mapping with a key set in it."""

    @property
    def jwks_uri(self) -> str | None:
        """Where it is fetched."""

    @property
    def jwks(self) -> str | None:
        """A file, or the set itself."""


def check(block: PublicKeys, hint: str, path: Path, findings: Findings) -> None:
    """One of the two. :param hint: for who gives none."""
    if block.jwks_uri is not None and block.jwks is not None:
        findings.add((*path, "jwks"), "'jwks_uri' and 'jwks' are both given", "keep one")
    elif block.jwks_uri is None and block.jwks is None and not findings.blamed((*path, "jwks_uri")):
        findings.add((*path, "jwks_uri"), "is missing", hint)
    if block.jwks is not None:
        _jwks(block.jwks, (*path, "jwks"), findings)


def _jwks(text: str, path: Path, findings: Findings) -> None:
    if text.startswith("file:"):
        try:
            values.secret_parts(text)
        except values.BadValueError as e:
            findings.add(path, e.message, e.hint)
        return
    try:
        keys = json.loads(text)["keys"]
    except (ValueError, RecursionError, KeyError, TypeError):
        hint = """write file:/path, or the text: '{"keys": [...]}'"""
        findings.add(path, "is not a JSON object with 'keys'", hint)
        return
    entries = [entry for entry in keys if isinstance(entry, dict)] if isinstance(keys, list) else []
    if not entries:
        findings.add(path, "has no key")
    if any("d" in entry or "k" in entry for entry in entries):
        hint = "only public keys belong here; take this one back"
        findings.add(path, "has a private or secret key in it", hint)
