"""What vendors' own SDKs read of an answer: the same few facts, whatever the API.

One `Client` a protocol; each asks a question of a model and tells what its SDK made of the answer,
in one piece or streamed.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import anthropic
import boto3
import openai
from botocore.config import Config
from google import genai
from google.genai import types as google

from dataplane.runtime.protocols import Protocol as Wire

QUESTION = "What does the recording say?"


@dataclass(slots=True)
class Said:
    """An answer."""

    text: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Names of tools and their arguments."""
    stop: str = ""
    """"stop", "length", "tools" or "withheld"."""
    input: int = 0
    output: int = 0


class Client(Protocol):
    """An SDK."""

    async def ask(self, model: str, stream: bool) -> Said:
        """Raises what the SDK raises."""


def arguments(text: str) -> Any:
    """Arguments as a value; models may write what is no JSON."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


_CHAT_STOPS = {
    **dict.fromkeys(("tool_calls", "function_call"), "tools"),
    "length": "length",
    "content_filter": "withheld",
}


class Chat:
    """openai, chat completions."""

    def __init__(self, url: str) -> None:
        self.sdk = openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0)

    async def ask(self, model: str, stream: bool) -> Said:
        """See Client."""
        asked: Any = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
        if stream:
            options: Any = {"include_usage": True}
            return await self._streamed(
                await self.sdk.chat.completions.create(**asked, stream=True, stream_options=options)
            )
        answer = await self.sdk.chat.completions.create(**asked)
        choice = answer.choices[0]
        said = Said(stop=_CHAT_STOPS.get(choice.finish_reason, "stop"))
        # Azure leaves the message out when it withholds it.
        message: Any = choice.message
        if message is not None:
            said.text = message.content or message.refusal or ""
            for call in message.tool_calls or ():
                if call.type == "function":
                    said.calls.append((call.function.name, arguments(call.function.arguments)))
                else:
                    said.calls.append((call.custom.name, call.custom.input))
            if message.function_call is not None:
                legacy = message.function_call
                said.calls.append((legacy.name, arguments(legacy.arguments)))
            if message.refusal:
                said.stop = "withheld"
            elif said.calls:  # a forced call ends with "stop"
                said.stop = "tools"
        if answer.usage is not None:
            said.input, said.output = answer.usage.prompt_tokens, answer.usage.completion_tokens
        return said

    async def _streamed(self, stream: Any) -> Said:
        said, calls, refused = Said(), dict[int, list[str]](), False
        async for chunk in stream:
            if chunk.usage is not None:
                said.input, said.output = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
            for choice in chunk.choices:
                if choice.index:
                    continue
                said.text += choice.delta.content or choice.delta.refusal or ""
                refused = refused or bool(choice.delta.refusal)
                if legacy := choice.delta.function_call:
                    pieces = calls.setdefault(-1, ["", ""])
                    pieces[0] += legacy.name or ""
                    pieces[1] += legacy.arguments or ""
                for call in choice.delta.tool_calls or ():
                    pieces = calls.setdefault(call.index, ["", ""])
                    pieces[0] += call.function.name or ""
                    pieces[1] += call.function.arguments or ""
                if choice.finish_reason:
                    said.stop = _CHAT_STOPS.get(choice.finish_reason, "stop")
        said.calls = [(name, arguments(text)) for name, text in calls.values()]
        if refused:
            said.stop = "withheld"
        elif calls:
            said.stop = "tools"
        return said


class Responses:
    """openai, Responses."""

    def __init__(self, url: str) -> None:
        self.sdk = openai.AsyncOpenAI(base_url=url + "/v1", api_key="k", max_retries=0)

    async def ask(self, model: str, stream: bool) -> Said:
        """See Client."""
        if not stream:
            return self._said(
                await self.sdk.responses.create(model=model, input=QUESTION, store=False)
            )
        last = None
        events = await self.sdk.responses.create(
            model=model, input=QUESTION, store=False, stream=True
        )
        async for event in events:
            if event.type in ("response.completed", "response.incomplete", "response.failed"):
                last = event.response
        assert last is not None, "the stream has no end"
        return self._said(last)

    def _said(self, answer: Any) -> Said:
        said, refused = Said(), False
        for item in answer.output:
            match item.type:
                case "message":
                    for part in item.content:
                        said.text += part.text if part.type == "output_text" else part.refusal
                        refused = refused or part.type == "refusal"
                case "function_call":
                    said.calls.append((item.name, arguments(item.arguments)))
                case "custom_tool_call":
                    said.calls.append((item.name, item.input))
                case _:
                    pass  # reasoning, and what the provider did itself
        reason = answer.incomplete_details.reason if answer.incomplete_details else ""
        said.stop = {"max_output_tokens": "length", "content_filter": "withheld"}.get(
            reason or "", "tools" if said.calls else "stop"
        )
        if refused:
            said.stop = "withheld"
        if answer.usage is not None:
            said.input, said.output = answer.usage.input_tokens, answer.usage.output_tokens
        return said


_MESSAGES_STOPS = {
    "tool_use": "tools",
    "max_tokens": "length",
    "refusal": "withheld",
    "model_context_window_exceeded": "length",
}


class Messages:
    """anthropic."""

    def __init__(self, url: str) -> None:
        self.sdk = anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0)

    async def ask(self, model: str, stream: bool) -> Said:
        """See Client."""
        asked: Any = {
            "model": model,
            "max_tokens": 100,
            "messages": [{"role": "user", "content": QUESTION}],
        }
        if stream:
            async with self.sdk.messages.stream(**asked) as events:
                return self._said(await events.get_final_message())
        return self._said(await self.sdk.messages.create(**asked))

    def _said(self, answer: Any) -> Said:
        said = Said()
        for block in answer.content:
            match block.type:
                case "text":
                    said.text += block.text
                case "tool_use":
                    said.calls.append((block.name, block.input))
                case _:
                    pass  # thinking, and what the provider did itself
        said.stop = _MESSAGES_STOPS.get(answer.stop_reason, "stop")
        usage = answer.usage
        cached = (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
        said.input, said.output = usage.input_tokens + cached, usage.output_tokens
        return said


class Gemini:
    """google-genai."""

    def __init__(self, url: str) -> None:
        options = google.HttpOptions(base_url=url, api_version="v1beta")
        self.sdk = genai.Client(api_key="k", http_options=options)

    async def ask(self, model: str, stream: bool) -> Said:
        """See Client."""
        models = self.sdk.aio.models
        if stream:
            chunks = [
                chunk
                async for chunk in await models.generate_content_stream(
                    model=model, contents=QUESTION
                )
            ]
        else:
            chunks = [await models.generate_content(model=model, contents=QUESTION)]
        said = Said()
        for chunk in chunks:
            for candidate in chunk.candidates or ():
                if candidate.index:
                    continue
                for part in (candidate.content.parts if candidate.content else None) or ():
                    if part.text and not part.thought:
                        said.text += part.text
                    if part.function_call:
                        call = part.function_call
                        said.calls.append((call.name or "", call.args or {}))
                if candidate.finish_reason:
                    said.stop = self._stop(candidate.finish_reason.value, said)
            if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
                said.stop = "withheld"
            if usage := chunk.usage_metadata:
                said.input = usage.prompt_token_count or 0
                said.input += usage.tool_use_prompt_token_count or 0
                thoughts = usage.thoughts_token_count or 0
                said.output = (usage.candidates_token_count or 0) + thoughts
        return said

    def _stop(self, reason: str, said: Said) -> str:
        if reason == "STOP":
            return "tools" if said.calls else "stop"
        return "length" if reason == "MAX_TOKENS" else "withheld"


_CONVERSE_STOPS = {
    "tool_use": "tools",
    "max_tokens": "length",
    **dict.fromkeys(("content_filtered", "guardrail_intervened"), "withheld"),
    "model_context_window_exceeded": "length",
}


class Converse:
    """boto3, in threads: it knows no asyncio."""

    def __init__(self, url: str) -> None:
        self.sdk = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )

    async def ask(self, model: str, stream: bool) -> Said:
        """See Client."""
        return await asyncio.to_thread(self._ask, model, stream)

    def _ask(self, model: str, stream: bool) -> Said:
        asked: Any = {
            "modelId": model,
            "messages": [{"role": "user", "content": [{"text": QUESTION}]}],
        }
        if stream:
            return self._streamed(self.sdk.converse_stream(**asked)["stream"])
        answer = self.sdk.converse(**asked)
        said = Said()
        for block in answer["output"]["message"]["content"]:
            said.text += block.get("text", "")
            if "citationsContent" in block:
                said.text += "".join(p["text"] for p in block["citationsContent"]["content"])
            if "toolUse" in block:
                said.calls.append((block["toolUse"]["name"], block["toolUse"]["input"]))
        self._end(said, answer)
        return said

    def _streamed(self, events: Any) -> Said:
        said, calls = Said(), dict[int, list[str]]()
        for event in events:
            if start := event.get("contentBlockStart"):
                if "toolUse" in start["start"]:
                    calls[start["contentBlockIndex"]] = [start["start"]["toolUse"]["name"], ""]
            elif delta := event.get("contentBlockDelta"):
                said.text += delta["delta"].get("text", "")
                if "toolUse" in delta["delta"]:
                    calls[delta["contentBlockIndex"]][1] += delta["delta"]["toolUse"]["input"]
            else:
                self._end(said, event.get("messageStop") or event.get("metadata") or {})
        said.calls = [(name, arguments(text)) for name, text in calls.values()]
        return said

    def _end(self, said: Said, told: dict[str, Any]) -> None:
        if "stopReason" in told:
            said.stop = _CONVERSE_STOPS.get(told["stopReason"], "stop")
        if "usage" in told:
            usage = told["usage"]
            cached = usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
            said.input, said.output = usage["inputTokens"] + cached, usage["outputTokens"]


SDKS: dict[Wire, Callable[[str], Client]] = {
    Wire.CHAT: Chat,
    Wire.RESPONSES: Responses,
    Wire.MESSAGES: Messages,
    Wire.GEMINI: Gemini,
    Wire.CONVERSE: Converse,
}


@asynccontextmanager
async def client(protocol: Wire, url: str) -> AsyncIterator[Client]:
    """An SDK at a gateway; closed when left."""
    made: Any = SDKS[protocol](url)
    try:
        yield made
    finally:
        match made:
            case Gemini():
                await made.sdk.aio.aclose()
                made.sdk.close()
            case Converse():
                made.sdk.close()
            case _:
                await made.sdk.close()
