"""What is asked of every contestant: one load each, and what a unit of its work is."""

import json
from dataclasses import dataclass

from tests.bench.contestants.contestant import CLAUDE, MODEL

PROMPT = (
    "Explain in a few sentences what a reverse proxy does, why one would put it in front of "
    "several language models, and which of its duties matter most when answers are streamed token "
    "by token to people who are waiting for them. Mention keys, limits and retries."
)
CHAT = "/v1/chat/completions"
JSON_BYTES = 931
STREAM_BYTES = 10_248
EVENTS = 50


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load on one contestant."""

    name: str
    title: str
    connections: int
    body: bytes
    answer_bytes: int
    """Length of every answer's body; anything else is a failure. -1: only its status is checked."""
    units_per_answer: int = 1
    """What CPU is divided by: 1 counts requests, 50 the events of a paced stream."""
    warm_s: float = 0.3
    seconds: float = 1.5
    path: str = CHAT
    translated: bool = False
    """Only we do it: the client's protocol is not the provider's."""


def request_body(stream: bool, pace: str = "") -> bytes:
    """A chat completion of about 550 bytes; `pace` is an instruction to the fake provider."""
    body = {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": "You are a concise assistant for network engineers."},
            {"role": "user", "content": PROMPT},
        ],
        "temperature": 0.2,
        "max_tokens": 256,
        "user": pace or "bench",
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(body).encode()


def chat_to_claude(stream: bool) -> bytes:
    """The same request for a provider that speaks Messages."""
    return request_body(stream).replace(MODEL.encode(), CLAUDE.encode())


def messages_body(stream: bool) -> bytes:
    """The same request as Anthropic's SDK says it."""
    body = {
        "model": MODEL,
        "max_tokens": 256,
        "system": "You are a concise assistant for network engineers.",
        "messages": [{"role": "user", "content": PROMPT}],
        "temperature": 0.2,
    }
    return json.dumps(body | ({"stream": True} if stream else {})).encode()


def responses_body(stream: bool) -> bytes:
    """The same request in the words of the Responses API; `store` is off, as coding agents do."""
    body = {
        "model": MODEL,
        "instructions": "You are a concise assistant for network engineers.",
        "input": [{"role": "user", "content": PROMPT}],
        "temperature": 0.2,
        "max_output_tokens": 256,
        "store": False,
    }
    return json.dumps(body | ({"stream": True} if stream else {})).encode()


JSON = request_body(stream=False)
STREAM = request_body(stream=True)
PACED = request_body(stream=True, pace="paced-50-5")
SLOW = request_body(stream=True, pace="paced-1000-1000")
"""One event a second for longer than any run: the idle streams."""

SCENARIOS = (
    Scenario("json", "JSON, 64 connections", 64, JSON, JSON_BYTES),
    Scenario("json_c8", "JSON, 8 connections", 8, JSON, JSON_BYTES),
    Scenario("sse_burst", "SSE, 50 events at once, 32 conn.", 32, STREAM, STREAM_BYTES),
    Scenario(
        "paced_chunk",
        "SSE, an event per 5 ms, 64 streams",
        64,
        PACED,
        STREAM_BYTES,
        units_per_answer=EVENTS,
        warm_s=0.5,
        seconds=2.0,
    ),
)
MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
TRANSLATED = tuple(
    Scenario(
        f"{name}{suffix}",
        f"{title}, {'50 events, 32' if stream else '64'} conn.",
        32 if stream else 64,
        body(stream),
        -1,
        path=path,
        translated=True,
    )
    for stream, suffix in ((False, ""), (True, "_stream"))
    for name, title, path, body in (
        ("chat_to_messages", "chat -> Messages", CHAT, chat_to_claude),
        ("messages_to_chat", "Messages -> chat", MESSAGES, messages_body),
        ("responses_to_chat", "Responses -> chat", RESPONSES, responses_body),
    )
)
"""Compared with our own relay: `json` for those in one piece, `sse_burst` for streams."""
SLOW_CONTESTANT = Scenario("json_c4", "JSON, 4 connections", 4, JSON, JSON_BYTES, seconds=2.0)
"""Equal and low concurrency: more would only measure LiteLLM's overload."""
