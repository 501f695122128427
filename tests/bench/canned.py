"""Canned bytes of the scenarios, as load generator and fake provider send them, in pieces as they
would be read from a socket. Every message has ids of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.bench.scenarios import (
    CHAT,
    EVENTS,
    JSON,
    JSON_BYTES,
    MESSAGES,
    PACED,
    RESPONSES,
    STREAM,
    chat_to_claude,
    messages_body,
    responses_body,
)

Answer = Sequence[bytes]
"""What successive reads return."""


def request(random: Random, body: bytes, path: str = CHAT) -> bytes:
    """A client's whole request."""
    ids = (random.getrandbits(128), random.getrandbits(64), random.getrandbits(64))
    return (
        b"POST %b HTTP/1.1\r\nhost: 127.0.0.1:9000\r\n"
        b"user-agent: OpenAI/Python 1.99.0\r\naccept: application/json\r\n"
        b"content-type: application/json\r\nauthorization: Bearer sk-bench\r\n"
        b"x-stainless-lang: python\r\nx-stainless-retry-count: 0\r\n"
        b"traceparent: 00-%032x-%016x-01\r\nx-request-id: %016x\r\ncontent-length: %d\r\n\r\n%b"
        % (path.encode(), *ids, len(body), body)
    )


def completion(random: Random) -> Answer:
    """A chat completion in one read."""
    usage = (
        b'"usage":{"prompt_tokens":112,"completion_tokens":98,"total_tokens":210,'
        b'"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        b'"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
        b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},'
        b'"service_tier":"default","system_fingerprint":"fp_0123456789"}'
    )
    text = (
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-4o-mini",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"%b","refusal":null,'
        b'"annotations":[]},"logprobs":null,"finish_reason":"stop"}],'
    )
    body = text % (b"x" * (JSON_BYTES - len(text) - len(usage) + 2)) + usage
    return _whole(body, random)


def _whole(body: bytes, random: Random) -> Answer:
    return [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"x-request-id: req_%032x\r\nopenai-processing-ms: 1\r\nopenai-version: 2020-10-01\r\n"
        b"x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: %d\r\n\r\n%b"
        % (len(body), random.getrandbits(128), random.randrange(1000, 9999), body)
    ]


def _stream_head(random: Random) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        b"cache-control: no-cache\r\nx-request-id: req_%032x\r\ntransfer-encoding: chunked\r\n\r\n"
        % random.getrandbits(128)
    )


def burst(random: Random) -> Answer:
    """All events of a stream in one read."""
    return [b"".join(paced(random))]


def paced(random: Random) -> Answer:
    """A read for each event."""
    events = [_chunk(event(number)) for number in range(EVENTS)]
    return [
        _stream_head(random) + events[0],
        *events[1:-1],
        events[-1] + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
    ]


def event(number: int) -> bytes:
    """One chunk of a streamed completion; the last of EVENTS says why it stops."""
    said = b'{"content":" tok%02d"},"finish_reason":null' % number
    return (
        b'data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk",'
        b'"created":1760000000,"model":"gpt-4o-mini","choices":[{"index":0,"delta":%b}]}\n\n'
        % (said if number < EVENTS - 1 else b'{},"finish_reason":"stop"')
    )


def message(random: Random) -> Answer:
    """A whole answer of Messages in one read."""
    return _whole(
        b'{"model":"claude-sonnet-4-5-20250929","id":"msg_01AbCdEfGhIjKlMnOpQrStUv",'
        b'"type":"message","role":"assistant","content":[{"type":"text","text":"%b"}],'
        b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":112,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":'
        b'{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":98,'
        b'"service_tier":"standard"}}' % (b"x" * 350),
        random,
    )


def message_burst(random: Random) -> Answer:
    """All events of a stream of Messages in one read."""
    start = (
        b'{"type":"message_start","message":{"model":"claude-sonnet-4-5-20250929",'
        b'"id":"msg_01AbCdEfGhIjKlMnOpQrStUv","type":"message","role":"assistant","content":[],'
        b'"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":112,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}'
    )
    begins = b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
    grows = (
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" tok%02d"}}'
    )
    ends = (
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
        b'"usage":{"output_tokens":98}}'
    )
    events = [(b"message_start", start), (b"content_block_start", begins)]
    events += [(b"content_block_delta", grows % number) for number in range(EVENTS - 1)]
    events += [
        (b"content_block_stop", b'{"type":"content_block_stop","index":0}'),
        (b"message_delta", ends),
        (b"message_stop", b'{"type":"message_stop"}'),
    ]
    chunks = [_chunk(b"event: %b\ndata: %b\n\n" % one) for one in events]
    return [b"".join([_stream_head(random), *chunks, b"0\r\n\r\n"])]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Kind:
    """A request, its path and what the provider of its model answers."""

    body: bytes
    answer: Callable[[Random], Answer]
    path: str = CHAT


KINDS = {
    "json": Kind(JSON, completion),
    "burst": Kind(STREAM, burst),
    "paced": Kind(PACED, paced),
    "chat_to_messages": Kind(chat_to_claude(False), message),
    "messages_to_chat": Kind(messages_body(False), completion, MESSAGES),
    "responses_to_chat": Kind(responses_body(False), completion, RESPONSES),
    "chat_to_messages_burst": Kind(chat_to_claude(True), message_burst),
    "messages_to_chat_burst": Kind(messages_body(True), burst, MESSAGES),
    "responses_to_chat_burst": Kind(responses_body(True), burst, RESPONSES),
}
"""By name."""
