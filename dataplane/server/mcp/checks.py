"""What an MCP listener refuses before anybody looks at a message. Pure."""

from urllib.parse import urlsplit

from dataplane.runtime.config import Listener
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

METHODS = ("GET", "POST", "DELETE")
LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))
JSON, STREAM = "application/json", "text/event-stream"


def refusal(request: Request, listener: Listener) -> LocalReply | None:
    """Why a request goes no further; None: it may."""
    origin = request.header("origin")
    if origin is not None and not may_call(origin, listener.allowed_origins):
        return LocalReply(
            403, "Requests from this origin are not allowed.", ResponseDetail.FORBIDDEN
        )
    if request.method not in METHODS:
        told = f"Use {', '.join(METHODS)} here."
        allow = (("allow", ", ".join(METHODS)),)
        return LocalReply(405, told, ResponseDetail.METHOD_NOT_ALLOWED, allow)
    accepts = request.header("accept") or "*/*"
    if request.method == "GET" and not _accepts(accepts, STREAM):
        return LocalReply(406, f"The client must accept {STREAM}.", ResponseDetail.BAD_REQUEST)
    if request.method != "POST":
        return None
    if not (_accepts(accepts, JSON) and _accepts(accepts, STREAM)):
        told = f"The client must accept both {JSON} and {STREAM}."
        return LocalReply(406, told, ResponseDetail.BAD_REQUEST)
    kind = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if kind != JSON:
        return LocalReply(415, f"The content-type must be {JSON}.", ResponseDetail.INVALID_BODY)
    return None


def may_call(origin: str, allowed: frozenset[str]) -> bool:
    """Whether a web page may call: one of this machine, or one that the operator names.

    An origin that is the request's own host proves nothing: with DNS rebinding they are equal.
    """
    if "*" in allowed or origin.lower() in allowed:
        return True
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    return host in LOCAL


def _accepts(accept: str, kind: str) -> bool:
    family = kind.partition("/")[0] + "/*"
    named = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    return any(word in (kind, family, "*/*") for word in named)
