"""Deltas -> the events of a streamed response.

Rule: events are numbered 0..n; items follow one another and each is added, grows and is done; the
last event repeats the whole response. Words are the provider's literals, kept as a list until they
are told once more when their part is done.
"""

from typing import Final

from dataplane.llm.hub.answer import Failure, Finish, TokenLogprob, Usage
from dataplane.llm.hub.custom import unwrapped
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
from dataplane.llm.hub.parts import Citation, Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.responses import forms, output
from dataplane.llm.translate.responses.errors import response_error
from dataplane.llm.translate.responses.response import Called, Shell, called, closing

_NUMBERS: Final = [b'%d,"delta":' % number for number in range(1024)]
"""Of most deltas there are."""
_EMPTY: Final = b'""'
_NOTHING_BEGUN: Final = Begin("", "")
_STOP: Final = Finish.STOP
_NO_TOOL: Final = Called("")


class StreamWriter:
    """One answer to a client."""

    content_type = "text/event-stream; charset=utf-8"

    def __init__(self, echo: Echo) -> None:
        self._answer_id = echo.answer_id.encode()
        self._shell = Shell(echo)
        self._request = echo.request
        self._begin = _NOTHING_BEGUN
        self._usage: Usage | None = None
        self._finish = _STOP
        self._refused = False
        self._over = False
        self._number = 0
        self._items: list[bytes] = []
        """Those that are done."""
        self._content: list[bytes] | None = None
        """Parts of the open message that are done; None when no message is open."""
        self._part: Part | None = None
        self._head: bytes | None = None
        """How a delta of the open part begins; None until there is something to say."""
        self._pieces: list[Literal] = []
        self._place = b""
        """The item (and part) that events are about, as fields."""
        self._tool = _NO_TOOL
        self._signature = ""
        self._due = ""
        """The signature of the words that were last."""
        self._open_id = b""
        """Of the open item, where somebody else has begun it."""
        self._citations: list[Citation] = []
        self._logprobs: list[TokenLogprob] = []

    def feed(self, deltas: list[Delta]) -> bytes:
        """Their bytes; none after the end."""
        out: list[bytes] = []
        for delta in deltas:
            if type(delta) is TextDelta or type(delta) is ArgumentsDelta:
                head = self._head
                if delta.choice or delta.text == _EMPTY:
                    continue
                if head is None or (type(delta) is TextDelta and delta.logprobs is not None):
                    self._grow(delta, out)
                    continue
                self._delta(head, delta.text, out)
                self._pieces.append(delta.text)
            elif type(delta) is TextRun:
                if not delta.choice:
                    self._run(delta.texts, out)
            elif not self._over:
                self._take(delta, out)
        return b"".join(out)

    def _run(self, texts: list[Literal], out: list[bytes]) -> None:
        """As many deltas of the open part."""
        head = self._head
        if head is None:
            self._grow(TextDelta(texts[0]), out)
            head = self._head
            texts = texts[1:]
        if head is None or not texts:
            return
        first, self._number = self._number, self._number + len(texts)
        numbers = _NUMBERS[first : self._number]
        if len(numbers) < len(texts):
            numbers = [b'%d,"delta":' % number for number in range(first, self._number)]
        events = [forms.TAIL + head] * (3 * len(texts))
        events[0] = head
        events[1::3] = numbers
        events[2::3] = texts
        out += events
        out.append(forms.TAIL)
        self._pieces += texts

    def _take(self, delta: Delta, out: list[bytes]) -> None:
        if type(delta) is UsageDelta:
            self._usage = delta.usage
        elif type(delta) is Begin:
            self._start(delta, out)
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
            self._finish = delta.finish
        elif type(delta) is SignatureDelta:
            self._signature += delta.signature
        elif type(delta) is CitationDelta:
            self._citations.append(delta.citation)

    def _event(self, begin: bytes, fields: bytes, out: list[bytes]) -> None:
        out.append(b"%b%d,%b}\n\n" % (begin, self._number, fields))
        self._number += 1

    def _delta(self, head: bytes, words: Literal, out: list[bytes]) -> None:
        out.append(b'%b%d,"delta":%b}\n\n' % (head, self._number, words))
        self._number += 1

    def _whole(
        self,
        status: bytes,
        usage: Usage | None = None,
        error: bytes = b"null",
        incomplete: bytes = b"null",
    ) -> bytes:
        """The response."""
        begin = self._begin
        return self._shell.written(
            status,
            self._items,
            begin.model,
            begin.created,
            begin.service_tier,
            usage,
            error,
            incomplete,
        )

    def _start(self, begin: Begin, out: list[bytes]) -> None:
        self._begin = begin
        self._usage = begin.usage
        fields = b'"response":' + self._whole(output.IN_PROGRESS)
        self._event(forms.CREATED, fields, out)
        self._event(forms.IN_PROGRESS, fields, out)

    def _id(self, prefix: bytes) -> bytes:
        return self._open_id or b"%b_%b_%d" % (prefix, self._answer_id, len(self._items))

    def _item_added(self, item: bytes, out: list[bytes]) -> None:
        fields = b'"output_index":%d,"item":%b' % (len(self._items), item)
        self._event(forms.ITEM_ADDED, fields, out)

    def _item_done(self, item: bytes, out: list[bytes]) -> None:
        fields = b'"output_index":%d,"item":%b' % (len(self._items), item)
        self._event(forms.ITEM_DONE, fields, out)
        self._items.append(item)
        self._open_id = b""

    def _part_begin(self, part: Part, out: list[bytes]) -> None:
        self._part = part
        self._head = None
        self._due = ""
        self._pieces = []
        self._citations = []
        self._logprobs = []
        self._signature = ""
        match part:
            case Text(text):
                if text:
                    self._grow(TextDelta(literal(text)), out)
                self._citations = list(part.citations)
                self._signature = part.signature
            case Refusal(text):
                self._refused = True
                self._grow(TextDelta(literal(text)), out)
            case Thinking(text, signature):
                self._message_done(out)
                self._grow(TextDelta(literal(text)), out)
                self._signature = signature
            case ToolCall():
                self._message_done(out)
                self._call_begin(part, out)
            case Media(kind="image") if part.data:
                self._message_done(out)
                item = output.image_item(self._id(b"ig"), part.data)
                self._item_added(item, out)
                self._item_done(item, out)
            case _:
                pass  # the provider's own tools at work, which the API has no item for

    def _grow(self, delta: TextDelta | ArgumentsDelta, out: list[bytes]) -> None:
        """The first words of a part, words of a custom call, or words with log probabilities."""
        words = delta.text
        if words == _EMPTY or self._over or self._part is None:
            return
        self._pieces.append(words)
        if isinstance(self._part, ToolCall):
            return  # they are unwrapped when they are all there
        if self._head is None:
            self._open(self._part, out)
        assert self._head is not None
        head = self._head
        if type(delta) is TextDelta and delta.logprobs is not None and type(self._part) is Text:
            self._logprobs += delta.logprobs
            told = output.logprobs_json(delta.logprobs, whole=False)
            head = head.replace(b'"logprobs":[]', b'"logprobs":%b' % told, 1)
        self._delta(head, words, out)

    def _open(self, part: Part, out: list[bytes]) -> None:
        """Begin what the words of this part go into."""
        at = len(self._items)
        if isinstance(part, Thinking):
            item_id = self._reasoning_added(out)
            self._place = b'"item_id":"%b","output_index":%d,"summary_index":0' % (item_id, at)
            self._part_told(forms.SUMMARY_ADDED, output.summary_part(_EMPTY), out)
            self._head = self._headed(b"reasoning_summary_text.delta", self._place)
            return
        if self._content is None:
            self._content = []
            item = output.message_item(self._id(b"msg"), output.IN_PROGRESS, [])
            self._item_added(item, out)
        place = (self._id(b"msg"), at, len(self._content))
        self._place = b'"item_id":"%b","output_index":%d,"content_index":%d' % place
        if isinstance(part, Refusal):
            added = output.refusal_part(_EMPTY)
            self._head = self._headed(b"refusal.delta", self._place)
        else:
            added = forms.WORDLESS
            self._head = self._headed(b"output_text.delta", self._place + b',"logprobs":[]')
        self._part_told(forms.PART_ADDED, added, out)

    def _part_told(self, begin: bytes, part: bytes, out: list[bytes]) -> None:
        self._event(begin, b'%b,"part":%b' % (self._place, part), out)

    def _headed(self, name: bytes, fields: bytes) -> bytes:
        return b'event: response.%b\ndata: {"type":"response.%b",%b,"sequence_number":' % (
            name,
            name,
            fields,
        )

    def _reasoning_added(self, out: list[bytes]) -> bytes:
        item_id = self._id(b"rs")
        self._item_added(output.reasoning_item(item_id, [], ""), out)
        return item_id

    def _call_begin(self, call: ToolCall, out: list[bytes]) -> None:
        self._sign(call.signature, out)
        tool = self._tool = called(self._request, call.name)
        custom = call.custom or tool.custom
        item_id = self._id(b"ctc" if custom else b"fc")
        self._place = b'"item_id":"%b","output_index":%d' % (item_id, len(self._items))
        self._item_added(self._call(call, output.IN_PROGRESS, _EMPTY), out)
        if call.custom:
            self._head = self._headed(b"custom_tool_call_input.delta", self._place)
        elif not custom:
            self._head = self._headed(b"function_call_arguments.delta", self._place)
        if call.arguments:
            out.append(self.feed([ArgumentsDelta(literal(call.arguments))]))

    def _call(self, call: ToolCall, status: bytes, words: Literal) -> bytes:
        tool = self._tool
        if call.custom or tool.custom:
            return output.custom_item(self._id(b"ctc"), call.id, tool.name, tool.namespace, words)
        return output.function_item(
            self._id(b"fc"), status, call.id, tool.name, tool.namespace, words
        )

    def _part_end(self, out: list[bytes]) -> None:
        part = self._part
        match part:
            case Text() | Refusal():
                if self._head is not None:
                    self._words_done(part, out)
                self._due = self._signature
            case Thinking():
                self._thinking_done(part, out)
            case ToolCall():
                self._call_done(part, out)
            case _:
                pass
        self._part = None
        self._head = None

    def _words_done(self, part: Text | Refusal, out: list[bytes]) -> None:
        assert self._content is not None
        words = join(self._pieces)
        if isinstance(part, Refusal):
            self._event(forms.REFUSAL_DONE, b'%b,"refusal":%b' % (self._place, words), out)
            whole = output.refusal_part(words)
        else:
            noted = self._cite(words, out)
            likely = output.logprobs_json(self._logprobs, whole=False)
            fields = b'%b,"text":%b,"logprobs":%b' % (self._place, words, likely)
            self._event(forms.TEXT_DONE, fields, out)
            likely = output.logprobs_json(self._logprobs, whole=True)
            whole = output.text_part(words, noted, likely)
        self._part_told(forms.PART_DONE, whole, out)
        self._content.append(whole)

    def _cite(self, words: Literal, out: list[bytes]) -> bytes:
        """Citations are told when all words are there: many cite the whole text."""
        if not self._citations:
            return b"[]"
        noted = output.annotations(self._citations, len(text_of(words)))
        for number, citation in enumerate(noted):
            fields = b'%b,"annotation_index":%d,"annotation":%b' % (self._place, number, citation)
            self._event(forms.NOTED, fields, out)
        return b"[%b]" % b",".join(noted)

    def _thinking_done(self, part: Thinking, out: list[bytes]) -> None:
        summary: list[bytes] = [] if part.redacted else [output.summary_part(_EMPTY)]
        if self._head is not None:
            words = join(self._pieces)
            summary = [output.summary_part(words)]
            self._event(forms.SUMMARY_TEXT_DONE, b'%b,"text":%b' % (self._place, words), out)
            self._part_told(forms.SUMMARY_DONE, summary[0], out)
        elif self._signature:
            self._reasoning_added(out)
        else:
            return
        self._item_done(output.reasoning_item(self._id(b"rs"), summary, self._signature), out)

    def _call_done(self, call: ToolCall, out: list[bytes]) -> None:
        words = join(self._pieces)
        custom = call.custom or self._tool.custom
        if custom and not call.custom:
            words = literal(unwrapped(text_of(words)))
            self._head = self._headed(b"custom_tool_call_input.delta", self._place)
            self._pieces = []
        elif words == _EMPTY and not custom:
            words = b'"{}"'
        if not self._pieces and words != _EMPTY:
            assert self._head is not None
            self._delta(self._head, words, out)
        if custom:
            self._event(forms.CUSTOM_DONE, b'%b,"input":%b' % (self._place, words), out)
        else:
            self._event(forms.CALL_DONE, b'%b,"arguments":%b' % (self._place, words), out)
        self._item_done(self._call(call, output.COMPLETED, words), out)

    def _sign(self, signature: str, out: list[bytes]) -> None:
        """Calls have no field for one, and words neither: an item without words carries it, before
        the call or after the last words.
        """
        if signature:
            self._reasoning_added(out)
            self._item_done(output.reasoning_item(self._id(b"rs"), [], signature), out)

    def _message_done(self, out: list[bytes], status: bytes = output.COMPLETED) -> None:
        if self._content is not None:
            item = output.message_item(self._id(b"msg"), status, self._content)
            self._content = None
            self._item_done(item, out)

    def _end(self, out: list[bytes]) -> None:
        if self._part is not None:
            self._part_end(out)
        status, incomplete = closing(self._finish, refused=self._refused)
        whole = status == output.COMPLETED
        self._message_done(out, output.COMPLETED if whole else output.INCOMPLETE)
        self._sign(self._due, out)
        error = output.FAILED if status == b"failed" else b"null"
        told = self._whole(status, self._usage, error, incomplete)
        self._event(forms.ENDS[status], b'"response":' + told, out)
        self._over = True

    def _fail(self, failure: Failure, out: list[bytes]) -> None:
        whole = self._whole(b"failed", self._usage, response_error(failure))
        self._event(forms.ENDS[b"failed"], b'"response":' + whole, out)
        self._over = True
        self._part = self._head = None
