"""The answers of token counting APIs, counted by ourselves. Pure."""

import msgspec

from dataplane.llm.count_tokens import count_tokens
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.gemini.read_request import read_count_request
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Operation, Protocol

_JSON = (("content-type", "application/json"),)
_ENCODER = msgspec.json.Encoder()


def counted(operation: Operation, body: bytes, model: str) -> LocalReply:
    """The answer to a request for a count, or what is wrong with the request."""
    if operation is Operation.GEMINI_COUNT_TOKENS:
        name = "totalTokens"
        request = read_count_request(body, model)
    else:
        name = "input_tokens"
        request = CODECS[Protocol.MESSAGES].read_request(body, model, False)
    if isinstance(request, LocalReply):
        return request
    told = _ENCODER.encode({name: count_tokens(request)})
    return LocalReply(200, "", ResponseDetail.LOCAL, _JSON, told)
