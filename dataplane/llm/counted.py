"""The answers of token counting APIs, counted by ourselves. Pure."""

import msgspec

from dataplane.llm.count_tokens import count_tokens
from dataplane.llm.protocols import Operation, Protocol
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.messages import LocalReply, ResponseDetail

_JSON = (("content-type", "application/json"),)
_ENCODER = msgspec.json.Encoder()


class _Google(msgspec.Struct):
    """Google's request: contents, or a whole request for a generation."""

    generateContentRequest: msgspec.Raw | None = None
    generate_content_request: msgspec.Raw | None = None


_GOOGLE = msgspec.json.Decoder(_Google)


def counted(operation: Operation, body: bytes, model: str) -> LocalReply:
    """The answer to a request for a count, or what is wrong with the request."""
    protocol = Protocol.MESSAGES
    if operation is Operation.GEMINI_COUNT_TOKENS:
        protocol = Protocol.GEMINI
        body = _inner(body)
    request = CODECS[protocol].read_request(body, model, False)
    if isinstance(request, LocalReply):
        return request
    total = count_tokens(request)
    told: dict[str, int] = {"input_tokens": total}
    if protocol is Protocol.GEMINI:
        told = {"totalTokens": total}
    return LocalReply(200, "", ResponseDetail.LOCAL, _JSON, _ENCODER.encode(told))


def _inner(body: bytes) -> bytes:
    try:
        whole = _GOOGLE.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return body  # its reader says what is wrong
    inner = whole.generateContentRequest or whole.generate_content_request
    return bytes(inner) if inner is not None else body
