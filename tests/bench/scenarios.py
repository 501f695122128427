"""What is asked of every contestant: one load each, and what a unit of its work is."""

import json
from dataclasses import dataclass

from tests.bench.contestants.contestant import MODEL

PROMPT = (
    "Explain in a few sentences what a reverse proxy does, why one would put it in front of "
    "several language models, and which of its duties matter most when answers are streamed token "
    "by token to people who are waiting for them. Mention keys, limits and retries."
)
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
    """Length of every answer's body; anything else is a failure."""
    units_per_answer: int = 1
    """What CPU is divided by: 1 counts requests, 50 the events of a paced stream."""
    warm_s: float = 0.3
    seconds: float = 1.5


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
SLOW_CONTESTANT = Scenario("json_c4", "JSON, 4 connections", 4, JSON, JSON_BYTES, seconds=2.0)
"""Equal and low concurrency: more would only measure LiteLLM's overload."""
