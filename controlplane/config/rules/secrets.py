"""Variables that a config asks for, and those that are not there."""

from collections.abc import Iterator, Mapping

from controlplane.config import schema, values
from controlplane.config.problem import Path
from controlplane.config.providers import resolve
from controlplane.config.rules.findings import Findings
from controlplane.config.schema_models import ModelProvider

MIN_KEY_CHARS = 16
"""Of a caller's key (dataplane/xds/auth.py)."""


def wanted(config: schema.Config) -> Iterator[tuple[Path, values.SecretPart]]:
    """Every variable and file that a data plane will read, with the place that asks for it."""
    for index, provider in enumerate(config.model_providers):
        path: Path = ("model_providers", index)
        if not resolve.passes_through(provider):
            yield from _keys(provider, path)
        written = {name.lower(): name for name in provider.headers}
        for name, text in resolve.headers(provider).items():
            at = (*path, "headers", written[name]) if name in written else (*path, "model")
            yield from _parts(at, text)
    for index, target in enumerate(config.prompt_targets):
        headers = target.endpoint.http_headers if target.endpoint is not None else {}
        for name, text in headers.items():
            yield from _parts(("prompt_targets", index, "endpoint", "http_headers", name), text)
    for index, agent in enumerate(config.agents):
        for name, text in agent.headers.items():
            yield from _parts(("agents", index, "headers", name), text)
    for index, server in enumerate(config.mcp_servers):
        for name, text in server.headers.items():
            yield from _parts(("mcp_servers", index, "headers", name), text)
    for index, key in enumerate(config.api_keys):
        yield from _parts(("api_keys", index, "key"), key.key or "")
    url = config.routing.session_cache.url if config.routing is not None else None
    if url is not None:
        yield from _parts(("routing", "session_cache", "url"), url)
    state = config.state_storage
    if state is not None and state.connection_string is not None:
        yield from _parts(("state_storage", "connection_string"), state.connection_string)
    limits = config.limits_storage
    if limits is not None and limits.url is not None:
        yield from _parts(("limits_storage", "url"), limits.url)


def _keys(provider: ModelProvider, path: Path) -> Iterator[tuple[Path, values.SecretPart]]:
    if provider.access_key is not None:
        yield from _parts((*path, "access_key"), provider.access_key)
    for index, text in enumerate(provider.access_keys or ()):
        yield from _parts((*path, "access_keys", index), text)
    if provider.aws is not None:
        yield from _parts((*path, "aws", "access_key_id"), provider.aws.access_key_id)
        yield from _parts((*path, "aws", "secret_access_key"), provider.aws.secret_access_key)
        yield from _parts((*path, "aws", "session_token"), provider.aws.session_token or "")


def _parts(path: Path, text: str) -> Iterator[tuple[Path, values.SecretPart]]:
    try:
        parts = values.secret_parts(text)
    except values.BadValueError:
        return
    for part in parts:
        if part.kind is not values.SecretKind.LITERAL:
            yield path, part


def check(config: schema.Config, present: Mapping[str, str], findings: Findings) -> None:
    """Every variable has a value that can be sent in a header."""
    for path, part in wanted(config):
        if part.kind is not values.SecretKind.ENV:
            continue
        value = present.get(part.text)
        if value is None:
            hint = f"export {part.text}=... or put it into a .env file beside the config"
            findings.add(path, f"environment variable {part.text} is not set", hint)
        elif not value:
            findings.add(path, f"environment variable {part.text} is empty")
        elif not value.isascii() or not value.isprintable():
            what = "has a line break, a control or a non-ASCII character"
            findings.add(path, f"environment variable {part.text} {what}")
        elif path[0] == "api_keys" and len(value) < MIN_KEY_CHARS:
            what = f"environment variable {part.text} has less than {MIN_KEY_CHARS} characters"
            findings.add(path, what, "`outrider keys create` makes a key that nobody guesses")
