"""The files of tests/golden/llm: cases, and what becomes of each for every other protocol."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from dataplane.llm.hub.answer import Answer
from dataplane.llm.hub.delta import Delta, End, Failed
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol
from tests.support import aws_frames

GOLDEN = Path(__file__).parents[1] / "golden" / "llm"
KINDS = ("request", "answer", "stream", "error")
CREATED = 1700000000
ANSWER_ID = "0123456789abcdef01234567"
SNAPSHOT = ".to-"
UPSTREAM_MODELS = {Protocol.CONVERSE: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"}
"""What Converse can say depends on whose model it is."""


@dataclass(frozen=True)
class Case:
    """What one protocol says, in a file."""

    protocol: Protocol
    kind: str
    path: Path

    @property
    def name(self) -> str:
        """ "chat/request/tools"."""
        return f"{self.protocol.value}/{self.kind}/{self.path.stem}"

    def snapshot(self, target: Protocol) -> Path:
        """The file that says what becomes of it."""
        ending = "txt" if self.kind == "stream" else "json"
        return self.path.with_name(f"{self.path.stem}{SNAPSHOT}{target.value}.{ending}")

    def stream(self) -> bytes:
        """The bytes of a stream case."""
        if self.protocol is Protocol.CONVERSE:
            lines = self.path.read_text().splitlines()
            return b"".join(aws_frames.of_line(line) for line in lines if line)
        return self.path.read_bytes()


def cases(*kinds: str) -> list[Case]:
    """All cases whose protocol can be read by now."""
    return [
        Case(protocol, kind, path)
        for protocol in CODECS
        for kind in kinds
        for path in sorted((GOLDEN / protocol.value / kind).glob("*"))
        if SNAPSHOT not in path.name
    ]


def pairs() -> list[tuple[Case, Protocol]]:
    """Every case with every other protocol."""
    return [
        (case, target) for case in cases(*KINDS) for target in CODECS if target != case.protocol
    ]


def made(case: Case, target: Protocol) -> str:
    """What becomes of the case."""
    match case.kind:
        case "request":
            return _request(case, target)
        case "answer":
            return _answer(case, target)
        case "stream":
            return _stream(case, target)
        case _:
            return _error(case, target)


def read_request(protocol: Protocol, body: bytes, name: str) -> Request | LocalReply:
    """As the server would: model and stream are from the body, or from a path that says so."""
    wire = json.loads(body)
    if protocol in (Protocol.GEMINI, Protocol.CONVERSE):
        return CODECS[protocol].read_request(body, "the-model", name.startswith("stream"))
    stream = wire.get("stream") is True
    return CODECS[protocol].read_request(body, wire.get("model") or "", stream)


def deltas_of(case: Case) -> list[Delta]:
    """All deltas of a stream that comes in one piece."""
    reader = CODECS[case.protocol].stream_reader()
    return reader.feed(case.stream()) + reader.finish()


def echo(client: Protocol, stream: bool) -> Echo:
    """The same request behind every answer."""
    request = Request("the-model", stream, client, [], include_usage=True)
    return Echo(request, CREATED, ANSWER_ID)


def _request(case: Case, target: Protocol) -> str:
    request = read_request(case.protocol, case.path.read_bytes(), case.path.stem)
    if isinstance(request, LocalReply):
        return _pretty({"status": request.status, "refused": request.message})
    request.model = UPSTREAM_MODELS.get(target, "target-model")
    losses = Losses(request)
    for name in request.hints:
        losses.hint(name)
    for name in request.unknown:
        losses.refuse(name)
    body = CODECS[target].write_request(request, PLAIN, losses)
    shown: dict[str, Any] = {"body": json.loads(body)}
    if losses.refused:
        shown = {"refused": losses.refused} | shown
    if losses.hints:
        shown["dropped"] = losses.hints
    return _pretty(shown)


def _answer(case: Case, target: Protocol) -> str:
    answer = CODECS[case.protocol].read_answer(case.path.read_bytes())
    if not isinstance(answer, Answer):
        return _pretty({"unreadable": answer.reason})
    body = CODECS[target].write_answer(answer, echo(target, stream=False))
    return _pretty({"body": json.loads(body), "usage": msgspec.to_builtins(answer.usage)})


def _stream(case: Case, target: Protocol) -> str:
    deltas = deltas_of(case)
    out = CODECS[target].stream_writer(echo(target, stream=True)).feed(deltas)
    text = aws_frames.lines(out) if target is Protocol.CONVERSE else out.decode()
    if not deltas or not isinstance(deltas[-1], End | Failed):
        text += "(cut: the stream has no end)\n"
    return text


def _error(case: Case, target: Protocol) -> str:
    told = json.loads(case.path.read_bytes())
    body = told["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    failure = CODECS[case.protocol].read_error(told["status"], raw)
    body = json.loads(CODECS[target].write_error(failure))
    return _pretty({"status": failure.status, "body": body})


def _pretty(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
