"""Who may call a listener, as the operator says it. Values only."""

from dataclasses import dataclass

from dataplane.runtime.principal import Principal

NEVER_EXPIRES = float("inf")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of ours, of which only a digest is known.

    Keys have 256 bits of chance, so that SHA-256 is enough: there is no dictionary of them to try,
    and a slow digest would only be a lever for whoever wants to keep us busy.
    """

    principal: Principal
    """Its `id` is the key's name."""
    digest: bytes
    """SHA-256 of the key."""
    listeners: frozenset[str] = frozenset()
    """Where it is good; empty: on every listener that asks for keys."""
    expires: float = NEVER_EXPIRES
    """On Clock.wall()."""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Auth:
    """How callers of a listener show who they are."""

    required: bool = True
    """Whether nobody else is let in."""
    api_keys: bool = False
    own_header: bool = False
    """Credentials are read from `x-outrider-key` only: the others are meant for providers."""

    @property
    def reads_heads(self) -> bool:
        """Whether credentials in requests are looked at."""
        return self.api_keys
