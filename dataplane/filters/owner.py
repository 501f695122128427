"""Whose a request is, for filters that keep something."""

import hashlib

import msgspec

from dataplane.runtime.messages import Request
from dataplane.runtime.principal import Principal

_CREDENTIALS = ("x-outrider-key", "authorization", "x-api-key", "api-key", "x-goog-api-key")


def owner_of(request: Request, principal: Principal | None) -> str:
    """Whose a request is: the tenant, the caller, or whoever has this credential."""
    if principal is not None:
        return f"tenant {principal.tenant}" if principal.tenant else f"caller {principal.id}"
    shown = [request.header(name) or "" for name in _CREDENTIALS]
    if not any(shown):
        return ""
    return "credential " + hashlib.sha256(msgspec.json.encode(shown)).hexdigest()
