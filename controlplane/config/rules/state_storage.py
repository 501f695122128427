"""State storage: a store that can be reached, without its password in the file."""

import re

from controlplane.config import schema, values
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings

SCHEMES = {
    "postgres": ("postgresql://", "postgres://"),
    "redis": ("redis://", "rediss://", "unix://"),
}
_PASSWORD = re.compile(r"//[^/@]*:[^/@$]+@")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `state_storage`."""
    state = config.state_storage
    if state is None:
        return
    if state.tenant_header is not None and not _HEADER_NAME.fullmatch(state.tenant_header):
        path = ("state_storage", "tenant_header")
        findings.add(path, f"{state.tenant_header!r} is not a header name")
    schemes = SCHEMES.get(state.type)
    path = ("state_storage", "connection_string")
    if schemes is None:
        if state.connection_string is not None:
            findings.add(path, f"type {state.type!r} has no connection", "remove it")
    elif state.connection_string is None:
        hint = f"where it is, such as {schemes[0]}USER:$PASSWORD@HOST/..."
        findings.add(("state_storage",), "'connection_string' is missing", hint)
    else:
        check_connection(state.connection_string, schemes, path, findings)


def check_connection(text: str, schemes: tuple[str, ...], path: Path, findings: Findings) -> None:
    """An address of a store, whose password must come from a variable; it is never shown."""
    try:
        parts = values.secret_parts(text)
    except values.BadValueError as e:
        findings.add(path, e.message, e.hint)
        return
    first = parts[0]
    if first.kind is values.SecretKind.LITERAL and not first.text.startswith(schemes):
        findings.add(path, f"does not begin with {' or '.join(schemes)}")
    elif _PASSWORD.search(text):
        hint = "write $NAME_OF_A_VARIABLE in its place; snapshots and revisions are stored"
        findings.add(path, "the password itself may not be in the config", hint)
