"""The `anthropic` SDK."""

import json
from collections.abc import Mapping
from typing import Any

import anthropic
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

TOOL: Any = {
    "name": "get_weather",
    "description": "The weather.",
    "input_schema": session.PARAMETERS,
}


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


def used(usage: Any) -> list[int]:
    """Input, cached input and output tokens; input is told without what was cached."""
    cached = usage.cache_read_input_tokens or 0
    return [usage.input_tokens + cached, cached, usage.output_tokens]


def told(answer: Any) -> Told:
    """An answer."""
    text = "".join(block.text for block in answer.content if block.type == "text")
    return {"text": text, "stop": answer.stop_reason, "usage": used(answer.usage)}


def tasks(url: str) -> Mapping[str, Task]:
    """Against one gateway."""
    client: Any = anthropic.Anthropic(base_url=url, api_key="sk-client", max_retries=0)

    def ask(model: str, *content: Any, **more: Any) -> Any:
        messages = [{"role": "user", "content": list(content)}]
        return {"model": model, "max_tokens": 300, "messages": messages} | more

    def text(words: str) -> Any:
        return {"type": "text", "text": words}

    def chat(model: str) -> Told:
        asked = ask(model, text(session.HELLO), system=session.SYSTEM)
        return told(client.messages.create(**asked))

    def stream(model: str) -> Told:
        asked = ask(model, text(session.STREAM), system=session.SYSTEM)
        events = list(client.messages.create(stream=True, **asked))
        deltas = [event.delta for event in events if event.type == "content_block_delta"]
        end = next(event for event in events if event.type == "message_delta")
        start = next(event for event in events if event.type == "message_start")
        assert start.message.role == "assistant"
        return {
            "text": "".join(delta.text for delta in deltas),
            "stop": end.delta.stop_reason,
            "pieces": len(deltas),
        }

    def helper(model: str) -> Told:
        asked = ask(model, text(session.STREAM), system=session.SYSTEM)
        with client.messages.stream(**asked) as events:
            pieces = list(events.text_stream)
            return told(events.get_final_message()) | {"pieces": len(pieces)}

    def think(model: str, streamed: bool) -> Told:
        thinking = {"type": "enabled", "budget_tokens": 1024}
        return loop(model, streamed, session.THINK, thinking=thinking, max_tokens=3000)

    def loop(model: str, streamed: bool, words: str = session.TOOLS, **more: Any) -> Told:
        asked = ask(model, text(words), tools=[TOOL], system=session.SYSTEM, **more)
        if streamed:
            with client.messages.stream(**asked) as events:
                first = events.get_final_message()
        else:
            first = client.messages.create(**asked)
        read, results = [], []
        for block in first.content:
            if block.type == "tool_use":
                read.append([block.name, block.input])
                said = session.weather(**block.input)
                results.append({"type": "tool_result", "tool_use_id": block.id, "content": said})
        asked["messages"] += [
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": results},
        ]
        last = client.messages.create(**asked)
        return told(last) | {
            "first": told(first)["text"],
            "thought": "".join(b.thinking for b in first.content if b.type == "thinking"),
            "calls": read,
            "tool_stop": first.stop_reason,
        }

    def automatic(model: str) -> Told:
        @anthropic.beta_tool
        def get_weather(city: str) -> str:
            """The weather in a city."""
            called.append(["get_weather", {"city": city}])
            return session.weather(city)

        called: list[list[Any]] = []
        asked = ask(model, text(session.TOOLS), tools=[get_weather])
        return told(client.beta.messages.tool_runner(**asked).until_done()) | {"calls": called}

    def parse(model: str) -> Told:
        asked = ask(model, text(session.STRUCTURED), output_format=City)
        return {"parsed": client.messages.parse(**asked).parsed_output.model_dump()}

    def structured(model: str) -> Told:
        form = {"format": {"type": "json_schema", "schema": session.CITY}}
        # 0.71 has no argument for it.
        asked = ask(model, text(session.STRUCTURED), extra_body={"output_config": form})
        return {"parsed": json.loads(told(client.messages.create(**asked))["text"])}

    def image(model: str, link: bool = False) -> Told:
        source: Any = {"type": "base64", "media_type": "image/png", "data": session.DOT}
        if link:
            source = {"type": "url", "url": session.LINK}
        asked = ask(model, text(session.IMAGE), {"type": "image", "source": source})
        return told(client.messages.create(**asked))

    def file(model: str) -> Told:
        source = {"type": "base64", "media_type": "application/pdf", "data": session.PDF}
        block = {"type": "document", "source": source, "title": "a.pdf"}
        return told(client.messages.create(**ask(model, text(session.FILE), block)))

    def fail(model: str) -> Told:
        return told(client.messages.create(**ask(model, text(session.FAIL))))

    def fail_streamed(model: str) -> Told:
        list(client.messages.create(stream=True, **ask(model, text(session.FAIL))))
        return {}

    def count(model: str) -> Told:
        messages = [{"role": "user", "content": session.HELLO}]
        counted = client.messages.count_tokens(model=model, messages=messages)
        return {"tokens": counted.input_tokens}

    def limited(model: str) -> Told:
        limits = {"max_tokens": session.LIMIT, "stop_sequences": [session.STOP]}
        return told(client.messages.create(**ask(model, text(session.LONG), **limits)))

    def cut(model: str) -> Told:
        with client.messages.stream(**ask(model, text(session.CUT))) as events:
            return told(events.get_final_message())

    return {
        "chat": chat,
        "limited": limited,
        "cut": cut,
        "nobody": lambda model: chat(session.NOBODY),
        "models": lambda model: {"models": [one.id for one in client.models.list()]},
        "stream": stream,
        "stream-helper": helper,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "thinking": lambda model: think(model, False),
        "thinking-streamed": lambda model: think(model, True),
        "tools-automatic": automatic,
        "structured-by-schema": parse,
        "structured": structured,
        "file": file,
        "image": image,
        "image-link": lambda model: image(model, True),
        "fail": fail,
        "fail-streamed": fail_streamed,
        "count": count,
    }


if __name__ == "__main__":
    play(tasks)
