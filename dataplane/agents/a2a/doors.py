"""Where agent listeners answer in A2A. Pure: a table."""

from collections.abc import Callable

from dataplane.agents.a2a.card import PATHS
from dataplane.agents.a2a.own_card import PATH

CARDS = frozenset(PATHS)


def is_door(path: str) -> bool:
    """Whether something is asked in A2A."""
    return path == PATH or path in CARDS or path.startswith(PATH + "/")


def rest_path(path: str) -> str:
    """What follows our address; empty: it is the address itself."""
    return path.removeprefix(PATH).rstrip("/") if path != PATH else ""


def base_of(header: Callable[[str], str | None], *, tls: bool) -> str:
    """Where the caller reaches us, as it says itself; behind a proxy, as that says."""
    forwarded = (header("x-forwarded-proto") or "").lower()
    scheme = forwarded if forwarded in ("http", "https") else "https" if tls else "http"
    host = header("host") or "localhost"
    plain = all(char.isalnum() or char in ".:-_[]" for char in host) and host.isascii()
    return f"{scheme}://{host if plain else 'localhost'}"
