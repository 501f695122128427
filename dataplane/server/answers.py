"""Bytes of the answers that we make ourselves."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from dataplane.llm.errors import aws_error_name, error_body
from dataplane.mcp import message as rpc
from dataplane.mcp.message import Code, Refused
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol, Reader, Rpc
from dataplane.server.heads import HOP_BY_HOP
from dataplane.server.read_head import ReadHead

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
STATUS_LINES: Final = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode() for status in range(1000)
}
"""By status; of codes nobody knows the phrase is empty."""

INTERNAL = LocalReply(500, "The gateway itself failed.", ResponseDetail.INTERNAL)
JSON_LINE = b"content-type: application/json\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
CLOSE = b"connection: close\r\n"
LAST_CHUNK: Final = b"0\r\n\r\n"

_MAX_DROPPED_BYTES = 480
"""Of names in a header, where proxies allow 8 KiB for all headers."""
_MAX_NAME_BYTES = 120
"""Of one of them: clients make up names of fields."""
_ID_NAMES = {Protocol.MESSAGES: b"request-id", Protocol.CONVERSE: b"x-amzn-requestid"}
_FRAMING = HOP_BY_HOP | {"content-length", "x-request-id", "date"}
_LENGTH = b"\r\ncontent-length:"
_DROPPED = frozenset(name if isinstance(name, str) else name.decode() for name in _FRAMING)


def local_reply(
    reply: LocalReply,
    request_id: bytes,
    close: bool,
    bodiless: bool,
    speaks: Reader = Protocol.CHAT,
) -> bytes:
    """A whole answer of ours; `bodiless` for HEAD, `speaks` says whose errors its reader knows."""
    kind = b""
    if reply.body is not None:
        body = reply.body
    elif isinstance(speaks, Rpc):
        body = rpc_error(reply)
        kind = JSON_LINE
    else:
        body = error_body(reply, speaks)
        kind = JSON_LINE + aws_error_line(reply.status, speaks)
    if speaks is not Protocol.CHAT and isinstance(speaks, Protocol):
        kind += own_id_line(request_id, speaks)
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


def rpc_error(reply: LocalReply) -> bytes:
    """The same as JSON-RPC has it; whose request it is about, HTTP says."""
    code = Code.INTERNAL_ERROR if reply.status >= 500 else Code.SERVER_ERROR
    told = {"detail": reply.detail.value}
    return rpc.error(None, Refused(code, reply.message, reply.status, told))


def own_id_line(request_id: bytes, speaks: Protocol) -> bytes:
    """Our request id under the name that the client's API has for it, beside `x-request-id`."""
    name = _ID_NAMES.get(speaks)
    return b"%b: %b\r\n" % (name, request_id) if name is not None else b""


def aws_error_line(status: int, speaks: Protocol) -> bytes:
    """The header in which Amazon's clients look for the kind of an error."""
    if speaks is not Protocol.CONVERSE or status < 400:
        return b""
    return b"x-amzn-errortype: %b\r\n" % aws_error_name(status).encode()


def translated_head(
    status: int,
    kind: bytes,
    size: int | None,
    kept: Iterable[tuple[bytes, bytes]],
    dropped: tuple[str, ...],
    speaks: Protocol,
    request_id: bytes,
) -> bytes:
    """Status and headers of an answer that we have translated; its last lines are the framing's.

    :param size: of its body; None: it comes in pieces.
    :param kept: headers of the provider's answer that mean the same to everybody.
    :param dropped: what the provider did not hear of.
    """
    lines = [STATUS_LINES[status], b"content-type: %b\r\n" % kind]
    lines.append(
        b"cache-control: no-cache\r\n" if size is None else b"content-length: %d\r\n" % size
    )
    lines += [b"%b: %b\r\n" % header for header in kept]
    if dropped:
        lines.append(b"x-outrider-dropped: %b\r\n" % listed(dropped).encode())
    lines.append(b"x-request-id: %b\r\n" % request_id)
    lines.append(own_id_line(request_id, speaks))
    lines.append(aws_error_line(status, speaks))
    return b"".join(lines)


def listed(names: tuple[str, ...]) -> str:
    """Names for a header: those that there is room for, and how many more there are."""
    shown = ""
    for at, name in enumerate(names):
        word = "".join(char if " " <= char <= "~" else "?" for char in name[:_MAX_NAME_BYTES])
        word += "..." if len(name) > _MAX_NAME_BYTES else ""
        if len(shown) + len(word) > _MAX_DROPPED_BYTES:
            return f"{shown} and {len(names) - at} more"
        shown += f", {word}" if shown else word
    return shown


def started(status: int, headers: Headers, request_id: bytes, framing: bytes) -> bytes:
    """The head of an answer whose body comes in pieces."""
    return b"%b%bx-request-id: %b\r\n%b\r\n" % (
        STATUS_LINES[status],
        header_lines(headers),
        request_id,
        framing,
    )


class WrittenHead:
    """A head as we write it, read again: for who stands between."""

    __slots__ = ("body", "head", "lines", "size")

    def __init__(self, data: bytes) -> None:
        text, _, self.body = data.partition(b"\r\n\r\n")
        """What is there of the body."""
        low = text.lower()
        self.size: int | None = None
        """Of the body, if it says one."""
        at = low.find(_LENGTH)
        if at >= 0:
            end = text.find(b"\r\n", at + 2)
            end = end if end >= 0 else len(text)
            self.size = int(text[at + len(_LENGTH) : end])
            text, low = text[:at] + text[end:], low[:at] + low[end:]
        self.lines = text[text.find(b"\r\n") + 2 :] + b"\r\n"
        """Its headers as they came, with our request id but not the size."""
        self.head = ReadHead.of(text, low)


def framing(size: int | None, chunked: bool, closes: bool) -> bytes:
    """The lines of a head that say where the body ends."""
    lines = CHUNKED if chunked else b"content-length: %d\r\n" % size if size is not None else b""
    return lines + (CLOSE if closes else b"")


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
