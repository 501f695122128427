"""Bytes of the answers that we make ourselves."""

from http import HTTPStatus

from dataplane.llm.errors import error_body
from dataplane.runtime.messages import Headers, LocalReply
from dataplane.server.heads import HOP_BY_HOP

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode() for status in range(1000)
}
"""By status; of codes nobody knows the phrase is empty."""

CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"
LAST_CHUNK = b"0\r\n\r\n"

_FRAMING = HOP_BY_HOP | {"content-length", "x-request-id", "date"}
_DROPPED = frozenset(name if isinstance(name, str) else name.decode() for name in _FRAMING)


def local_reply(reply: LocalReply, request_id: bytes, close: bool, bodiless: bool) -> bytes:
    """A whole answer of ours; `bodiless` for HEAD."""
    if reply.body is None:
        body = error_body(reply)
        kind = b"content-type: application/json\r\n"
    else:
        body = reply.body
        kind = b""
    return b"%b%b%bcontent-length: %d\r\nx-outrider-detail: %b\r\nx-request-id: %b\r\n%b\r\n%b" % (
        STATUS_LINES[reply.status],
        kind,
        header_lines(reply.headers),
        len(body),
        reply.detail.value.encode(),
        request_id,
        CLOSE if close else b"",
        b"" if bodiless else body,
    )


def started(status: int, headers: Headers, request_id: bytes, framing: bytes) -> bytes:
    """The head of an answer whose body comes in pieces."""
    return b"%b%bx-request-id: %b\r\n%b\r\n" % (
        STATUS_LINES[status],
        header_lines(headers),
        request_id,
        framing,
    )


def chunk(data: bytes) -> bytes:
    """One chunk; empty data must not be sent, it would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def header_lines(headers: Headers) -> bytes:
    """Lines of headers; those of framing, and those that would break out of their line, are left
    out. Who passes on headers of others has taken x-outrider-* out of them (runtime.headers).
    """
    lines = []
    for name, value in headers:
        if name.lower() in _DROPPED:
            continue
        line = f"{name}: {value}".encode("utf-8", "surrogateescape")
        if b"\r" not in line and b"\n" not in line and b"\0" not in line:
            lines.append(line + b"\r\n")
    return b"".join(lines)
