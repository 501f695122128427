"""The wall: a provider that fails as it is told to, by the name of the model that it is asked for.

Built from the description in the reference (faults.md). A model is called FAULT.ANYTHING, such as
`s08.chat`; each name has a life of its own, so `once` is once for each name. Every attempt is
logged with its time and with what was sent of the answer.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from dataplane.runtime.protocols import Protocol
from tests.faults.speech import (
    PATHS,
    SPEECHES,
    Speech,
    error,
    kind_of,
    refusal,
    texts_of,
)
from tests.faults.words import ANSWER, tokens_of
from tests.support.upstream import (
    Close,
    Cut,
    Received,
    Step,
    chunk,
    chunked_head,
    json_answer,
    upstream,
)

REASONS = {
    400: "400 Bad Request",
    429: "429 Too Many Requests",
    500: "500 Internal Server Error",
    503: "503 Service Unavailable",
}
END = b"0\r\n\r\n"
SILENCE_S = 120.0
LATE_S = 20.0
STALL_S = 30.0
CUT_AFTER = 40
STALL_AFTER = 20
BAD_EVENT = 10


@dataclass(slots=True)
class Attempt:
    """One request that reached the wall."""

    at: float
    """On the monotonic clock."""
    model: str
    protocol: Protocol
    number: int
    """Of the attempts on this model, from 1."""
    body: dict[str, Any]
    headers: list[tuple[bytes, bytes]]
    prefill: str | None = None
    """What the last message has the assistant say already."""
    tokens: int = 0
    """How many were sent."""
    status: int = 0
    ended: str = ""
    """`whole`, `reset`, `closed`, an error's status; `left`: the client was gone first."""
    ended_at: float = 0.0
    fault: str = ""
    """What was chosen, where the model's name leaves a choice."""

    def header(self, name: bytes) -> str:
        """The value of a header, or nothing."""
        return next((value.decode() for key, value in self.headers if key == name), "")


@dataclass(slots=True)
class Wall:
    """What was asked, and how fast it speaks."""

    token_s: float = 0.015
    """Between two tokens; 0: all that is to be said in one write."""
    outage_s: float = 60.0
    """How long a model of S15 is down, from the first time that it is asked."""
    attempts: list[Attempt] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """What no vendor would have accepted, in words."""
    port: int = 0
    open: Callable[[], int] = lambda: 0
    """Connections that are open now."""
    on_end: "Callable[[Attempt], None] | None" = None
    """Told of each attempt that is over; then none is kept."""
    _serials: Iterator[int] = field(default_factory=lambda: count(1))
    _numbers: Counter[str] = field(default_factory=Counter)
    _first: dict[str, float] = field(default_factory=dict)

    def of(self, model: str) -> list[Attempt]:
        """The attempts on a model, in their order."""
        return [attempt for attempt in self.attempts if attempt.model == model]

    async def script(self, received: Received) -> AsyncIterator[Step]:
        """One exchange."""
        attempt = self._attempt(received)
        protocol = attempt.protocol
        try:
            problem = _problem(attempt)
            if problem:
                self.wrong.append(problem)
                answer = _told(attempt, 400, error(protocol, 400, problem))
            else:
                answer = self._answer(attempt)
            async for step in answer:
                attempt.ended = attempt.ended or _end_of(step)
                yield step
        finally:
            attempt.ended = attempt.ended or "left"
            attempt.ended_at = time.monotonic()
            if self.on_end is not None:
                self.on_end(attempt)

    def _attempt(self, received: Received) -> Attempt:
        now = time.monotonic()
        path = received.line.split(b" ")[1].decode().partition("?")[0]
        protocol = next(made for end, made in PATHS.items() if path.endswith(end))
        body = json.loads(received.body)
        model = str(body.get("model"))
        self._numbers[model] += 1
        self._first.setdefault(model, now)
        attempt = Attempt(now, model, protocol, self._numbers[model], body, received.headers)
        attempt.prefill = _prefill(body)
        if self.on_end is None:
            self.attempts.append(attempt)
        return attempt

    def _answer(self, attempt: Attempt) -> AsyncIterator[Step]:
        prefill = attempt.prefill
        fault = attempt.model.partition(".")[0]
        if prefill is not None:
            refused = _prefill_problem(fault, attempt.protocol, prefill)
            if refused:
                return _told(attempt, 400, error(attempt.protocol, 400, refused))
        return FAULTS[fault](self, attempt)

    def speech(self, attempt: Attempt) -> Speech:
        """The voice of an answer."""
        options = attempt.body.get("stream_options") or {}
        return SPEECHES[attempt.protocol](
            attempt.model, next(self._serials), bool(options.get("include_usage"))
        )

    def is_down(self, model: str) -> bool:
        """Whether a model's outage is not over."""
        return time.monotonic() - self._first[model] < self.outage_s

    async def say(
        self, attempt: Attempt, speech: Speech, first: int = 0, last: int = 60
    ) -> AsyncIterator[Step]:
        """Tokens of the answer, those of them that a prefill has left."""
        tokens = tokens_of(ANSWER)[first:last]
        if attempt.prefill:
            tokens = tokens_of(ANSWER[len(attempt.prefill) :])[first:last]
        if not self.token_s:
            attempt.tokens += len(tokens)
            yield chunk(b"".join(map(speech.token, tokens)))
            return
        for token in tokens:
            await asyncio.sleep(self.token_s)
            attempt.tokens += 1
            yield chunk(speech.token(token))


Answer = AsyncIterator[Step]
Fault = Callable[[Wall, Attempt], Answer]


def _head(attempt: Attempt) -> bytes:
    attempt.status = 200
    return chunked_head()


async def _told(attempt: Attempt, status: int, body: bytes, extra: bytes = b"") -> Answer:
    attempt.status = status
    yield json_answer(body, REASONS[status], extra)
    attempt.ended = str(status)


def _fails(attempt: Attempt, status: int, extra: bytes = b"") -> Answer:
    words = f"The wall says {status}."
    return _told(attempt, status, error(attempt.protocol, status, words), extra)


async def healthy(wall: Wall, attempt: Attempt) -> Answer:
    """The sixty words."""
    speech = wall.speech(attempt)
    if not attempt.body.get("stream"):
        attempt.status = 200
        attempt.tokens = 60
        yield json_answer(speech.whole(ANSWER))
        attempt.ended = "whole"
        return
    yield _head(attempt) + chunk(speech.begin())
    async for step in wall.say(attempt, speech):
        yield step
    yield chunk(speech.finish() + speech.last()) + END
    attempt.ended = "whole"


def once(fault: Fault) -> Fault:
    """The first attempt fails, all others do not."""
    return lambda wall, attempt: (fault if attempt.number == 1 else healthy)(wall, attempt)


def fails(status: int, extra: bytes = b"") -> Fault:
    """An error by its status."""
    return lambda wall, attempt: _fails(attempt, status, extra)


def refuses(why: str) -> Fault:
    """A 400 that means something."""
    return lambda wall, attempt: _told(attempt, 400, refusal(attempt.protocol, why))


async def resets(wall: Wall, attempt: Attempt) -> Answer:
    """Before any byte."""
    yield Cut()


async def silent(wall: Wall, attempt: Attempt) -> Answer:
    """Nothing at all, then the end of the connection."""
    await asyncio.sleep(SILENCE_S)
    yield Close()


async def late(wall: Wall, attempt: Attempt) -> Answer:
    """A head at once, and the first token when nobody waits any more."""
    speech = wall.speech(attempt)
    yield _head(attempt) + chunk(speech.begin())
    await asyncio.sleep(LATE_S)
    async for step in wall.say(attempt, speech):
        yield step
    yield chunk(speech.finish() + speech.last()) + END
    attempt.ended = "whole"


async def dies(wall: Wall, attempt: Attempt) -> Answer:
    """After two thirds: no end of the protocol, no end of the body."""
    speech = wall.speech(attempt)
    yield _head(attempt) + chunk(speech.begin())
    async for step in wall.say(attempt, speech, 0, CUT_AFTER):
        yield step
    yield Close()


async def stalls(wall: Wall, attempt: Attempt) -> Answer:
    """After a third: nothing for a while, then as `dies`."""
    speech = wall.speech(attempt)
    yield _head(attempt) + chunk(speech.begin())
    async for step in wall.say(attempt, speech, 0, STALL_AFTER):
        yield step
    await asyncio.sleep(STALL_S)
    yield Close()


async def garbles(wall: Wall, attempt: Attempt) -> Answer:
    """The tenth event is not JSON, and one too many."""
    speech = wall.speech(attempt)
    begun = speech.begin()
    yield _head(attempt) + chunk(begun)
    before = BAD_EVENT - 1 - begun.count(b"\n\n")
    async for step in wall.say(attempt, speech, 0, before):
        yield step
    yield chunk(speech.broken())
    async for step in wall.say(attempt, speech, before):
        yield step
    yield chunk(speech.finish() + speech.last()) + END
    attempt.ended = "whole"


async def endless(wall: Wall, attempt: Attempt) -> Answer:
    """All is said but the sign that it was all, and the connection stays open."""
    speech = wall.speech(attempt)
    yield _head(attempt) + chunk(speech.begin())
    async for step in wall.say(attempt, speech):
        yield step
    yield chunk(speech.finish())
    attempt.ended = "whole"
    await asyncio.sleep(STALL_S)
    yield Close()


def down(wall: Wall, attempt: Attempt) -> Answer:
    """503 for a time, then healthy."""
    return (fails(503) if wall.is_down(attempt.model) else healthy)(wall, attempt)


async def fails_inside(wall: Wall, attempt: Attempt) -> Answer:
    """Status 200, then an error where the first content should be."""
    speech = wall.speech(attempt)
    words = "The wall has broken down."
    told = speech.failed(503, kind_of(attempt.protocol, 503), words)
    yield _head(attempt) + chunk(speech.begin() + told) + END
    attempt.ended = "in-band"


async def limited_inside(wall: Wall, attempt: Attempt) -> Answer:
    """Twenty tokens, then a 429 within the stream, again and again, and no end."""
    speech = wall.speech(attempt)
    yield _head(attempt) + chunk(speech.begin())
    async for step in wall.say(attempt, speech, 0, STALL_AFTER):
        yield step
    yield chunk(speech.failed(429, kind_of(attempt.protocol, 429), "Slow down."))
    attempt.ended = "in-band"
    await asyncio.sleep(STALL_S)
    yield Close()


async def waits(wall: Wall, attempt: Attempt) -> Answer:
    """Begins, says half of it and then nothing, for as long as the client stays."""
    speech = wall.speech(attempt)
    if not attempt.body.get("stream"):
        attempt.status = 200
        yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n"
        await asyncio.sleep(SILENCE_S)
    yield _head(attempt) + chunk(speech.begin())
    async for step in wall.say(attempt, speech, 0, STALL_AFTER):
        yield step
    await asyncio.sleep(SILENCE_S)
    yield Close()


FAULTS: dict[str, Fault] = {
    "healthy": healthy,
    "no-prefill": healthy,
    "s01": once(fails(429, b"retry-after: 2\r\n")),
    "s02": fails(429),
    "s03": once(fails(500)),
    "s04": fails(503),
    "s05": once(resets),
    "s06": silent,
    "s07": late,
    "s08": dies,
    "s09": stalls,
    "s10": garbles,
    "s11": endless,
    "s12": refuses("context"),
    "s13": refuses("filter"),
    "s14": dies,
    "s15": down,
    "s16": fails(503),
    "fails-inside": fails_inside,
    "limited-inside": limited_inside,
    "waits": waits,
    "silent": silent,
    "late": late,
    "down": fails(503),
}
REFUSE_PREFILL = frozenset(("no-prefill",))


def _end_of(step: Step) -> str:
    return "reset" if isinstance(step, Cut) else "closed" if isinstance(step, Close) else ""


def _prefill(body: dict[str, Any]) -> str | None:
    turns = body.get("messages", body.get("input"))
    if not isinstance(turns, list) or not turns or not isinstance(turns[-1], dict):
        return None
    last = turns[-1]
    return texts_of(last.get("content")) if last.get("role") == "assistant" else None


def _prefill_problem(fault: str, protocol: Protocol, prefill: str) -> str:
    """Why a request that ends in an assistant message is refused; nothing when it is not."""
    if fault in REFUSE_PREFILL:
        return "This model does not support assistant message prefill."
    if protocol is Protocol.MESSAGES and prefill != prefill.rstrip():
        return "messages: final assistant content cannot end with trailing whitespace"
    return "" if ANSWER.startswith(prefill) else "The wall never said that."


_REQUIRED = {
    Protocol.CHAT: ("model", "messages"),
    Protocol.MESSAGES: ("model", "messages", "max_tokens"),
    Protocol.RESPONSES: ("model", "input"),
}


def _problem(attempt: Attempt) -> str:
    """What every vendor asks of a request; nothing when it is fine."""
    missing = [key for key in _REQUIRED[attempt.protocol] if not attempt.body.get(key)]
    if missing:
        return f"{', '.join(missing)}: required"
    if attempt.protocol is Protocol.MESSAGES:
        roles = [message["role"] for message in attempt.body["messages"]]
        if roles[0] != "user" or not {*roles} <= {"user", "assistant"}:
            return f"messages: roles {roles}"
        if not attempt.header(b"anthropic-version"):
            return "anthropic-version: header is required"
    return ""


@asynccontextmanager
async def running_wall(*, token_s: float = 0.015, outage_s: float = 60.0) -> AsyncIterator[Wall]:
    """A wall on a port of this machine."""
    wall = Wall(token_s, outage_s)
    async with upstream(wall.script) as fake:
        wall.port = fake.endpoint.port
        wall.open = lambda: fake.open
        yield wall
