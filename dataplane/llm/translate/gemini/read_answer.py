"""A GenerateContentResponse -> Answer."""

from datetime import datetime
from zlib import crc32

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Finish, Unreadable
from dataplane.llm.hub.literals import text_of
from dataplane.llm.hub.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.seal import seal
from dataplane.llm.translate.gemini.arguments import arguments_of
from dataplane.llm.translate.gemini.citations import read_citations
from dataplane.llm.translate.gemini.errors import streamed_failure
from dataplane.llm.translate.gemini.media import kind_of
from dataplane.llm.translate.gemini.signature import standard_base64
from dataplane.llm.translate.gemini.wire import (
    FINISHES,
    RESPONSE,
    Call,
    Candidate,
    Feedback,
    WirePart,
    counted,
)
from dataplane.runtime.protocols import Protocol

_ENCODER = msgspec.json.Encoder()
_NATIVES = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")


def read_answer(body: bytes) -> Answer | Unreadable:
    """The body of a 2xx answer. An error in it is no answer."""
    try:
        body.decode()
        wire = RESPONSE.decode(body)
        if wire.error and bytes(wire.error) != b"null":
            return Unreadable(f"it carries an error: {streamed_failure(wire.error).message}")
        usage = counted(wire.usage_metadata)
        salt = salt_of(wire.response_id, body)
        feedback = wire.prompt_feedback
        if wire.candidates:
            choices = [_choice(one, salt, at) for at, one in enumerate(_sorted(wire.candidates))]
        elif feedback is not None and feedback.block_reason:
            choices = [Choice(blocked(feedback), Finish.CONTENT_FILTER)]
        else:
            return Unreadable("it has no candidates")
    except msgspec.ValidationError as problem:
        return Unreadable(f"it is not a GenerateContentResponse: {problem}")
    except (ValueError, RecursionError):
        return Unreadable("it is not JSON")
    return Answer(
        wire.response_id or "",
        wire.model_version or "",
        choices,
        usage,
        created_of(wire.create_time),
    )


def _sorted(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda one: one.index or 0)


def _choice(candidate: Candidate, salt: str, at: int) -> Choice:
    parts: list[Part] = []
    texts: dict[int, str] = {}
    calls = 0
    wire = candidate.content.parts if candidate.content is not None else None
    for number, one in enumerate(wire or ()):
        last = parts[-1] if parts else None
        signature = seal(Protocol.GEMINI, one.thought_signature or "")
        if one.function_call is not None:
            if signature:
                _carry(parts, signature)
            parts.append(call_of(one.function_call, f"{salt}_{at}_{calls}"))
            calls += 1
        elif bytes(one.text)[:1] == b'"':
            text = text_of(bytes(one.text))
            if one.thought:
                if isinstance(last, Thinking) and not last.redacted:
                    last.text += text
                    last.signature = signature or last.signature
                else:
                    parts.append(Thinking(text, signature, redacted=not text))
                continue
            texts[number] = text
            if isinstance(last, Text):
                last.text += text
                last.signature = signature or last.signature
            elif text or signature:
                parts.append(Text(text, signature=signature))
        else:
            parts += whole_parts(one)
    _cite(candidate, parts, texts)
    finish = finish_of(candidate.finish_reason, bool(calls))
    logprobs = candidate.logprobs_result
    return Choice(parts, finish, logprobs=logprobs.read() if logprobs is not None else None)


def _carry(parts: list[Part], signature: str) -> None:
    """A call's signature travels in the thinking before it: elsewhere calls have no field."""
    last = parts[-1] if parts else None
    if isinstance(last, Thinking) and not last.signature:
        last.signature = signature
    else:
        parts.append(Thinking(signature=signature, redacted=True))


def _cite(candidate: Candidate, parts: list[Part], texts: dict[int, str]) -> None:
    text = next((part for part in parts if isinstance(part, Text)), None)
    if text is not None:
        text.citations = read_citations(
            candidate.grounding_metadata, candidate.citation_metadata, texts
        )


def call_of(call: Call, salt: str) -> ToolCall:
    """A call; one without an id gets one that is unique in its conversation."""
    return ToolCall(call.id or f"call_{salt}", call.name, arguments_of(call.args))


def whole_parts(part: WirePart) -> list[Part]:
    """What does not grow: pictures, files, and what only this protocol knows."""
    if part.inline_data is not None:
        blob = part.inline_data
        data = standard_base64(blob.data)
        return [Media(kind_of(blob.mime_type), blob.mime_type, data=data)]
    if part.file_data is not None:
        file = part.file_data
        return [Media(kind_of(file.mime_type), file.mime_type, url=file.file_uri)]
    raws = (part.executable_code, part.code_execution_result, part.tool_call, part.tool_response)
    return [
        Native(Protocol.GEMINI, name, msgspec.Raw(_ENCODER.encode({name: raw})))
        for name, raw in zip(_NATIVES, raws, strict=True)
        if raw and bytes(raw) != b"null"
    ]


def blocked(feedback: Feedback) -> list[Part]:
    """What there is to say about a prompt that was blocked."""
    message = feedback.block_reason_message
    return [Refusal(message)] if message else []


def finish_of(reason: str | None, called: bool) -> Finish:
    """Why the model stopped; Gemini says STOP for calls too."""
    finish = FINISHES.get(reason or "STOP", Finish.ERROR)
    return Finish.TOOL_CALLS if called and finish is Finish.STOP else finish


def salt_of(response_id: str | None, body: bytes) -> str:
    """What makes the ids of this answer's calls unlike those of others."""
    plain = "".join(one for one in response_id or "" if one.isascii() and one.isalnum())
    return plain[:24] or f"{crc32(body):08x}"


def created_of(told: str | None) -> int:
    """Unix seconds of "2026-11-22T10:00:00.123Z"; 0 when it is no time."""
    try:
        return int(datetime.fromisoformat(told).timestamp()) if told else 0
    except (ValueError, OverflowError):
        return 0
