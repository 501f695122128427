"""Who may call: keys that can be told apart, scopes that name something, no key passed on."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controlplane.config import schema
from controlplane.config.problem import Path
from controlplane.config.rules import keys, limits
from controlplane.config.rules import models as words
from controlplane.config.rules.credentials import check_named
from controlplane.config.rules.findings import Findings, suggest

if TYPE_CHECKING:
    from controlplane.config.schema_auth import ApiKey


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `api_keys` and `listeners[].auth`."""
    _listeners(config, findings)
    names: dict[str, Path] = {}
    seen: dict[str, Path] = {}
    for index, key in enumerate(config.api_keys):
        path: Path = ("api_keys", index)
        findings.once(names, key.name, (*path, "name"), "API key")
        _credential(key, path, seen, findings)
        _listeners_of(config, key, path, findings)
        _models(config, key, path, findings)
        if key.limits is not None:
            limits.measures(config, key.limits, (*path, "limits"), findings)
        if key.expires is not None:
            try:
                expiry(key.expires)
            except ValueError:
                findings.add((*path, "expires"), f"{key.expires!r} is not a day that exists")


def expiry(text: str) -> int:
    """Unix seconds of a checked date, or time. Raises ValueError."""
    when = datetime.fromisoformat(text)
    return int((when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp())


def _listeners(config: schema.Config, findings: Findings) -> None:
    passing = {one.model for one in config.model_providers if one.passthrough_auth}
    forwarding = {one.id for one in config.mcp_servers if one.passthrough_auth}
    for index, listener in enumerate(config.listeners):
        path: Path = ("listeners", index)
        _certificates(listener, path, findings)
        auth = listener.auth
        path = (*path, "auth")
        if auth is None:
            continue
        if auth.jwt is not None:
            hint = "where the issuer's public keys are; its metadata says it (`jwks_uri`)"
            keys.check(auth.jwt, hint, (*path, "jwt"), findings)
        if auth.api_keys and not config.api_keys:
            hint = "`outrider keys create` makes one"
            findings.add((*path, "api_keys"), "the config has no 'api_keys'", hint)
        if auth.api_keys or auth.jwt is not None:
            to = passing if listener.type == "model" else forwarding & set(listener.mcp_servers)
            if to and listener.type != "agent" and auth.credential_in == "any":
                what = f"{min(to)!r} has passthrough_auth, and would get the keys of this listener"
                hint = "write credential_in: x-outrider-key, and send it beside the provider's"
                findings.add(path, what, hint)
        elif auth.client_certificate is None:
            ways = ("api_keys", "jwt", "client_certificate")
            if not any(findings.blamed((*path, way)) for way in ways):
                hint = "write api_keys: true, or give a 'jwt' or a 'client_certificate' block"
                findings.add(path, "says no way in", hint)


def _certificates(listener: schema.Listener, path: Path, findings: Findings) -> None:
    tls, auth = listener.tls, listener.auth
    has_ca = tls is not None and tls.client_ca is not None
    blamed = findings.blamed((*path, "tls")) or findings.blamed((*path, "tls", "client_ca"))
    if tls is not None and tls.client_certificate is not None and not has_ca and not blamed:
        hint = "who vouches for them: client_ca: file:/path"
        findings.add((*path, "tls", "client_certificate"), "needs 'client_ca'", hint)
    if auth is not None and auth.client_certificate is not None and not has_ca and not blamed:
        hint = "give the listener tls: {certificate, key, client_ca}"
        findings.add((*path, "auth", "client_certificate"), "nobody vouches for clients", hint)


def _credential(key: "ApiKey", path: Path, seen: dict[str, Path], findings: Findings) -> None:
    if key.hash is not None and key.key is not None:
        findings.add((*path, "key"), "'hash' and 'key' are both given", "keep one")
    elif key.hash is None and key.key is None:
        blamed = findings.blamed((*path, "hash")) or findings.blamed((*path, "key"))
        if not blamed:
            hint = f"`outrider keys create --name {key.name}` prints one"
            findings.add((*path, "hash"), "is missing", hint)
    if key.key is not None:
        check_named(key.key, (*path, "key"), findings)
    for name in ("hash", "key"):
        text = getattr(key, name)
        if text is not None:
            findings.once(seen, text, (*path, name), "API key")


def _listeners_of(config: schema.Config, key: "ApiKey", path: Path, findings: Findings) -> None:
    asking = {one.name: one.auth is not None and one.auth.api_keys for one in config.listeners}
    for index, name in enumerate(key.listeners):
        at = (*path, "listeners", index)
        if name not in asking:
            hint = suggest(name, asking, "listeners")
            findings.add(at, f"unknown listener {name!r}", hint)
        elif not asking[name]:
            hint = "give it auth: {api_keys: true}"
            findings.add(at, f"listener {name!r} asks for no API keys", hint)


def _models(config: schema.Config, key: "ApiKey", path: Path, findings: Findings) -> None:
    if not key.models:
        return
    known = [*words.models_of(config), *config.model_aliases]
    prefixes = {word.partition("/")[0] for word in known if "/" in word}
    for index, name in enumerate(key.models):
        prefix, _, rest = name.partition("/")
        served = f"{prefix}/*" in known and "*" not in rest
        if name in known or served or (rest == "*" and prefix in prefixes):
            continue
        hint = suggest(name, known, "models")
        findings.add((*path, "models", index), f"unknown model {name!r}", hint)
