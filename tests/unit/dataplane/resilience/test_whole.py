import pytest

from dataplane.resilience.whole import ends_whole
from dataplane.runtime.protocols import Protocol

CHAT, MESSAGES, RESPONSES, GEMINI, CONVERSE = (
    Protocol.CHAT,
    Protocol.MESSAGES,
    Protocol.RESPONSES,
    Protocol.GEMINI,
    Protocol.CONVERSE,
)
TOKEN = b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":null}]}\n\n'
LAST = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"total_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"message":"boom"}}\n\n'

WHOLE = [
    (CHAT, TOKEN + LAST + USAGE + DONE),
    (CHAT, TOKEN + LAST),
    (CHAT, LAST.replace(b":", b": ")),
    (CHAT, TOKEN + DONE),
    (CHAT, DONE),
    (MESSAGES, b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
    (MESSAGES, b'data: {"type": "message_stop"}\n\n'),
    (MESSAGES, b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\n'),
    (RESPONSES, b'event: response.completed\ndata: {"type":"response.completed"}\n\n'),
    (RESPONSES, b'data: {"type": "response.incomplete"}\n\n'),
    (GEMINI, b'data: {"candidates":[{"finishReason": "STOP"}]}\r\n\r\n'),
    (GEMINI, b'data: {"candidates":[{"finishReason":"STOP","x":"%b"}]}\r\n\r\n' % (b"y" * 9000)),
    (GEMINI, b'data: {"promptFeedback":{"blockReason":"SAFETY"}}\r\n\r\n'),
    (CONVERSE, b":event-type\x07\x00\x0bmessageStop"),
]
CUT = [
    (CHAT, b""),
    (CHAT, TOKEN * 3),
    (CHAT, TOKEN + ERROR + DONE),
    (CHAT, TOKEN + LAST.replace(b"stop", b"error") + DONE + ERROR),
    (CHAT, TOKEN.replace(b'"a"', b'"data: [DONE]"')),
    (CHAT, TOKEN.replace(b'"a"', b'"\\"finish_reason\\":\\"stop\\""')),
    (MESSAGES, b'data: {"type":"content_block_delta","delta":{"text":"\\"message_stop\\""}}\n\n'),
    (MESSAGES, b'data: {"type":"content_block_delta","delta":{"text":"message_stop"}}\n\n'),
    (MESSAGES, b'data: {"type":"message_delta","delta":{"stop_reason":null}}\n\n'),
    (MESSAGES, b'data: {"type":"error","error":{"type":"overloaded_error"}}\n\n'),
    (RESPONSES, b'data: {"type":"response.output_text.delta","delta":"response.completed"}\n\n'),
    (RESPONSES, b'data: {"type":"response.output_text.done"}\n\n'),
    (RESPONSES, b'data: {"type":"response.failed"}\n\n'),
    (GEMINI, b'data: {"candidates":[{"content":{"parts":[{"text": "a"}]}}]}\r\n\r\n'),
    (CONVERSE, b":event-type\x07\x00\x11contentBlockDelta"),
]


@pytest.mark.parametrize(("protocol", "tail"), WHOLE)
def test_an_end_of_the_protocol_is_one(protocol: Protocol, tail: bytes) -> None:
    assert ends_whole(protocol, tail)


@pytest.mark.parametrize(("protocol", "tail"), CUT)
def test_a_stream_that_only_stops_is_cut(protocol: Protocol, tail: bytes) -> None:
    assert not ends_whole(protocol, tail)
