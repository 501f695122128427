"""The two generations of the protocol, and how a message says of which it is.

Up to 2025-11-25 a client begins a session (`initialize`); since 2026-07-28 every request stands for
itself and says in `_meta` and in headers what a session used to know.
"""

from dataplane.mcp.session import VERSIONS

STATELESS = ("2026-07-28",)
"""Versions without sessions."""
SUPPORTED = (*VERSIONS, *STATELESS)


def is_session_version(version: str) -> bool:
    """Whether a version has sessions."""
    return version in VERSIONS
