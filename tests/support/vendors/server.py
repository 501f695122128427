"""All fake vendors on one port, as one scripted upstream that keeps what it was asked."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from types import ModuleType
from typing import Any

from dataplane.runtime.protocols import Protocol
from tests.support.upstream import (
    Close,
    Received,
    Step,
    chunk,
    chunked_head,
    in_chunks,
    json_answer,
    upstream,
)
from tests.support.vendors import chat, converse, gemini, messages, responses
from tests.support.vendors.conversation import FAILURE, Asked, Declined, Turn, Wrong, answer

VENDORS: dict[Protocol, ModuleType] = {
    Protocol.CHAT: chat,
    Protocol.RESPONSES: responses,
    Protocol.MESSAGES: messages,
    Protocol.GEMINI: gemini,
    Protocol.CONVERSE: converse,
}
ENDS = {
    "/chat/completions": (Protocol.CHAT, False),
    "/responses": (Protocol.RESPONSES, False),
    "/messages": (Protocol.MESSAGES, False),
    ":generateContent": (Protocol.GEMINI, False),
    ":streamGenerateContent": (Protocol.GEMINI, True),
    "/converse": (Protocol.CONVERSE, False),
    "/converse-stream": (Protocol.CONVERSE, True),
}
AWS_ERRORS = {400: "ValidationException", 429: "ThrottlingException"}
REASONS = {400: "400 Bad Request", 429: "429 Too Many Requests"}
PIECE = 61
"""Bytes of one chunk of a stream: events are cut anywhere, characters too."""
Answer = Callable[[Asked], Turn | None]
"""What to say; None to fail with 429."""


@dataclass(slots=True)
class Vendors:
    """What was asked of whom, and what a real vendor would have refused."""

    port: int = 0
    answer: Answer = answer
    """What they say to what."""
    asked: dict[Protocol, list[Asked]] = field(default_factory=dict)
    wrong: dict[Protocol, list[str]] = field(default_factory=dict)
    """Sentences, each with the body."""
    serials: Iterator[int] = field(default_factory=count)

    async def script(self, received: Received) -> AsyncIterator[Step]:
        """One exchange."""
        path = received.line.split(b" ")[1].decode().partition("?")[0]
        if path.endswith("/count_tokens"):
            yield json_answer(json.dumps(messages.counted()).encode())
            return
        if path.endswith(":countTokens"):
            yield json_answer(json.dumps(gemini.counted()).encode())
            return
        protocol, streams = next(told for end, told in ENDS.items() if path.endswith(end))
        body = json.loads(received.body)
        for step in self._answer(protocol, body, streams):
            yield step

    def _answer(self, protocol: Protocol, body: dict[str, Any], streams: bool) -> list[Step]:
        vendor = VENDORS[protocol]
        try:
            asked = vendor.asked(body)
        except (Wrong, LookupError, TypeError, ValueError, AttributeError) as problem:
            sentence = f"{type(problem).__name__}: {problem}"
            if not isinstance(problem, Declined):
                words = f"{sentence} in {json.dumps(body)[:3000]}"
                self.wrong.setdefault(protocol, []).append(words)
            return [_error(protocol, 400, sentence)]
        self.asked.setdefault(protocol, []).append(asked)
        turn = self.answer(asked)
        if turn is None:
            return [_error(protocol, 429, FAILURE)]
        turn = replace(turn, serial=f"{next(self.serials):04}")
        if not (streams or asked.stream):
            return [json_answer(json.dumps(vendor.whole(turn)).encode())]
        aws = protocol is Protocol.CONVERSE
        kind = b"application/vnd.amazon.eventstream" if aws else b"text/event-stream"
        stream = vendor.stream(turn, body)
        if "zz-cut" in asked.text:
            return [chunked_head(kind) + chunk(stream[: len(stream) * 6 // 10]), Close()]
        return [chunked_head(kind) + in_chunks(stream, PIECE)]


def _error(protocol: Protocol, status: int, sentence: str) -> bytes:
    body = json.dumps(VENDORS[protocol].error(status, sentence)).encode()
    name = b"x-amzn-errortype: %b\r\n" % AWS_ERRORS[status].encode()
    return json_answer(body, REASONS[status], name if protocol is Protocol.CONVERSE else b"")


@asynccontextmanager
async def vendors(say: Answer = answer) -> AsyncIterator[Vendors]:
    """Run them."""
    made = Vendors(answer=say)
    async with upstream(made.script) as fake:
        made.port = fake.endpoint.port
        yield made
