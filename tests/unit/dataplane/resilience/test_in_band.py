import pytest

from dataplane.resilience.in_band import error_in
from dataplane.runtime.protocols import Protocol

CHAT, MESSAGES, RESPONSES, GEMINI = (
    Protocol.CHAT,
    Protocol.MESSAGES,
    Protocol.RESPONSES,
    Protocol.GEMINI,
)
WORD = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n'
OVERLOADED = b'{"type":"error","error":{"type":"overloaded_error","message":"Busy."}}'
FAILED = b'{"type":"response.failed","response":{"status":"failed","error":{"code":"x"}}}'

ERRORS = [
    pytest.param(CHAT, b'data: {"error":{"message":"boom"}}\n\n', id="openai"),
    pytest.param(CHAT, b'data: {"error":{"message":"boom"}}\n\ndata: [DONE]\n\n', id="then done"),
    pytest.param(CHAT, b'event: error\ndata: {"message":"boom"}\n\n', id="named"),
    pytest.param(
        CHAT,
        b'data: {"id":"gen-1","error":{"code":502},"choices":[{"finish_reason":"error"}]}\n\n',
        id="beside choices",
    ),
    pytest.param(CHAT, b'data: {"object":"error","message":"boom"}\n\n', id="vllm"),
    pytest.param(MESSAGES, b"event: error\ndata: " + OVERLOADED + b"\n\n", id="anthropic"),
    pytest.param(MESSAGES, b"data: " + OVERLOADED + b"\n\n", id="anthropic unnamed"),
    pytest.param(RESPONSES, b"event: response.failed\ndata: " + FAILED + b"\n\n", id="failed"),
    pytest.param(RESPONSES, b"data: " + FAILED + b"\n\n", id="failed unnamed"),
    pytest.param(
        RESPONSES, b'event: error\ndata: {"type":"error","message":"boom"}\n\n', id="responses"
    ),
    pytest.param(GEMINI, b'data: {"error": {"code": 503}}\r\n\r\n', id="google"),
]
NONE = [
    pytest.param(CHAT, WORD, id="words"),
    pytest.param(CHAT, b"", id="nothing"),
    pytest.param(CHAT, b"\n\n", id="blank"),
    pytest.param(CHAT, b": ping\n\n", id="comment"),
    pytest.param(CHAT, b'data: {"choices":[],"error":null}\n\n', id="null"),
    pytest.param(CHAT, WORD.replace(b'"a"', rb'"{\"error\":{}}"'), id="words about errors"),
    pytest.param(MESSAGES, b'data: {"type":"ping"}\n\n', id="ping"),
    pytest.param(
        RESPONSES,
        b'data: {"type":"response.completed","response":{"error":null}}\n\n',
        id="completed",
    ),
    pytest.param(GEMINI, b'data: {"candidates":[]}\n\n', id="candidates"),
]


@pytest.mark.parametrize(("protocol", "event"), ERRORS)
@pytest.mark.parametrize("before", [b"", WORD, WORD * 3])
def test_error_is_found_and_what_came_before_it_is_kept(
    protocol: Protocol, event: bytes, before: bytes
) -> None:
    found = error_in(protocol, before + event)
    assert found is not None
    at, said = found
    assert at == len(before)
    assert said.startswith(b"{")
    assert said in event


@pytest.mark.parametrize(("protocol", "event"), NONE)
def test_other_events_are_no_error(protocol: Protocol, event: bytes) -> None:
    assert error_in(protocol, event) is None
    assert error_in(protocol, WORD + event) is None
