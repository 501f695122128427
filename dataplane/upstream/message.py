"""A request of the coroutine path as bytes.

The rule: it is exactly one message, whatever a filter or an agent's settings say: its framing is
ours, and no value ends its line.
"""

from dataplane.runtime.headers import HOP_BY_HOP
from dataplane.runtime.messages import Request

LONG_BYTES = 256 * 1024
"""Of a body, from which on it is sent as it is and not copied behind its head."""
_OURS = HOP_BY_HOP | {"content-length", "host"}
_BODILESS = frozenset(("GET", "HEAD", "DELETE", "OPTIONS"))
"""Methods whose requests say nothing of a body that they do not have."""


def message_of(request: Request, authority: str) -> bytes | list[bytes | memoryview]:
    """All of a request; a long one comes in pieces."""
    body = request.body
    target = f"{request.path}?{request.query}" if request.query else request.path
    lines = [f"{request.method} {target} HTTP/1.1\r\n", f"Host: {authority}\r\n"]
    lines += [
        f"{name}: {value}\r\n" for name, value in request.headers if name.lower() not in _OURS
    ]
    if body or request.method not in _BODILESS:
        lines.append(f"Content-Length: {len(body)}\r\n")
    head = "".join(lines)
    if head.count("\n") != len(lines) or head.count("\r") != len(lines) or "\0" in head:
        head = "".join(map(_one_line, lines))
    data = _encoded(head) + b"\r\n"
    return [data, body] if len(body) >= LONG_BYTES else data + body


def _one_line(line: str) -> str:
    return line.replace("\r", "").replace("\n", "").replace("\0", "") + "\r\n"


def _encoded(head: str) -> bytes:
    try:
        return head.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, of somebody's JSON
        return head.encode("utf-8", "replace")
