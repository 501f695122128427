"""A provider's stream (`alt=sse`: every event is a GenerateContentResponse) -> deltas.

Google sends no closing event: the stream is whole when it ends after every candidate has told why
it finished.
"""

import msgspec

from dataplane.llm.hub.answer import Failure, Finish, TokenLogprob
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
    UsageDelta,
)
from dataplane.llm.hub.literals import Literal, join, literal, text_of
from dataplane.llm.hub.parts import Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.seal import seal
from dataplane.llm.sse import SseDecoder, SseError
from dataplane.llm.translate.gemini.citations import read_citations
from dataplane.llm.translate.gemini.errors import streamed_failure
from dataplane.llm.translate.gemini.read_answer import (
    blocked,
    call_of,
    created_of,
    finish_of,
    salt_of,
    whole_parts,
)
from dataplane.llm.translate.gemini.wire import (
    ABSENT,
    RESPONSE,
    Call,
    Candidate,
    Response,
    WirePart,
    counted,
)
from dataplane.runtime.protocols import Protocol

MAX_EVENT_BYTES = 32 << 20  # a picture comes whole in one event; the API's own limit is 20 MB
_EMPTY = b'""'


class _Choice:
    """One candidate's state: which part is open, and what was said so far."""

    __slots__ = (
        "at",
        "calls",
        "cited",
        "finished",
        "grounding",
        "opened",
        "signed",
        "words",
    )

    def __init__(self, at: int) -> None:
        self.at = at
        self.opened = ""
        """"text" or "thinking", while one of them grows."""
        self.calls = 0
        self.finished = False
        self.signed = False
        """The open part has its signature."""
        self.words: list[Literal] = []
        """Of all texts: metadata counts their bytes."""
        self.grounding = ABSENT
        self.cited = ABSENT


class GeminiStreamReader:
    """A fold: bytes of a stream -> deltas. Text is handed on as the provider wrote it."""

    def __init__(self) -> None:
        self._events = SseDecoder(MAX_EVENT_BYTES)
        self._choices: dict[int, _Choice] = {}
        self._usage = ABSENT
        self._salt = ""
        self._begun = False
        self._over = False

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas that `chunk` completes; nothing comes after a Failed."""
        if self._over:
            return []
        out: list[Delta] = []
        try:
            for event in self._events.feed(chunk):
                self._take(event.data, out)
                if self._over:
                    break
        except SseError as problem:
            self._fail(out, f"The provider's stream is not as it should be: {problem}.")
        return out

    def finish(self) -> list[Delta]:
        """The bytes have ended: End, if every candidate was finished."""
        if not self.has_all():
            return []
        self._over = True
        try:
            usage = counted(self._usage)
        except (ValueError, RecursionError):
            usage = None
        return [*([UsageDelta(usage)] if usage is not None else ()), End()]

    def has_all(self) -> bool:
        """See StreamReader."""
        choices = self._choices
        return not self._over and bool(choices) and all(one.finished for one in choices.values())

    def _take(self, data: bytes, out: list[Delta]) -> None:
        try:
            wire = RESPONSE.decode(data)
        except (ValueError, RecursionError) as problem:
            self._fail(out, f"An event of the provider's stream cannot be read: {problem}.")
            return
        if wire.error and bytes(wire.error) != b"null":
            self._over = True
            out.append(Failed(streamed_failure(wire.error)))
            return
        if not self._begun:
            self._begin(wire, data, out)
        if wire.usage_metadata:
            self._usage = wire.usage_metadata
        for number, candidate in enumerate(wire.candidates or ()):
            at = candidate.index if candidate.index is not None else number
            choice = self._choices.get(at)
            if choice is None:
                choice = self._choices[at] = _Choice(at)
            self._candidate(candidate, choice, out)
            if self._over:
                return
        feedback = wire.prompt_feedback
        if feedback is not None and feedback.block_reason and not self._choices:
            choice = self._choices[0] = _Choice(0)
            for part in blocked(feedback):
                if isinstance(part, Refusal):
                    out += [PartBegin(Refusal("")), TextDelta(literal(part.text)), PartEnd()]
            choice.finished = True
            out.append(Finished(Finish.CONTENT_FILTER))

    def _begin(self, wire: Response, data: bytes, out: list[Delta]) -> None:
        self._begun = True
        self._salt = salt_of(wire.response_id, data)
        out.append(
            Begin(wire.response_id or "", wire.model_version or "", created_of(wire.create_time))
        )

    def _candidate(self, candidate: Candidate, choice: _Choice, out: list[Delta]) -> None:
        logprobs = candidate.logprobs_result
        tokens = logprobs.read() if logprobs is not None else None
        content = candidate.content
        if content is not None and content.parts:
            for part in content.parts:
                tokens = self._part(part, choice, tokens, out)
                if self._over:
                    return
        if tokens and choice.opened == "text":
            out.append(TextDelta(_EMPTY, choice.at, tokens))
        if candidate.grounding_metadata:
            choice.grounding = msgspec.Raw(bytes(candidate.grounding_metadata))
        if candidate.citation_metadata:
            choice.cited = msgspec.Raw(bytes(candidate.citation_metadata))
        if candidate.finish_reason and not choice.finished:
            self._close(choice, out)
            choice.finished = True
            out.append(Finished(finish_of(candidate.finish_reason, bool(choice.calls)), choice.at))

    def _part(
        self,
        part: WirePart,
        choice: _Choice,
        tokens: list[TokenLogprob] | None,
        out: list[Delta],
    ) -> list[TokenLogprob] | None:
        """Gives back the logprobs that no text has taken yet."""
        text = bytes(part.text)
        if text[:1] == b'"':
            if text != _EMPTY:
                if choice.finished:
                    self._fail(out, "The provider went on after it had finished.")
                    return None
                self._open("thinking" if part.thought else "text", choice, out)
                if part.thought:
                    out.append(TextDelta(text, choice.at))
                else:
                    choice.words.append(text)
                    out.append(TextDelta(text, choice.at, tokens))
                    tokens = None
            if part.thought_signature:
                self._sign(part.thought_signature, choice, out)
            return tokens
        if part.function_call is not None:
            if choice.finished:
                self._fail(out, "The provider called a tool after it had finished.")
                return None
            self._call(part.function_call, part.thought_signature or "", choice, out)
            return tokens
        for whole in whole_parts(part):
            if choice.finished:
                self._fail(out, "The provider went on after it had finished.")
                return None
            self._close(choice, out)
            out += [PartBegin(whole, choice.at), PartEnd(choice.at)]
        return tokens

    def _sign(self, signature: str, choice: _Choice, out: list[Delta]) -> None:
        """The signature of what is open; without that it advises only and has no place."""
        if choice.opened and not choice.signed:
            choice.signed = True
            out.append(SignatureDelta(seal(Protocol.GEMINI, signature), choice.at))

    def _call(self, call: Call, signature: str, choice: _Choice, out: list[Delta]) -> None:
        if signature:
            # Elsewhere calls have no field for it: it travels in the thinking before the call.
            if choice.opened == "thinking" and not choice.signed:
                self._sign(signature, choice, out)
            else:
                self._close(choice, out)
                thinking = Thinking(signature=seal(Protocol.GEMINI, signature), redacted=True)
                out += [PartBegin(thinking, choice.at), PartEnd(choice.at)]
        self._close(choice, out)
        made = call_of(call, f"{self._salt}_{choice.at}_{choice.calls}")
        choice.calls += 1
        out += [
            PartBegin(ToolCall(made.id, made.name, ""), choice.at),
            ArgumentsDelta(literal(made.arguments), choice.at),
            PartEnd(choice.at),
        ]

    def _open(self, kind: str, choice: _Choice, out: list[Delta]) -> None:
        if choice.opened == kind:
            return
        self._close(choice, out)
        choice.opened = kind
        choice.signed = False
        out.append(PartBegin(Text("") if kind == "text" else Thinking(), choice.at))

    def _close(self, choice: _Choice, out: list[Delta]) -> None:
        if not choice.opened:
            return
        if choice.opened == "text" and (choice.grounding or choice.cited):
            texts = {0: text_of(join(choice.words))}
            found = read_citations(choice.grounding, choice.cited, texts)
            out += [CitationDelta(one, choice.at) for one in found]
            choice.grounding = choice.cited = ABSENT
        choice.opened = ""
        out.append(PartEnd(choice.at))

    def _fail(self, out: list[Delta], message: str) -> None:
        self._over = True
        out.append(Failed(Failure(502, message, "server", "upstream_protocol_error")))
