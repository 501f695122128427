"""The `openai` SDK's chat completions."""

import json
from collections.abc import Mapping
from typing import Any

import openai
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather.",
        "parameters": session.PARAMETERS,
        "strict": True,
    },
}


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


def ask(*content: Any) -> Any:
    """A conversation of one question."""
    asked = content[0] if isinstance(content[0], str) else list(content)
    return [
        {"role": "system", "content": session.SYSTEM},
        {"role": "user", "content": asked},
    ]


def used(usage: Any) -> list[int]:
    """Input, cached input and output tokens."""
    cached = usage.prompt_tokens_details.cached_tokens
    return [usage.prompt_tokens, cached, usage.completion_tokens]


def told(answer: Any) -> Told:
    """An answer."""
    choice = answer.choices[0]
    return {
        "text": choice.message.content,
        "stop": choice.finish_reason,
        "usage": used(answer.usage),
    }


def tasks(url: str) -> Mapping[str, Task]:
    """Against one gateway."""
    create: Any = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-client", max_retries=0)
    completions = create.chat.completions

    def chat(model: str) -> Told:
        return told(completions.create(model=model, messages=ask(session.HELLO)))

    def stream(model: str) -> Told:
        chunks = list(
            completions.create(
                model=model,
                messages=ask(session.STREAM),
                stream=True,
                stream_options={"include_usage": True},
            )
        )
        pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
        stops = [c.choices[0].finish_reason for c in chunks if c.choices]
        return {
            "text": "".join(pieces),
            "stop": stops[-1],
            "usage": used(chunks[-1].usage),
            "pieces": sum(map(bool, pieces)),
        }

    def helper(model: str) -> Told:
        with completions.stream(model=model, messages=ask(session.STREAM)) as events:
            final = events.get_final_completion()
        return {"text": final.choices[0].message.content, "stop": final.choices[0].finish_reason}

    def think(model: str, streamed: bool) -> Told:
        return loop(model, streamed, session.THINK, reasoning_effort="low")

    def loop(model: str, streamed: bool, words: str = session.TOOLS, **more: Any) -> Told:
        messages = ask(words)
        asked = {"model": model, "tools": [TOOL]} | more
        if streamed:
            with completions.stream(messages=messages, **asked) as events:
                choice = events.get_final_completion().choices[0]
        else:
            choice = completions.create(messages=messages, **asked).choices[0]
        calls = choice.message.tool_calls
        messages.append(choice.message)
        read = []
        for call in calls:
            arguments = json.loads(call.function.arguments)
            read.append([call.function.name, arguments])
            said = session.weather(**arguments)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": said})
        last = completions.create(messages=messages, **asked)
        return told(last) | {
            "first": choice.message.content,
            "thought": getattr(choice.message, "reasoning_content", ""),
            "calls": read,
            "tool_stop": choice.finish_reason,
        }

    def parse(model: str) -> Told:
        messages = ask(session.STRUCTURED)
        answer = completions.parse(model=model, messages=messages, response_format=City)
        return {"parsed": answer.choices[0].message.parsed.model_dump()}

    def json_mode(model: str) -> Told:
        messages = ask(session.STRUCTURED)
        form = {"type": "json_object"}
        answer = completions.create(model=model, messages=messages, response_format=form)
        return {"parsed": json.loads(answer.choices[0].message.content)}

    def image(model: str, address: str = f"data:image/png;base64,{session.DOT}") -> Told:
        part = {"type": "image_url", "image_url": {"url": address}}
        words = {"type": "text", "text": session.IMAGE}
        return told(completions.create(model=model, messages=ask(words, part)))

    def file(model: str) -> Told:
        data = f"data:application/pdf;base64,{session.PDF}"
        part = {"type": "file", "file": {"filename": "a.pdf", "file_data": data}}
        words = {"type": "text", "text": session.FILE}
        return told(completions.create(model=model, messages=ask(words, part)))

    def fail(model: str) -> Told:
        return told(completions.create(model=model, messages=ask(session.FAIL)))

    def fail_streamed(model: str) -> Told:
        return {
            "n": len(list(completions.create(model=model, messages=ask("zz-fail"), stream=True)))
        }

    def limited(model: str) -> Told:
        limits = {"max_completion_tokens": session.LIMIT, "stop": [session.STOP]}
        return told(completions.create(model=model, messages=ask(session.LONG), **limits))

    def cut(model: str) -> Told:
        chunks = completions.create(model=model, messages=ask(session.CUT), stream=True)
        return {"chunks": len(list(chunks))}

    return {
        "chat": chat,
        "limited": limited,
        "cut": cut,
        "nobody": lambda model: chat(session.NOBODY),
        "models": lambda model: {"models": [one.id for one in create.models.list()]},
        "stream": stream,
        "stream-helper": helper,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "thinking": lambda model: think(model, False),
        "thinking-streamed": lambda model: think(model, True),
        "structured": parse,
        "json-mode": json_mode,
        "file": file,
        "image": image,
        "image-link": lambda model: image(model, session.LINK),
        "fail": fail,
        "fail-streamed": fail_streamed,
    }


if __name__ == "__main__":
    play(tasks)
