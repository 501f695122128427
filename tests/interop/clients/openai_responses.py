"""The `openai` SDK's Responses."""

import json
from collections.abc import Mapping
from typing import Any

import openai
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play

TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather.",
    "parameters": session.PARAMETERS,
    "strict": True,
}


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


def told(answer: Any) -> Told:
    """An answer."""
    usage = answer.usage
    cached = usage.input_tokens_details.cached_tokens
    return {
        "text": answer.output_text,
        "stop": answer.status,
        "usage": [usage.input_tokens, cached, usage.output_tokens],
    }


def tasks(url: str) -> Mapping[str, Task]:
    """Against one gateway."""
    client: Any = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-client", max_retries=0)
    responses = client.responses

    def chat(model: str) -> Told:
        asked = {"instructions": session.SYSTEM, "input": session.HELLO}
        return told(responses.create(model=model, **asked))

    def stream(model: str) -> Told:
        asked = {"instructions": session.SYSTEM, "input": session.STREAM}
        events = list(responses.create(model=model, stream=True, **asked))
        pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
        final = told(events[-1].response)
        return final | {"text": "".join(pieces), "pieces": len(pieces)}

    def helper(model: str) -> Told:
        asked = {"instructions": session.SYSTEM, "input": session.STREAM}
        with responses.stream(model=model, **asked) as events:
            for _ in events:
                pass
            return told(events.get_final_response())

    def think(model: str, streamed: bool) -> Told:
        reasoning = {"effort": "low", "summary": "auto"}
        more = {"reasoning": reasoning, "include": ["reasoning.encrypted_content"]}
        return loop(model, streamed, False, session.THINK, **more)

    def loop(
        model: str,
        streamed: bool,
        kept: bool = False,
        words: str = session.TOOLS,
        **more: Any,
    ) -> Told:
        asked = {"model": model, "tools": [TOOL], "instructions": session.SYSTEM, "store": kept}
        asked |= more
        items: list[Any] = [{"role": "user", "content": words}]
        if streamed:
            with responses.stream(input=items, **asked) as events:
                for _ in events:
                    pass
                first = events.get_final_response()
        else:
            first = responses.create(input=items, **asked)
        read, results = [], []
        thoughts = [
            part.text for item in first.output if item.type == "reasoning" for part in item.summary
        ]
        for item in first.output:
            if item.type == "function_call":
                arguments = json.loads(item.arguments)
                read.append([item.name, arguments])
                said = session.weather(**arguments)
                results.append(
                    {"type": "function_call_output", "call_id": item.call_id, "output": said}
                )
        if kept:
            last = responses.create(input=results, previous_response_id=first.id, **asked)
        else:
            last = responses.create(input=[*items, *first.output, *results], **asked)
        return told(last) | {
            "first": first.output_text,
            "thought": "".join(thoughts),
            "calls": read,
            "tool_stop": first.status,
        }

    def parse(model: str) -> Told:
        answer = responses.parse(model=model, input=session.STRUCTURED, text_format=City)
        return {"parsed": answer.output_parsed.model_dump()}

    def json_mode(model: str) -> Told:
        form = {"format": {"type": "json_object"}}
        answer = responses.create(model=model, input=session.STRUCTURED, text=form)
        return {"parsed": json.loads(answer.output_text)}

    def image(model: str, address: str = f"data:image/png;base64,{session.DOT}") -> Told:
        content = [
            {"type": "input_text", "text": session.IMAGE},
            {"type": "input_image", "image_url": address, "detail": "auto"},
        ]
        return told(responses.create(model=model, input=[{"role": "user", "content": content}]))

    def file(model: str) -> Told:
        data = f"data:application/pdf;base64,{session.PDF}"
        content = [
            {"type": "input_text", "text": session.FILE},
            {"type": "input_file", "filename": "a.pdf", "file_data": data},
        ]
        return told(responses.create(model=model, input=[{"role": "user", "content": content}]))

    def fail(model: str) -> Told:
        return told(responses.create(model=model, input=session.FAIL))

    def fail_streamed(model: str) -> Told:
        list(responses.create(model=model, input=session.FAIL, stream=True))
        return {}

    def limited(model: str) -> Told:
        limit = session.LIMIT
        return told(responses.create(model=model, input=session.LONG, max_output_tokens=limit))

    def cut(model: str) -> Told:
        for event in responses.create(model=model, input=session.CUT, stream=True):
            if event.type == "response.failed":
                raise RuntimeError(event.response.error.message)
        return {}

    return {
        "chat": chat,
        "limited": limited,
        "cut": cut,
        "nobody": lambda model: chat(session.NOBODY),
        "stream": stream,
        "stream-helper": helper,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "tools-kept": lambda model: loop(model, False, True),
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
