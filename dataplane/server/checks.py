"""What a request must be beyond what llhttp lets through, before anything is done with it.

Pure. The list was found by experiment (reference/hotpath.md, section 3);
tests/unit/dataplane/server hold each shape.
"""

from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.server.heads import MAX_HEADERS
from dataplane.server.incoming import Incoming

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def refusal(incoming: Incoming, version: str) -> LocalReply | None:
    """Why a message with a good parse is not accepted all the same."""
    shape, values, target = incoming.shape, incoming.values, incoming.target
    if version not in ("1.1", "1.0"):
        return bad_request("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    if incoming.method == "CONNECT":
        return LocalReply(405, "CONNECT is not possible.", ResponseDetail.METHOD_NOT_ALLOWED)
    if target[:1] != "/" and (target != "*" or incoming.method != "OPTIONS"):
        return bad_request("The request target must be a path: this is no forward proxy.")
    if not shape.special:
        return None
    if len(incoming.names) > MAX_HEADERS:
        return bad_request(f"More than {MAX_HEADERS} headers.")
    if shape.repeated:
        return bad_request(f"Duplicate '{shape.repeated}' header found.")
    if not shape.host and version == "1.1":
        return bad_request("Missing 'Host' header in request.")
    if shape.transfer and version == "1.0":
        return bad_request("Transfer-Encoding does not exist in HTTP/1.0.")
    if shape.transfer and values[shape.transfer[0]].lower() != b"chunked":
        return bad_request("The only Transfer-Encoding understood is `chunked`.")
    if shape.expect >= 0 and values[shape.expect].lower() != b"100-continue":
        return LocalReply(
            417, "The only expectation met is `100-continue`.", ResponseDetail.BAD_REQUEST
        )
    return None


def parse_error(problem: Exception) -> LocalReply:
    """What the parser complains about, without repeating the bytes."""
    said = str(problem).strip() or type(problem).__name__
    return bad_request(f"Not an acceptable HTTP message: {said[:120]}.")


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


_TOO_MUCH = {
    "requests": "More than {} requests at once on this listener.",
    "lag": "The gateway has more to do than it can.",
    "queue": "The gateway has more to do than it can, and too many wait already.",
    "memory": "The gateway holds as many bytes of requests as it may.",
}
RETRY_AFTER = "1"


def overloaded(why: str, limit: int = 0) -> LocalReply:
    """503."""
    return LocalReply(
        503,
        _TOO_MUCH[why].format(limit),
        ResponseDetail.OVERLOADED,
        (("retry-after", RETRY_AFTER),),
    )


def too_slow(seconds: float) -> LocalReply:
    """408."""
    text = f"The request did not arrive within {seconds:g} s."
    return LocalReply(408, text, ResponseDetail.RECEIVE_TIMEOUT)


def head_size(incoming: Incoming) -> int:
    """Bytes of a head, white space around values not counted."""
    lines = sum(map(len, incoming.names)) + sum(map(len, incoming.values))
    return len(incoming.target) + 16 + lines + 4 * len(incoming.names)


def too_much_framing(raw: int, payload: int, allowance: int) -> bool:
    """Whether a chunked body is mostly chunk extensions or trailers, which nothing else limits.

    An honest sender of one-byte chunks needs six bytes for each.
    """
    return raw > 8 * payload + allowance
