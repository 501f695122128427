"""Deltas -> the frames of a converse-stream.

Rule: one messageStart, blocks numbered 0..n one after another, one messageStop, one metadata at the
end. Only calls of tools (and images) have a start; a block that stays empty has no events at all.
"""

import msgspec

from dataplane.llm.aws_events import encode, head
from dataplane.llm.hub.answer import Failure, Usage
from dataplane.llm.hub.delta import (
    ArgumentsDelta,
    Begin,
    CitationDelta,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    PartEnd,
    SignatureDelta,
    TextDelta,
    TextRun,
    UsageDelta,
)
from dataplane.llm.hub.literals import Literal, literal
from dataplane.llm.hub.parts import Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.converse.citations import write_citation
from dataplane.llm.translate.converse.errors import write_exception
from dataplane.llm.translate.converse.write_answer import (
    extra_fields,
    media_block,
    media_words,
    redacted,
    stop_reason,
    usage_object,
)
from dataplane.llm.translate.converse.write_parts import tool_id

_DELTA_HEAD = head("event", "contentBlockDelta")
_START_HEAD = head("event", "contentBlockStart")
_STOP_HEAD = head("event", "contentBlockStop")
_MESSAGE_START = encode(head("event", "messageStart"), b'{"role":"assistant"}')
_MESSAGE_STOP_HEAD = head("event", "messageStop")
_METADATA_HEAD = head("event", "metadata")
_TEXT = b'{"contentBlockIndex":%d,"delta":{"text":%b}}'
_DELTA = b'{"contentBlockIndex":%d,"delta":%b}'
_START = b'{"contentBlockIndex":%d,"start":%b}'
_EMPTY = b'""'
_NO_ARGUMENTS = b'"{}"'
_ENCODER = msgspec.json.Encoder()


class StreamWriter:
    """One answer to a client."""

    content_type = "application/vnd.amazon.eventstream"

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._over = False
        self._index = 0
        self._part: Part | None = None
        self._words = False
        """The open part is a text or a refusal."""
        self._written = False
        """The open part's block has had an event."""
        self._grown = False
        """The open call has had a piece of its input."""
        self._signature = ""
        """Of open thinking that is nothing but its signature."""
        self._tools = False
        self._usage = Usage()

    def feed(self, deltas: list[Delta]) -> bytes:
        """Their bytes; none after the end."""
        out: list[bytes] = []
        for delta in deltas:
            if self._over:
                break
            if type(delta) is TextDelta:
                if not delta.choice:
                    self._grow(delta.text, out)
            elif type(delta) is TextRun:
                for text in () if delta.choice else delta.texts:
                    self._grow(text, out)
            else:
                self._take(delta, out)
        return b"".join(out)

    def _take(self, delta: Delta, out: list[bytes]) -> None:
        match delta:
            case Begin(usage=usage):
                self._usage = usage or self._usage
                out.append(_MESSAGE_START)
            case UsageDelta(usage):
                self._usage = usage
            case End():
                self._end(out)
            case Failed(failure):
                self._fail(failure, out)
            case TextDelta() | TextRun():
                pass  # have their own short way
            case _ if delta.choice:
                pass  # the API has one choice; `n` was refused
            case PartBegin(part):
                self._begin(part, out)
            case ArgumentsDelta(text):
                self._arguments(text, out)
            case SignatureDelta(signature):
                self._sign(signature, out)
            case CitationDelta(citation):
                if isinstance(self._part, Text):
                    self._delta({"citation": write_citation(citation)}, out)
            case PartEnd():
                self._part_end(out)
            case Finished():
                self._stop(delta, out)

    def _begin(self, part: Part, out: list[bytes]) -> None:
        self._part = part
        self._words = isinstance(part, Text | Refusal)
        match part:
            case Text(text) | Refusal(text) | Thinking(text):
                if text:
                    self._grow(literal(text), out)
                if isinstance(part, Thinking):
                    self._sign(part.signature, out)
            case ToolCall(arguments=arguments):
                self._tools = True
                start = {"toolUse": {"toolUseId": tool_id(part.id), "name": part.name}}
                self._start(start, out)
                if arguments:
                    self._arguments(literal(arguments), out)
            case Media():
                self._media(part, out)
            case _:
                pass  # only another protocol can say it

    def _media(self, part: Media, out: list[bytes]) -> None:
        image = media_block(part).get("image")
        if image is not None:
            self._start({"image": {"format": image["format"]}}, out)
            self._delta({"image": {"source": image["source"]}}, out)
        else:
            self._delta({"text": media_words(part)}, out)

    def _start(self, start: object, out: list[bytes]) -> None:
        self._written = True
        out.append(encode(_START_HEAD, _START % (self._index, _ENCODER.encode(start))))

    def _delta(self, delta: object, out: list[bytes]) -> None:
        self._written = True
        out.append(encode(_DELTA_HEAD, _DELTA % (self._index, _ENCODER.encode(delta))))

    def _grow(self, text: Literal, out: list[bytes]) -> None:
        if text == _EMPTY:
            return
        if self._words:
            self._written = True
            out.append(encode(_DELTA_HEAD, _TEXT % (self._index, text)))
        elif isinstance(self._part, Thinking):
            self._delta({"reasoningContent": {"text": msgspec.Raw(text)}}, out)

    def _arguments(self, text: Literal, out: list[bytes]) -> None:
        if text != _EMPTY and isinstance(self._part, ToolCall):
            self._grown = True
            self._delta({"toolUse": {"input": msgspec.Raw(text)}}, out)

    def _sign(self, signature: str, out: list[bytes]) -> None:
        part = self._part
        if not isinstance(part, Thinking):
            return  # only thinking is signed here; Gemini signs other parts too
        if part.redacted:
            self._signature += signature
        elif signature:
            self._delta({"reasoningContent": {"signature": signature}}, out)

    def _part_end(self, out: list[bytes]) -> None:
        part = self._part
        if self._signature:
            self._delta({"reasoningContent": {"redactedContent": redacted(self._signature)}}, out)
            self._signature = ""
        if isinstance(part, ToolCall) and not self._grown:
            self._arguments(_NO_ARGUMENTS, out)
        if self._written:
            out.append(encode(_STOP_HEAD, b'{"contentBlockIndex":%d}' % self._index))
            self._index += 1
        self._part = None
        self._words = self._written = self._grown = False

    def _stop(self, finished: Finished, out: list[bytes]) -> None:
        body: dict[str, object] = {
            "stopReason": stop_reason(finished.finish, tools=self._tools),
        }
        extra = extra_fields(finished.stop_sequence, self._echo)
        if extra is not None:
            body["additionalModelResponseFields"] = extra
        out.append(encode(_MESSAGE_STOP_HEAD, _ENCODER.encode(body)))

    def _end(self, out: list[bytes]) -> None:
        # How long the model took is not known here.
        body = {"usage": usage_object(self._usage), "metrics": {"latencyMs": 0}}
        out.append(encode(_METADATA_HEAD, _ENCODER.encode(body)))
        self._over = True

    def _fail(self, failure: Failure, out: list[bytes]) -> None:
        name, payload = write_exception(failure)
        out.append(encode(head("exception", name), payload))
        self._over = True
