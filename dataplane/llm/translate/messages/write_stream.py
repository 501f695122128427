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
    message_id,
    stop,
    usage_json,
    whole_block,
)

# (compiled, a template costs a fourth where it stands as a literal before its `%`)
_TEXT_TAIL: Final = b"}}\n\n"
_NO_WORDS: Final = b'{"type":"text","text":"","citations":[]}'
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
        self._text_head = b""
        """How a delta of it begins."""
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
                    out += (self._text_head, delta.text, _TEXT_TAIL)
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
        out.append(
            b'event: message_start\ndata: {"type":"message_start","message":{"id":%b,'
            b'"type":"message","role":"assistant","model":%b,"content":[],"stop_reason":null,'
            b'"stop_sequence":null,"stop_details":null,"container":null,"usage":%b}}\n\n'
            % (
                literal(message_id(begin.id, self._echo)),
                literal(begin.model or self._echo.request.model),
                usage_json(self._usage, begin.service_tier),
            )
        )

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
        self._start_block(_ENCODER.encode(block), out)

    def _start_block(self, block: bytes, out: list[bytes]) -> None:
        self._started = True
        out.append(
            b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,'
            b'"content_block":%b}\n\n' % (self._index, block)
        )

    def _delta(self, kind: bytes, field: bytes, value: bytes, out: list[bytes]) -> None:
        out.append(
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"%b","%b":%b}}\n\n' % (self._index, kind, field, value)
        )

    def _start_text(self, out: list[bytes]) -> None:
        if not self._started:
            self._text_begins()
            self._start_block(_NO_WORDS, out)

    def _text_begins(self) -> None:
        self._text = True
        self._text_head = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":' % self._index
        )

    def _start_thinking(self, out: list[bytes]) -> None:
        if not self._started:
            self._start({"type": "thinking", "thinking": "", "signature": ""}, out)

    def _grow(self, text: Literal, out: list[bytes]) -> None:
        if text == _EMPTY or self._over:
            return
        if isinstance(self._part, Thinking):
            self._start_thinking(out)
            self._delta(b"thinking_delta", b"thinking", text, out)
        elif self._part is not None:
            self._start_text(out)
            out += (self._text_head, text, _TEXT_TAIL)

    def _run(self, texts: list[Literal], out: list[bytes]) -> None:
        """As _grow, for many at once."""
        if not self._text:
            self._grow(texts[0], out)
            texts = texts[1:]
        if self._text:
            before = self._text_head
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
        self._delta(b"input_json_delta", b"partial_json", text, out)

    def _sign(self, signature: str, out: list[bytes]) -> None:
        part = self._part
        if not isinstance(part, Thinking):
            return  # only thinking is signed here; Gemini signs other parts too
        if part.redacted:
            part.signature += signature
            return
        self._start_thinking(out)
        self._delta(b"signature_delta", b"signature", literal(signature), out)

    def _cite(self, citation: bytes, out: list[bytes]) -> None:
        if isinstance(self._part, Text):
            self._start_text(out)
            self._delta(b"citations_delta", b"citation", citation, out)

    def _part_end(self, out: list[bytes]) -> None:
        part = self._part
        if isinstance(part, Thinking) and part.redacted and part.signature:
            self._start(whole_block(part), out)
        if isinstance(part, ToolCall) and part.custom:
            words = literal(wrapped(text_of(join(self._custom))))
            self._delta(b"input_json_delta", b"partial_json", words, out)
        if self._started:
            out.append(
                b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
                % self._index
            )
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
        out.append(
            b'event: message_delta\ndata: {"type":"message_delta","delta":%b,"usage":%b}\n\n'
            % (_ENCODER.encode(delta), delta_usage_json(self._usage))
        )
        out.append(_MESSAGE_STOP)
        self._over = True

    def _fail(self, failure: Failure, out: list[bytes]) -> None:
        out.append(b"event: error\ndata: %b\n\n" % write_error(failure))
        self._over = True
