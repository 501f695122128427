"""Answer -> the chat completion that a client gets."""

from typing import Any, Final

import msgspec

from dataplane.llm.hub.answer import Answer, Choice, Finish, Usage
from dataplane.llm.hub.custom import unwrapped
from dataplane.llm.hub.namespaces import defines_custom
from dataplane.llm.hub.parts import Media, Refusal, Text, Thinking, ToolCall
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.chat.wire import (
    REASONS,
    annotation_json,
    logprobs_json,
)
from dataplane.llm.translate.codec import Echo

_ENCODER: Final = msgspec.json.Encoder()
_STOP: Final = Finish.STOP
_REFUSAL: Final = Finish.REFUSAL


def write_answer(answer: Answer, echo: Echo) -> bytes:
    """The body. Thinking is told as `reasoning_content`, signed thinking in `reasoning_details`."""
    body: dict[str, Any] = {
        "id": answer.id or f"chatcmpl-{echo.answer_id}",
        "object": "chat.completion",
        "created": answer.created or echo.created,
        "model": answer.model or echo.request.model,
        "choices": [_choice(number, choice, echo) for number, choice in enumerate(answer.choices)],
    }
    if answer.usage is not None:
        body["usage"] = msgspec.Raw(usage_json(answer.usage))
    if answer.service_tier in SERVICE_TIERS:
        body["service_tier"] = answer.service_tier
    return _ENCODER.encode(body)


SERVICE_TIERS: Final = ("auto", "default", "flex", "scale", "priority")
"""What the API's answers may name; other protocols have words of their own."""


def usage_json(usage: Usage) -> bytes:
    """The `usage` of an answer, all details told."""
    prompt, output = usage.input, usage.output
    return (
        b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,"prompt_tokens_details":'
        b'{"cached_tokens":%d,"cache_write_tokens":%d,"audio_tokens":%d},'
        b'"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":%d,'
        b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}'
        % (
            prompt,
            output,
            prompt + output,
            usage.cache_read,
            usage.cache_write,
            usage.input_audio,
            usage.reasoning,
            usage.output_audio,
        )
    )


def _choice(number: int, choice: Choice, echo: Echo) -> dict[str, Any]:
    message = _message(choice, echo)
    finish = choice.finish or _STOP
    reason = REASONS[finish]
    if "function_call" in message and reason == "tool_calls":
        reason = "function_call"
    if finish is _REFUSAL and message["refusal"] is not None:
        reason = "stop"
    logprobs = logprobs_json(choice.logprobs) if choice.logprobs else None
    return {"index": number, "message": message, "logprobs": logprobs, "finish_reason": reason}


def _message(choice: Choice, echo: Echo) -> dict[str, Any]:
    content: list[str] = []
    annotations: list[dict[str, Any]] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    details: list[dict[str, Any]] = []
    calls: list[ToolCall] = []
    length = 0
    for part in choice.parts:
        match part:
            case Text(text, citations):
                for citation in citations:
                    told = annotation_json(citation, length, len(text))
                    if told is not None:
                        annotations.append(told)
                content.append(text)
                length += len(text)
            case Thinking():
                if part.text:
                    thoughts.append(part.text)
                if part.signature:
                    details.append(detail_json(part.text, part.signature, len(details)))
            case Refusal(text):
                refusals.append(text)
            case ToolCall():
                calls.append(part)
                if part.signature:
                    details.append(detail_json("", part.signature, len(details), call_id=part.id))
            case Media():
                words = media_words(part)
                content.append(words)
                length += len(words)
            case _:  # what the provider's own tools did: no client of this API waits for it
                pass
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(content) if content else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if annotations:
        message["annotations"] = annotations
    if thoughts:
        message["reasoning_content"] = "\n\n".join(thoughts)
    if details:
        message["reasoning_details"] = details
    if calls and is_legacy(echo.request):
        # The legacy form has room for one call: a model that wants more asks again with its result.
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_call(call, echo.request) for call in calls]
    return message


def detail_json(text: str, signature: str, index: int, call_id: str = "") -> dict[str, Any]:
    """An entry of `reasoning_details`; `call_id` names the tool call whose signature it is."""
    if text:
        return {"type": "reasoning.text", "text": text, "signature": signature, "index": index}
    told: dict[str, Any] = {"type": "reasoning.encrypted", "data": signature, "index": index}
    return told | {"id": call_id} if call_id else told


def is_legacy(request: Request) -> bool:
    """Whether the client knows `functions`, not yet tools."""
    return request.said.get("tools") == "functions"


def media_words(part: Media) -> str:
    """Something the model made that is no text: as Markdown, which chat clients show."""
    if part.text:
        return part.text
    address = part.url or f"data:{part.mime_type or 'application/octet-stream'};base64,{part.data}"
    sign = "!" if part.kind == "image" else ""
    return f"{sign}[{part.name or part.kind}]({address})"


def _call(call: ToolCall, request: Request) -> dict[str, Any]:
    if call.custom or defines_custom(request, call.name):
        words = call.arguments if call.custom else unwrapped(call.arguments)
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": words}}
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}
