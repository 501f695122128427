"""What an operator writes about callers: who may call a listener, and the keys they show.

See `controlplane.config.schema` for the rule of every key and docstring here.
"""

from typing import Annotated, Literal

from pydantic import Field, Strict, StringConstraints

from controlplane.config.fields import ID, LISTENER_NAME, Block, ModelName, SecretText

HASH = r"^sha256:[0-9a-f]{64}$"
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2}))?$"
Words = Annotated[tuple[ModelName, ...], Strict(False), Field(max_length=1000)]
ListenerNames = Annotated[
    tuple[Annotated[str, StringConstraints(pattern=LISTENER_NAME)], ...],
    Strict(False),
    Field(max_length=1000),
]


class ApiKey(Block):
    """A key of ours that callers show; `outrider keys create` makes one."""

    name: Annotated[str, StringConstraints(pattern=ID)]
    """What logs, traces and limits call it. Unique."""
    hash: Annotated[str, StringConstraints(pattern=HASH)] | None = None
    """`sha256:` and the SHA-256 of the key, as `outrider keys create` prints it."""
    key: SecretText | None = None
    """In place of `hash`: where the key is, `$VAR`, `${VAR}` or `file:/path`; 16 characters or
    more."""
    tenant: Annotated[str, StringConstraints(pattern=ID)] | None = None
    """Whose key it is; keys of one tenant share what is kept and limited by tenant."""
    listeners: ListenerNames = ()
    """Names of listeners where it is good; without it on all that ask for keys."""
    models: Words = ()
    """What it may ask for on model listeners: models, aliases, `provider/*`; else everything."""
    expires: Annotated[str, StringConstraints(pattern=DATE)] | None = None
    """From when on it is no longer good: `2027-01-01` (00:00 UTC) or `2027-01-01T08:00:00Z`."""
    disabled: bool = False
    """Refuse it without removing it."""


class Auth(Block):
    """How callers of a listener show who they are; without it everybody may call."""

    api_keys: bool = False
    """Let callers in who show one of `api_keys`, in any header that SDKs send keys in."""
    required: bool = True
    """`false`: callers who show nothing that is known are let in too, as nobody."""
    credential_in: Literal["any", "x-outrider-key"] = "any"
    """`x-outrider-key`: read only that header; the usual ones are then for a provider with
    `passthrough_auth`."""
