"""The JSON of output items and their parts, for answers and for the events of a stream alike.

Rule: words are literals that came from elsewhere and are only put in their places.
"""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.answer import TokenLogprob
from dataplane.llm.hub.literals import Literal, literal
from dataplane.llm.hub.parts import Citation

COMPLETED: Final[bytes] = b"completed"
IN_PROGRESS: Final[bytes] = b"in_progress"
INCOMPLETE: Final[bytes] = b"incomplete"
FAILED: Final[bytes] = (
    b'{"code":"server_error","message":"The model failed to generate an answer."}'
)
"""The error of a response whose model stopped for a reason of its own."""
_ENCODER: Final = msgspec.json.Encoder()


def text_part(text: Literal, annotations: bytes = b"[]", logprobs: bytes = b"[]") -> bytes:
    """A part of a message."""
    return b'{"type":"output_text","annotations":%b,"logprobs":%b,"text":%b}' % (
        annotations,
        logprobs,
        text,
    )


def refusal_part(text: Literal) -> bytes:
    """The other part of a message."""
    return b'{"type":"refusal","refusal":%b}' % text


def summary_part(text: Literal) -> bytes:
    """A part of a reasoning item."""
    return b'{"type":"summary_text","text":%b}' % text


def message_item(item_id: bytes, status: bytes, parts: list[bytes]) -> bytes:
    """What the model says."""
    return b'{"id":"%b","type":"message","status":"%b","role":"assistant","content":[%b]}' % (
        item_id,
        status,
        b",".join(parts),
    )


def reasoning_item(item_id: bytes, summary: list[bytes], encrypted: str) -> bytes:
    """What the model thought. The API gives `encrypted_content` to those who ask for it; here
    everybody gets it, because nothing else gives the thinking back to a provider with the next
    turn, and the store of responses keeps what clients are given.
    """
    sealed = b',"encrypted_content":%b' % literal(encrypted) if encrypted else b""
    return b'{"id":"%b","type":"reasoning","summary":[%b]%b}' % (
        item_id,
        b",".join(summary),
        sealed,
    )


def function_item(
    item_id: bytes, status: bytes, call_id: str, name: str, namespace: str, arguments: Literal
) -> bytes:
    """A call of a function."""
    return (
        b'{"id":"%b","type":"function_call","status":"%b","arguments":%b,"call_id":%b,"name":%b%b}'
        % (item_id, status, arguments, literal(call_id), literal(name), _of(namespace))
    )


def custom_item(item_id: bytes, call_id: str, name: str, namespace: str, words: Literal) -> bytes:
    """A call of a custom tool."""
    return b'{"id":"%b","type":"custom_tool_call","call_id":%b,"input":%b,"name":%b%b}' % (
        item_id,
        literal(call_id),
        words,
        literal(name),
        _of(namespace),
    )


def image_item(item_id: bytes, data: str) -> bytes:
    """A picture that the model made."""
    return b'{"id":"%b","type":"image_generation_call","status":"completed","result":%b}' % (
        item_id,
        literal(data),
    )


def _of(namespace: str) -> bytes:
    return b',"namespace":%b' % literal(namespace) if namespace else b""


def annotation(citation: Citation, length: int) -> dict[str, Any]:
    """One citation of a text that has so many characters."""
    start = citation.start if citation.start is not None else 0
    end = citation.end if citation.end is not None else length
    if citation.url:
        return {
            "type": "url_citation",
            "start_index": start,
            "end_index": end,
            "title": citation.title,
            "url": citation.url,
        }
    return {
        "type": "file_citation",
        "file_id": citation.file_id,
        "filename": citation.title,
        "index": citation.document if citation.document is not None else start,
    }


def annotations(citations: list[Citation], length: int) -> list[bytes]:
    """All of a text's."""
    return [_ENCODER.encode(annotation(citation, length)) for citation in citations]


def logprobs_json(logprobs: list[TokenLogprob], *, whole: bool) -> bytes:
    """As a text part has them, or as events have them: without the bytes."""
    if not logprobs:
        return b"[]"
    return _ENCODER.encode(
        [
            _token(one, whole) | {"top_logprobs": [_token(top, whole) for top in one.top]}
            for one in logprobs
        ]
    )


def _token(one: TokenLogprob, whole: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"token": one.token, "logprob": one.logprob}
    if whole:
        told["bytes"] = one.bytes if one.bytes is not None else list(one.token.encode())
    return told
