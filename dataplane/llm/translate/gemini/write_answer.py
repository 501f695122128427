"""Answer -> a GenerateContentResponse."""

from typing import Any

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, TokenLogprob, Usage
from dataplane.llm.hub.custom import wrapped
from dataplane.llm.hub.parts import Citation, Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.gemini.arguments import object_of
from dataplane.llm.translate.gemini.citations import write_grounding
from dataplane.llm.translate.gemini.media import write_media
from dataplane.llm.translate.gemini.signature import to_wire
from dataplane.llm.translate.gemini.wire import FINISH_REASONS

_ENCODER = msgspec.json.Encoder()


def write_answer(answer: Answer, echo: Echo) -> bytes:
    """The body for a Gemini client."""
    body: dict[str, Any] = {
        "candidates": [_candidate(choice, at) for at, choice in enumerate(answer.choices)]
    }
    if answer.usage is not None:
        body["usageMetadata"] = usage_object(answer.usage)
    body["modelVersion"] = answer.model or echo.request.model
    body["responseId"] = answer.id or echo.answer_id
    return _ENCODER.encode(body)


def _candidate(choice: Choice, at: int) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    cited: list[tuple[int, str, list[Citation]]] = []
    for part in choice.parts:
        written = part_object(part)
        if written is None:
            continue
        if isinstance(part, Text) and part.citations:
            cited.append((len(parts), part.text, part.citations))
        parts.append(written)
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    if choice.finish is not None:
        candidate["finishReason"] = FINISH_REASONS[choice.finish]
    candidate["index"] = at
    grounding = write_grounding(cited)
    if grounding is not None:
        candidate["groundingMetadata"] = grounding
    if choice.logprobs:
        candidate["logprobsResult"] = logprobs_object(choice.logprobs)
    return candidate


def part_object(part: Part) -> dict[str, Any] | None:
    """A part; None for what a Gemini client knows no form of."""
    match part:
        case Text(text) | Refusal(text):
            return {"text": text}
        case Thinking():
            return thought_object(part)
        case ToolCall():
            return call_object(part)
        case Media():
            return write_media(part)
        case _:
            return None


def thought_object(part: Thinking) -> dict[str, Any]:
    """A thought, signed so that it can be taken back."""
    signature = to_wire(part)
    # An empty text makes chats of google-genai 1.x forget the turn.
    written: dict[str, Any] = {"text": part.text} if part.text or not signature else {}
    written["thought"] = True
    if signature:
        written["thoughtSignature"] = signature
    return written


def call_object(call: ToolCall) -> dict[str, Any]:
    """A call, which comes whole in this protocol."""
    arguments = wrapped(call.arguments) if call.custom else call.arguments
    called = {"id": call.id, "name": call.name, "args": object_of(arguments)}
    return {"functionCall": called}


def usage_object(usage: Usage) -> dict[str, Any]:
    """`usageMetadata`: thoughts are counted apart."""
    told: dict[str, Any] = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": max(usage.output - usage.reasoning, 0),
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.cache_read:
        told["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        told["thoughtsTokenCount"] = usage.reasoning
    for name, audio in (
        ("promptTokensDetails", usage.input_audio),
        ("candidatesTokensDetails", usage.output_audio),
    ):
        if audio:
            told[name] = [{"modality": "AUDIO", "tokenCount": audio}]
    return told


def logprobs_object(tokens: list[TokenLogprob]) -> dict[str, Any]:
    """`logprobsResult`."""
    told: dict[str, Any] = {"chosenCandidates": [_likely(token) for token in tokens]}
    if any(token.top for token in tokens):
        told["topCandidates"] = [
            {"candidates": [_likely(one) for one in token.top]} for token in tokens
        ]
    return told


def _likely(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.token, "logProbability": token.logprob}
