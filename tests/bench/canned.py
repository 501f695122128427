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
    usage = b'"usage":{"prompt_tokens":112,"completion_tokens":98,"total_tokens":210}}'
    text = (
        b'{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-4o-mini",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"%b"},'
        b'"finish_reason":"stop"}],'
    )
    body = text % (b"x" * (JSON_BYTES - len(text) - len(usage) + 2)) + usage
    return [
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
        b"x-request-id: req_%032x\r\nopenai-processing-ms: 1\r\nopenai-version: 2020-10-01\r\n"
        b"x-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: %d\r\n\r\n%b"
        % (len(body), random.getrandbits(128), random.randrange(1000, 9999), body)
    ]


def burst(random: Random) -> Answer:
    """All events of a stream in one read."""
    return [b"".join(paced(random))]


def paced(random: Random) -> Answer:
    """A read for each event."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        b"cache-control: no-cache\r\nx-request-id: req_%032x\r\ntransfer-encoding: chunked\r\n\r\n"
        % random.getrandbits(128)
    )
    events = [_chunk(event(number)) for number in range(EVENTS)]
    return [
        head + events[0],
        *events[1:-1],
        events[-1] + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n",
    ]


def event(number: int) -> bytes:
    """One chunk of a streamed completion; the last of EVENTS says why it stops."""
    return (
        b'data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk",'
        b'"created":1760000000,"model":"gpt-4o-mini","choices":[{"index":0,'
        b'"delta":{"content":" tok%02d"},"finish_reason":%b}]}\n\n'
        % (number, b'"stop"' if number == EVENTS - 1 else b"null")
    )


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Kind:
    """A request, its path and what the provider answers."""

    body: bytes
    answer: Callable[[Random], Answer]
    path: str = CHAT


KINDS = {
    "json": Kind(JSON, completion),
    "burst": Kind(STREAM, burst),
    "paced": Kind(PACED, paced),
    "messages_to_chat": Kind(messages_body(False), completion, MESSAGES),
    "messages_to_chat_burst": Kind(messages_body(True), burst, MESSAGES),
    "responses_to_chat": Kind(responses_body(False), completion, RESPONSES),
    "responses_to_chat_burst": Kind(responses_body(True), burst, RESPONSES),
}
"""By name; the provider always speaks chat."""
