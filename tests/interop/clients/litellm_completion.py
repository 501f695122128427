"""LiteLLM's completion and responses. First argument after the URL: whose API to speak."""

import json
import sys
from collections.abc import Mapping
from typing import Any

import litellm
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather.",
        "parameters": session.PARAMETERS,
    },
}


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


def told(answer: Any) -> Told:
    """An answer."""
    choice, usage = answer.choices[0], answer.usage
    cached = getattr(usage.prompt_tokens_details, "cached_tokens", None) or 0
    return {
        "text": choice.message.content,
        "stop": choice.finish_reason,
        "usage": [usage.prompt_tokens, cached, usage.completion_tokens],
    }


def ask(*content: Any) -> list[Any]:
    """A conversation of one question."""
    asked = content[0] if isinstance(content[0], str) else list(content)
    return [{"role": "system", "content": session.SYSTEM}, {"role": "user", "content": asked}]


def place(api: str, url: str, model: str) -> dict[str, Any]:
    """Where to ask; LiteLLM thinks that models which it does not know can do little."""
    can = {"supports_system_messages": True, "supports_response_schema": True}
    known = {"litellm_provider": "gemini", "mode": "chat", "supports_function_calling": True} | can
    litellm.register_model({f"gemini/{model}": known, model: known})
    match api:
        case "google":
            return {"model": f"gemini/{model}", "api_base": f"{url}/v1beta", "api_key": "g"}
        case "anthropic":
            return {"model": f"anthropic/{model}", "api_base": url, "api_key": "sk-client"}
        case "bedrock":
            return {
                "model": f"bedrock/converse/{model}",
                "aws_bedrock_runtime_endpoint": url,
                "aws_access_key_id": "AKIACLIENT",
                "aws_secret_access_key": "secret",
                "aws_region_name": "us-east-1",
                "allowed_openai_params": ["tools"],
            }
        case _:
            return {"model": f"openai/{model}", "api_base": f"{url}/v1", "api_key": "sk-client"}


def tasks(url: str, api: str) -> Mapping[str, Task]:
    """Against one gateway."""

    def complete(model: str, messages: Any, **more: Any) -> Any:
        return litellm.completion(
            messages=messages, max_retries=0, num_retries=0, **place(api, url, model), **more
        )

    def chat(model: str) -> Told:
        return told(complete(model, ask(session.HELLO)))

    def streamed(model: str, messages: Any, **more: Any) -> Any:
        chunks = list(
            complete(model, messages, stream=True, stream_options={"include_usage": True}, **more)
        )
        return chunks, litellm.stream_chunk_builder(chunks, messages=messages)

    def stream(model: str) -> Told:
        chunks, whole = streamed(model, ask(session.STREAM))
        pieces = [c for c in chunks if c.choices and c.choices[0].delta.content]
        return told(whole) | {"pieces": len(pieces)}

    def loop(model: str, stream: bool) -> Told:
        messages = ask(session.TOOLS)
        if stream:
            _, first = streamed(model, messages, tools=[TOOL])
        else:
            first = complete(model, messages, tools=[TOOL])
        message = first.choices[0].message
        messages.append(message.model_dump())
        calls = []
        for call in message.tool_calls:
            arguments = json.loads(call.function.arguments)
            calls.append([call.function.name, arguments])
            said = session.weather(**arguments)
            messages.append(
                {
                    "role": "tool",
                    "tool_call_id": call.id,
                    "name": call.function.name,
                    "content": said,
                }
            )
        return told(complete(model, messages, tools=[TOOL])) | {
            "first": message.content,
            "calls": calls,
            "tool_stop": first.choices[0].finish_reason,
        }

    def structured(model: str) -> Told:
        answer = complete(model, ask(session.STRUCTURED), response_format=City)
        return {"parsed": json.loads(answer.choices[0].message.content)}

    def image(model: str) -> Told:
        address = f"data:image/png;base64,{session.DOT}"
        part = {"type": "image_url", "image_url": {"url": address}}
        return told(complete(model, ask({"type": "text", "text": session.IMAGE}, part)))

    def fail(model: str) -> Told:
        return told(complete(model, ask(session.FAIL)))

    return {
        "chat": chat,
        "stream": stream,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "structured": structured,
        "image": image,
        "fail": fail,
    }


if __name__ == "__main__":
    litellm.suppress_debug_info = True
    spoken = sys.argv.pop(2)
    play(lambda url: tasks(url, spoken))
