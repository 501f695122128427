"""Pydantic AI. First argument after the URL: whose API to speak."""

import asyncio
import base64
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, Tool

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

CALLED: list[list[Any]] = []


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


def get_weather(city: str) -> str:
    """The weather in a city."""
    CALLED.append(["get_weather", {"city": city}])
    return session.weather(city)


def model_of(api: str, url: str, model: str) -> Any:
    """A model; its client belongs to the event loop of one run."""
    match api:
        case "anthropic":
            from anthropic import AsyncAnthropic
            from pydantic_ai.models.anthropic import AnthropicModel
            from pydantic_ai.providers.anthropic import AnthropicProvider

            claude = AsyncAnthropic(base_url=url, api_key="sk-client", max_retries=0)
            return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=claude))
        case "google":
            from pydantic_ai.models.google import GoogleModel
            from pydantic_ai.providers.google import GoogleProvider

            return GoogleModel(model, provider=GoogleProvider(api_key="g-client", base_url=url))
        case "bedrock":
            from pydantic_ai.models.bedrock import BedrockConverseModel
            from pydantic_ai.providers.bedrock import BedrockProvider

            provider = BedrockProvider(
                region_name="us-east-1",
                base_url=url,
                aws_access_key_id="AKIACLIENT",
                aws_secret_access_key="secret",
            )
            return BedrockConverseModel(model, provider=provider)
        case _:
            from openai import AsyncOpenAI
            from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
            from pydantic_ai.providers.openai import OpenAIProvider

            client = AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-client", max_retries=0)
            kind: Any = OpenAIResponsesModel if api == "responses" else OpenAIChatModel
            return kind(model, provider=OpenAIProvider(openai_client=client))


def told(answer: Any, output: Any) -> Told:
    """The last answer of a run."""
    usage = answer.usage
    return {
        "text": output,
        "stop": answer.finish_reason,
        "usage": [usage.input_tokens, usage.cache_read_tokens, usage.output_tokens],
    }


def tasks(url: str, api: str) -> Mapping[str, Task]:
    """Against one gateway."""

    def run(model: str, *asked: Any, **more: Any) -> Any:
        async def once() -> Any:
            made: Any = Agent(model_of(api, url, model), instructions=session.SYSTEM, **more)
            return await made.run(list(asked))

        return asyncio.run(once())

    def plain(model: str, *asked: Any) -> Told:
        ran = run(model, *asked)
        return told(ran.all_messages()[-1], ran.output)

    def stream(model: str) -> Told:
        async def once() -> Told:
            made: Any = Agent(model_of(api, url, model), instructions=session.SYSTEM)
            async with made.run_stream(session.STREAM) as running:
                pieces = [p async for p in running.stream_text(delta=True, debounce_by=None)]
                answer = running.all_messages()[-1]
            return told(answer, "".join(pieces)) | {"pieces": len(pieces)}

        return asyncio.run(once())

    def loop(model: str) -> Told:
        CALLED.clear()
        ran = run(model, session.TOOLS, tools=[Tool(get_weather)])
        messages = ran.all_messages()
        calls = sorted(CALLED, key=str, reverse=True)
        return told(messages[-1], ran.output) | {"calls": calls}

    def loop_streamed(model: str) -> Told:
        async def once() -> Told:
            CALLED.clear()
            made: Any = Agent(model_of(api, url, model), tools=[Tool(get_weather)])
            async with made.iter(session.TOOLS) as running:
                async for node in running:
                    if Agent.is_model_request_node(node):
                        async with node.stream(running.ctx) as events:
                            async for _ in events:
                                pass
            ran = running.result
            calls = sorted(CALLED, key=str, reverse=True)
            return told(ran.all_messages()[-1], ran.output) | {"calls": calls}

        return asyncio.run(once())

    def structured(model: str, form: Any) -> Told:
        return {"parsed": run(model, session.STRUCTURED, output_type=form).output.model_dump()}

    def image(model: str) -> Told:
        picture = BinaryContent(base64.b64decode(session.DOT), media_type="image/png")
        return plain(model, session.IMAGE, picture)

    return {
        "chat": lambda model: plain(model, session.HELLO),
        "stream": stream,
        "tools": loop,
        "tools-streamed": loop_streamed,
        "structured": lambda model: structured(model, NativeOutput(City)),
        "structured-by-call": lambda model: structured(model, City),
        "image": image,
        "fail": lambda model: plain(model, session.FAIL),
    }


if __name__ == "__main__":
    spoken = sys.argv.pop(2)
    play(lambda url: tasks(url, spoken))
