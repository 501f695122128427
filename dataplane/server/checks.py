"""What a request must be beyond what llhttp lets through, before anything is done with it.

Pure. The list was found by experiment (reference/hotpath.md, section 3);
tests/unit/dataplane/server hold each shape.
"""

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage

from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.heads import RequestShape, Values

MAX_HEADERS = 128
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def refusal(message: RawRequestMessage, values: Values, shape: RequestShape) -> LocalReply | None:
    """Why a message with a good parse is not accepted all the same."""
    version = message.version
    if version is not HttpVersion11 and version is not HttpVersion10:
        return bad_request("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if message.method == "CONNECT":
        return LocalReply(405, "CONNECT is not possible.", ResponseDetail.METHOD_NOT_ALLOWED)
    if message.path[:1] != "/" and message.path != "*":
        return bad_request("The request target must be a path: this is no forward proxy.")
    if shape.special:
        if shape.transfer and version is HttpVersion10:
            return bad_request("Transfer-Encoding does not exist in HTTP/1.0.")
        if shape.transfer and (
            len(shape.transfer) > 1 or values[shape.transfer[0]].lower() != b"chunked"
        ):
            return bad_request("The only Transfer-Encoding understood is `chunked`.")
        if shape.expect >= 0 and values[shape.expect].lower() != b"100-continue":
            return LocalReply(
                417, "The only expectation met is `100-continue`.", ResponseDetail.BAD_REQUEST
            )
    return None


def parse_error(problem: Exception, limit: int) -> LocalReply:
    """What the parser complains about, without repeating the bytes."""
    if isinstance(problem, LineTooLong):
        return headers_too_large(limit)
    said = str(getattr(problem, "message", "") or problem).strip()
    first = said.splitlines()[0].rstrip(": ") if said else type(problem).__name__
    return bad_request(f"Not an acceptable HTTP message: {first[:120]}.")


def bad_request(message: str) -> LocalReply:
    """400: the bytes are not one acceptable HTTP message."""
    return LocalReply(400, message, ResponseDetail.BAD_REQUEST)


def headers_too_large(limit: int) -> LocalReply:
    """431."""
    return LocalReply(
        431, f"The request's head is larger than {limit} bytes.", ResponseDetail.HEADERS_TOO_LARGE
    )


def body_too_large(limit: int) -> LocalReply:
    """413."""
    return LocalReply(
        413, f"The request's body is larger than {limit} bytes.", ResponseDetail.BODY_TOO_LARGE
    )


def head_size(message: RawRequestMessage) -> int:
    """Bytes of a head, white space around values not counted."""
    lines = message.raw_headers
    return len(message.path) + 16 + sum(len(name) + len(value) + 4 for name, value in lines)


def too_much_framing(raw: int, payload: int, allowance: int) -> bool:
    """Whether a chunked body is mostly chunk extensions or trailers, which nothing else limits.

    An honest sender of one-byte chunks needs six bytes for each.
    """
    return raw > 8 * payload + allowance
