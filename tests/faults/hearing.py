"""What a client got: every byte of it, read as its API says, and what that amounts to.

The rule: nothing is taken for whole that is not, and nothing for told that no client could read.
Own readers, so that the gateway's do not judge themselves; the vendors' types judge the form.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dataplane.runtime.protocols import Protocol
from tests.faults.words import ANSWER
from tests.support.oracle import problems_of_answer, problems_of_stream
from tests.support.raw_client import Reply


class Kind(Enum):
    """What a client can make of an answer."""

    WHOLE = "whole"
    """All of it, and it says so."""
    ERROR = "error"
    """An error as its API tells errors: by the status, or by an event and no success after it."""
    CUT = "cut"
    """The connection broke in the middle: no client takes that for an answer."""
    TRUNCATED = "truncated"
    """A part of the answer that looks finished."""
    GARBLED = "garbled"
    """It looks finished, and is not what the provider said, or not what the API says."""
    HANG = "hang"
    """Nothing, for longer than anybody waits."""


@dataclass(slots=True)
class Heard:
    """One answer."""

    protocol: Protocol
    seconds: float
    status: int = 0
    kind: Kind = Kind.HANG
    text: str = ""
    model: str = ""
    output_tokens: int | None = None
    finished: bool = False
    """Whether the protocol's sign of success is there."""
    error: str = ""
    """What an error says, and its kind."""
    problems: list[str] = field(default_factory=list)
    """What is wrong with the form."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: bool = False
    """Whether the body has the end that its framing promises."""

    def __str__(self) -> str:
        parts = [self.kind.value, str(self.status), f"{self.seconds:.2f} s", self.model]
        parts += [self.headers.get("x-outrider-detail", ""), self.error, *self.problems[:2]]
        if self.kind not in (Kind.WHOLE, Kind.ERROR):
            parts.append(f"{len(self.text.split())} words, finished={self.finished}")
        return ", ".join(filter(None, parts))


def hang(protocol: Protocol, seconds: float) -> Heard:
    """Nothing came."""
    return Heard(protocol, seconds)


def heard(protocol: Protocol, reply: Reply, seconds: float, *, stream: bool = True) -> Heard:
    """Judge an answer."""
    made = Heard(
        protocol,
        seconds,
        reply.status,
        headers=reply.headers,
        body=reply.body,
        ended=reply.whole,
    )
    if reply.status != 200:
        _read_error(made)
    elif stream:
        _read_stream(made)
    else:
        _read_answer(made)
    return made


def _read_error(made: Heard) -> None:
    made.error = _error_of(made.protocol, made.body)
    made.kind = Kind.ERROR if made.error and made.ended else Kind.CUT
    if made.status < 400 or (made.ended and not made.error):
        made.kind = Kind.GARBLED
        made.problems.append(f"no error body of this API: {made.body[:200]!r}")


def _error_of(protocol: Protocol, body: bytes) -> str:
    """Kind and words of an error body; nothing when it is none of this API."""
    try:
        said = json.loads(body)
        error = said["error"]
        if protocol is Protocol.MESSAGES and said["type"] != "error":
            return ""
        if protocol is not Protocol.MESSAGES and not {*error} >= {"message", "type", "code"}:
            return ""
        kind = error.get("code") or error["type"]
        return f"{kind}: {error['message']}"
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def _read_answer(made: Heard) -> None:
    if not made.ended:
        made.kind = Kind.CUT
        return
    made.problems = problems_of_answer(made.protocol, made.body)
    try:
        said = json.loads(made.body)
        made.model = said["model"]
        made.text, made.output_tokens = _whole(made.protocol, said)
        made.finished = True
    except (ValueError, LookupError, TypeError) as problem:
        made.problems.append(repr(problem))
    _conclude(made)


def _whole(protocol: Protocol, said: dict[str, Any]) -> tuple[str, int]:
    match protocol:
        case Protocol.CHAT:
            return said["choices"][0]["message"]["content"], said["usage"]["completion_tokens"]
        case Protocol.MESSAGES:
            return said["content"][0]["text"], said["usage"]["output_tokens"]
        case _:
            return said["output"][0]["content"][0]["text"], said["usage"]["output_tokens"]


def _read_stream(made: Heard) -> None:
    for data in _events(made.body):
        try:
            _READERS[made.protocol](made, data)
        except (ValueError, LookupError, TypeError) as problem:
            made.problems.append(f"{type(problem).__name__}: {problem} in {data[:120]!r}")
    _conclude(made)


def _conclude(made: Heard) -> None:
    if made.error:
        made.kind = Kind.GARBLED if made.finished else Kind.ERROR
        if made.finished:
            made.problems.append("an error, and an end as if there were none")
    elif made.finished:
        stream = made.headers.get("content-type", "").startswith("text/event-stream")
        if stream and not made.problems:
            made.problems += problems_of_stream(made.protocol, made.body)
        if made.text == ANSWER and not made.ended:
            made.kind = Kind.CUT
        elif made.text == ANSWER and not made.problems:
            made.kind = Kind.WHOLE
        else:
            short = ANSWER.startswith(made.text) and made.text != ANSWER
            made.kind = Kind.TRUNCATED if short else Kind.GARBLED
    else:
        # SDKs of OpenAI take the end of a body for the end of an answer.
        made.kind = Kind.TRUNCATED if made.ended else Kind.CUT


def _events(body: bytes) -> Iterator[bytes]:
    """The data of each event that is whole."""
    *blocks, _ = body.replace(b"\r\n", b"\n").split(b"\n\n")
    for block in blocks:
        lines = [line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            yield b"\n".join(lines)


def _chat(made: Heard, data: bytes) -> None:
    if data == b"[DONE]":
        made.finished = not made.error
        return
    said = json.loads(data)
    if "error" in said:
        made.error = _error_of(Protocol.CHAT, data) or repr(said["error"])
        return
    made.model = said["model"] or made.model
    for choice in said["choices"]:
        made.text += choice["delta"].get("content") or ""
        made.finished |= choice["finish_reason"] is not None
    if said.get("usage"):
        made.output_tokens = said["usage"]["completion_tokens"]


def _messages(made: Heard, data: bytes) -> None:
    said = json.loads(data)
    match said["type"]:
        case "message_start":
            made.model = said["message"]["model"]
        case "content_block_delta":
            made.text += said["delta"].get("text", "")
        case "message_delta":
            made.output_tokens = said["usage"]["output_tokens"]
        case "message_stop":
            made.finished = True
        case "error":
            made.error = _error_of(Protocol.MESSAGES, data) or repr(said)
        case _:
            pass


def _responses(made: Heard, data: bytes) -> None:
    said = json.loads(data)
    match said["type"]:
        case "response.output_text.delta":
            made.text += said["delta"]
        case "response.completed":
            made.finished = True
            made.model = said["response"]["model"]
            made.output_tokens = said["response"]["usage"]["output_tokens"]
            whole = said["response"]["output"][0]["content"][0]["text"]
            if whole != made.text:
                made.problems.append("the last event's answer is not what was streamed")
        case "response.failed" | "response.incomplete":
            error = said["response"].get("error") or {}
            made.error = f"{error.get('code')}: {error.get('message')}"
        case "error":
            made.error = f"{said['code']}: {said['message']}"
        case _:
            pass


_READERS = {
    Protocol.CHAT: _chat,
    Protocol.MESSAGES: _messages,
    Protocol.RESPONSES: _responses,
}
