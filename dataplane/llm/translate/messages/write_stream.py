"""Deltas -> the events of a streamed message.

Rule: one message_start, blocks numbered 0..n one after another, one message_delta with the truth
about usage, one message_stop. A text that stays empty is no block.
"""

from typing import Final

import msgspec

from dataplane.llm.hub.answer import Failure, Finish, Usage
from dataplane.llm.hub.custom import wrapped
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
from dataplane.llm.hub.literals import Literal, join, literal, text_of
from dataplane.llm.hub.parts import Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.messages.citations import write_citation
from dataplane.llm.translate.messages.errors import write_error
from dataplane.llm.translate.messages.write_answer import (
    delta_usage_json,
    message,
    message_id,
    stop,
    usage_json,
    whole_block,
)

_EVENT: Final = b"event: %b\ndata: %b\n\n"
_BLOCK_DELTA: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"%b","%b":%b}}\n\n'
)
_TEXT_HEAD: Final = (
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
    b'"delta":{"type":"text_delta","text":'
)
_TEXT_TAIL: Final = b"}}\n\n"
_TEXT: Final = _TEXT_HEAD + b"%b" + _TEXT_TAIL
_BLOCK_START: Final = (
    b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,'
    b'"content_block":%b}\n\n'
)
_BLOCK_STOP: Final = (
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
)
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_EMPTY: Final = b'""'
_ENCODER: Final = msgspec.json.Encoder()


class StreamWriter:
    """One answer to a client."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, echo: Echo) -> None:
        self._echo = echo
        self._over = False
        self._index = 0
        self._part: Part | None = None
        self._text = False
        """The open part is a text whose block has begun."""
        self._started = False
        self._tools = False
        self._refused = False
        self._custom: list[Literal] = []
        self._usage = Usage()
        self._finished = Finished(Finish.STOP)

    def feed(self, deltas: list[Delta]) -> bytes:
        """Their bytes; none after the end."""
        out: list[bytes] = []
        for delta in deltas:
            if type(delta) is TextDelta:
                if delta.choice:
                    continue
                if self._text:
                    out.append(_TEXT % (self._index, delta.text))
                else:
                    self._grow(delta.text, out)
            elif type(delta) is TextRun:
                if not delta.choice:
                    self._run(delta.texts, out)
            elif self._over:
                break
            else:
                self._take(delta, out)
        return b"".join(out)

    def _take(self, delta: Delta, out: list[bytes]) -> None:
        # Structs are asked for their type: isinstance and match cost three times as much.
        if type(delta) is UsageDelta:
            self._usage = delta.usage
        elif type(delta) is Begin:
            self._begin(delta, out)
        elif type(delta) is End:
            self._end(out)
        elif type(delta) is Failed:
            self._fail(delta.failure, out)
        elif getattr(delta, "choice", 0):
            pass  # the API has one choice; `n` was refused
        elif type(delta) is PartBegin:
            self._part_begin(delta.part, out)
        elif type(delta) is PartEnd:
            self._part_end(out)
        elif type(delta) is Finished:
            self._finished = delta
        elif type(delta) is ArgumentsDelta:
            self._arguments(delta.text, out)
        elif type(delta) is SignatureDelta:
            self._sign(delta.signature, out)
        elif type(delta) is CitationDelta:
            self._cite(_ENCODER.encode(write_citation(delta.citation)), out)

    def _begin(self, begin: Begin, out: list[bytes]) -> None:
        if begin.usage is not None:
            self._usage = begin.usage
        body = message(
            message_id(begin.id, self._echo),
            begin.model or self._echo.request.model,
            [],
            usage=usage_json(self._usage, begin.service_tier),
        )
        out.append(_event(b"message_start", {"type": "message_start", "message": body}))

    def _part_begin(self, part: Part, out: list[bytes]) -> None:
        self._part = part
        match part:
            case Text(text) | Refusal(text):
                self._refused = self._refused or isinstance(part, Refusal)
                if text:
                    self._grow(literal(text), out)
            case Thinking(redacted=True):
                pass  # the data may still come
            case Thinking(text, signature):
                if text:
                    self._grow(literal(text), out)
                if signature:
                    self._sign(signature, out)
            case ToolCall(arguments=arguments):
                self._tools = True
                self._custom.clear()
                block = whole_block(ToolCall(part.id, part.name, "{}", signature=part.signature))
                self._start(block, out)
                if arguments:
                    self._arguments(literal(arguments), out)
            case _:
                block = whole_block(part)
                if block is not None:
                    self._start(block, out)

    def _start(self, block: object, out: list[bytes]) -> None:
        self._started = True
        out.append(_BLOCK_START % (self._index, _ENCODER.encode(block)))

    def _start_text(self, out: list[bytes]) -> None:
        if not self._started:
            self._text = True
            self._start({"type": "text", "text": "", "citations": []}, out)

    def _start_thinking(self, out: list[bytes]) -> None:
        if not self._started:
            self._start({"type": "thinking", "thinking": "", "signature": ""}, out)

    def _grow(self, text: Literal, out: list[bytes]) -> None:
        if text == _EMPTY or self._over:
            return
        if isinstance(self._part, Thinking):
            self._start_thinking(out)
            out.append(_BLOCK_DELTA % (self._index, b"thinking_delta", b"thinking", text))
        elif self._part is not None:
            self._start_text(out)
            out.append(_TEXT % (self._index, text))

    def _run(self, texts: list[Literal], out: list[bytes]) -> None:
        """As _grow, for many at once."""
        if not self._text:
            self._grow(texts[0], out)
            texts = texts[1:]
        if self._text:
            before = _TEXT_HEAD % self._index
            out += (before, (_TEXT_TAIL + before).join(texts), _TEXT_TAIL) if texts else ()
        else:
            for text in texts:
                self._grow(text, out)

    def _arguments(self, text: Literal, out: list[bytes]) -> None:
        if text == _EMPTY or not isinstance(self._part, ToolCall):
            return
        if self._part.custom:
            self._custom.append(text)
            return
        out.append(_BLOCK_DELTA % (self._index, b"input_json_delta", b"partial_json", text))

    def _sign(self, signature: str, out: list[bytes]) -> None:
        part = self._part
        if not isinstance(part, Thinking):
            return  # only thinking is signed here; Gemini signs other parts too
        if part.redacted:
            part.signature += signature
            return
        self._start_thinking(out)
        words = literal(signature)
        out.append(_BLOCK_DELTA % (self._index, b"signature_delta", b"signature", words))

    def _cite(self, citation: bytes, out: list[bytes]) -> None:
        if isinstance(self._part, Text):
            self._start_text(out)
            out.append(_BLOCK_DELTA % (self._index, b"citations_delta", b"citation", citation))

    def _part_end(self, out: list[bytes]) -> None:
        part = self._part
        if isinstance(part, Thinking) and part.redacted and part.signature:
            self._start(whole_block(part), out)
        if isinstance(part, ToolCall) and part.custom:
            words = literal(wrapped(text_of(join(self._custom))))
            out.append(_BLOCK_DELTA % (self._index, b"input_json_delta", b"partial_json", words))
        if self._started:
            out.append(_BLOCK_STOP % self._index)
            self._index += 1
        self._part = None
        self._text = self._started = False

    def _end(self, out: list[bytes]) -> None:
        if self._part is not None:
            self._part_end(out)
        finished = self._finished
        delta = stop(
            finished.finish, finished.stop_sequence, tools=self._tools, refused=self._refused
        )
        delta["container"] = None
        told = msgspec.Raw(delta_usage_json(self._usage))
        out.append(
            _event(b"message_delta", {"type": "message_delta", "delta": delta, "usage": told})
        )
        out.append(_MESSAGE_STOP)
        self._over = True

    def _fail(self, failure: Failure, out: list[bytes]) -> None:
        out.append(_EVENT % (b"error", write_error(failure)))
        self._over = True


def _event(name: bytes, body: object) -> bytes:
    return _EVENT % (name, _ENCODER.encode(body))
