"""Keys and headers of a model provider: credentials are named in a config, never held by it."""

import re
from collections.abc import Mapping

from controlplane.config import values
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings
from controlplane.config.schema_models import ModelProvider

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Written by the proxy for each request: a fixed value would break framing or routing.
_OURS = frozenset(
    [
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te"),
        *("trailer", "upgrade", "expect", "proxy-connection", "accept-encoding"),
        *("content-encoding", "content-type"),
    ]
)
_CREDENTIALS = frozenset(
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "cookie", "x-goog-api-key"]
)


def check(provider: ModelProvider, path: Path, findings: Findings) -> None:
    """Keys, AWS credentials and headers of one provider."""
    if provider.access_key is not None:
        check_named(provider.access_key, (*path, "access_key"), findings)
    seen: list[str] = []
    for index, key in enumerate(provider.access_keys or ()):
        at = (*path, "access_keys", index)
        check_named(key, at, findings)
        if key in seen:
            findings.add(at, "the same key is here twice")
        seen.append(key)
    if provider.aws is not None:
        for name in ("access_key_id", "secret_access_key", "session_token"):
            text = getattr(provider.aws, name)
            if text is not None:
                check_named(text, (*path, "aws", name), findings)
    _one_kind(provider, path, findings)
    _headers(provider, path, findings)


def _one_kind(provider: ModelProvider, path: Path, findings: Findings) -> None:
    if provider.access_key is not None and provider.access_keys is not None:
        hint = "put it into 'access_keys' too, and remove it"
        what = "'access_key' and 'access_keys' are both given"
        findings.add((*path, "access_key"), what, hint)
    key = "access_key" if provider.access_key is not None else "access_keys"
    if provider.aws is not None and getattr(provider, key) is not None:
        what = f"'aws' and {key!r} are both given"
        findings.add((*path, "aws"), what, "keep one: requests are signed, or carry a key")


def _headers(provider: ModelProvider, path: Path, findings: Findings) -> None:
    check_headers(provider.headers, (*path, "headers"), findings)


def check_headers(
    headers: Mapping[str, str],
    path: Path,
    findings: Findings,
    host: str = "write http_host instead",
) -> None:
    """Headers that an operator has every request of a kind carry; `host` is the hint for that."""
    seen: dict[str, Path] = {}
    for name, value in headers.items():
        at = (*path, name)
        low = name.lower()
        if not _HEADER_NAME.fullmatch(name):
            findings.add(at, f"{name!r} is not a header name")
        elif low == "host":
            findings.add(at, f"header {name!r} is written by Outrider", host)
        elif low in _OURS or low.startswith("x-outrider-"):
            findings.add(at, f"header {name!r} is written by Outrider", "remove it")
        else:
            findings.once(seen, low, at, "header")
        _header_value(low, value, at, findings)


def check_named(text: str, path: Path, findings: Findings) -> None:
    """A credential is one variable or one file: named here, never held."""
    hint = "write $NAME_OF_A_VARIABLE or file:/path; snapshots and revisions are stored"
    try:
        parts = values.secret_parts(text)
    except values.BadValueError as e:
        # What follows a stray '$' may be a key, so the value is not shown.
        findings.add(path, e.message, e.hint)
        return
    kinds = [part.kind for part in parts]
    if kinds == [values.SecretKind.LITERAL]:
        findings.add(path, "the key itself may not be in the config", hint)
    elif values.SecretKind.LITERAL in kinds or len(kinds) > 1:
        if text.lower().startswith("bearer "):
            hint = f"'Bearer ' is added to it: write {text.split()[-1]}"
        findings.add(path, "must be one variable or one file and nothing else", hint)


def _header_value(name: str, text: str, path: Path, findings: Findings) -> None:
    try:
        parts = values.secret_parts(text)
    except values.BadValueError as e:
        findings.add(path, e.message, e.hint)
        return
    for part in parts:
        if part.kind is values.SecretKind.LITERAL and not _is_header_text(part.text):
            what = "has a line break, a control or a non-ASCII character"
            findings.add(path, what, "headers are plain ASCII text")
            return
    if name in _CREDENTIALS and all(part.kind is values.SecretKind.LITERAL for part in parts):
        hint = "write $NAME_OF_A_VARIABLE or file:/path; snapshots and revisions are stored"
        findings.add(path, "a credential may not be in the config", hint)


def _is_header_text(text: str) -> bool:
    return text.isascii() and text.isprintable()
