"""Who calls, once a listener has found out. Values only."""

from dataclasses import dataclass

from dataplane.runtime.ticket import Ticket


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose credential was accepted."""

    id: str
    """What logs, metrics and limits call it: an API key's name, a token's subject, a certificate's
    name. Never the credential itself.
    """
    tenant: str = ""
    """Whose it is; empty: nobody said."""
    models: frozenset[str] = frozenset()
    """What it may ask for; empty: everything the listener serves. `provider/*` is a wildcard."""
    kind: str = "api_key"
    """How it was known: "api_key", "jwt" or "certificate". A token's subject is nobody's key."""
    run: Ticket | None = None
    """The run that the request is a part of."""
