"""The OpenAI Agents SDK. First argument after the URL: "chat" or "responses"."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

CALLED: list[list[Any]] = []


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    CALLED.append(["get_weather", {"city": city}])
    return session.weather(city)


def told(run: Any) -> Told:
    """A run; the usage of its last answer."""
    usage = run.raw_responses[-1].usage
    cached = usage.input_tokens_details.cached_tokens
    return {
        "text": run.final_output,
        "usage": [usage.input_tokens, cached, usage.output_tokens],
    }


def tasks(url: str, api: str) -> Mapping[str, Task]:
    """Against one gateway."""

    def agent(model: str, **more: Any) -> Any:
        # One client for each event loop.
        client = AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-client", max_retries=0)
        kind: Any = OpenAIResponsesModel if api == "responses" else OpenAIChatCompletionsModel
        made = kind(model=model, openai_client=client)
        # It asks others than OpenAI for no usage of streams unless it is told to.
        settings = ModelSettings(include_usage=True)
        return Agent(
            name="W",
            instructions=session.SYSTEM,
            model=made,
            model_settings=settings,
            **more,
        )

    def run(model: str, asked: Any, **more: Any) -> Any:
        async def once() -> Any:
            return await Runner.run(agent(model, **more), asked)

        return asyncio.run(once())

    def run_streamed(model: str, asked: Any, **more: Any) -> Any:
        async def once() -> Any:
            running = Runner.run_streamed(agent(model, **more), asked)
            pieces = 0
            async for event in running.stream_events():
                if event.type == "raw_response_event":
                    pieces += event.data.type == "response.output_text.delta"
            return running, pieces

        return asyncio.run(once())

    def stream(model: str) -> Told:
        running, pieces = run_streamed(model, session.STREAM)
        return told(running) | {"pieces": pieces}

    def loop(model: str, streamed: bool) -> Told:
        CALLED.clear()
        if streamed:
            running, _ = run_streamed(model, session.TOOLS, tools=[get_weather])
        else:
            running = run(model, session.TOOLS, tools=[get_weather])
        # Both are called at once, each in a thread.
        return told(running) | {"calls": sorted(CALLED, key=str, reverse=True)}

    def structured(model: str) -> Told:
        parsed = run(model, session.STRUCTURED, output_type=City).final_output
        return {"parsed": parsed.model_dump()}

    def image(model: str) -> Told:
        address = f"data:image/png;base64,{session.DOT}"
        content = [
            {"type": "input_text", "text": session.IMAGE},
            {"type": "input_image", "image_url": address, "detail": "auto"},
        ]
        return told(run(model, [{"role": "user", "content": content}]))

    return {
        "chat": lambda model: told(run(model, session.HELLO)),
        "stream": stream,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "structured": structured,
        "image": image,
        "fail": lambda model: told(run(model, session.FAIL)),
    }


if __name__ == "__main__":
    set_tracing_disabled(True)
    spoken = sys.argv.pop(2)
    play(lambda url: tasks(url, spoken))
