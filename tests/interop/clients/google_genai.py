"""The `google-genai` SDK. First argument after the URL: the version of the API."""

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any

from google import genai
from google.genai import types
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play


class City(BaseModel):
    """What is parsed into."""

    city: str
    celsius: int


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
      city: Where.
    """
    CALLED.append(["get_weather", {"city": city}])
    return session.weather(city)


CALLED: list[list[Any]] = []
TOOL = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather.",
            parameters=types.Schema(
                type=types.Type.OBJECT,
                properties={"city": types.Schema(type=types.Type.STRING)},
                required=["city"],
            ),
        )
    ]
)
BY_SCHEMA = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather", description="W.", parameters_json_schema=session.PARAMETERS
        )
    ]
)


def told(answer: Any) -> Told:
    """An answer."""
    usage = answer.usage_metadata
    cached = usage.cached_content_token_count or 0
    return {
        "text": answer.text,
        "stop": answer.candidates[0].finish_reason.value,
        "usage": [usage.prompt_token_count, cached, usage.candidates_token_count],
    }


def words_of(content: Any) -> str:
    """Text among calls: `.text` warns about those."""
    return "".join(part.text for part in content.parts if part.text and not part.thought)


def tasks(url: str, version: str) -> Mapping[str, Task]:
    """Against one gateway."""
    options = types.HttpOptions(base_url=url, api_version=version)
    ai: Any = genai.Client(api_key="g-client", http_options=options)
    brief = types.GenerateContentConfig(system_instruction=session.SYSTEM)

    def chat(model: str) -> Told:
        return told(ai.models.generate_content(model=model, contents=session.HELLO, config=brief))

    def stream(model: str) -> Told:
        chunks = list(
            ai.models.generate_content_stream(model=model, contents=session.STREAM, config=brief)
        )
        pieces = [chunk.text for chunk in chunks if chunk.text]
        return told(chunks[-1]) | {"text": "".join(pieces), "pieces": len(pieces)}

    def think(model: str, streamed: bool) -> Told:
        thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        return loop(model, streamed, session.THINK, thinking_config=thinking)

    def loop(model: str, streamed: bool, words: str = session.TOOLS, **more: Any) -> Told:
        off = types.AutomaticFunctionCallingConfig(disable=True)
        config = types.GenerateContentConfig(
            tools=[BY_SCHEMA if streamed else TOOL], automatic_function_calling=off, **more
        )
        contents: list[Any] = [
            types.Content(role="user", parts=[types.Part(text=words)]),
        ]
        if streamed:
            chunks = list(
                ai.models.generate_content_stream(model=model, contents=contents, config=config)
            )
            parts = [p for c in chunks for p in (c.candidates[0].content.parts or [])]
            end = chunks[-1]
            content: Any = types.Content(role="model", parts=parts)
        else:
            end = ai.models.generate_content(model=model, contents=contents, config=config)
            content = end.candidates[0].content
        calls = [part.function_call for part in content.parts if part.function_call]
        results = []
        for call in calls:
            said = {"result": session.weather(**call.args)}
            made = types.FunctionResponse(id=call.id, name=call.name, response=said)
            results.append(types.Part(function_response=made))
        contents += [content, types.Content(role="user", parts=results)]
        last = ai.models.generate_content(model=model, contents=contents, config=config)
        return told(last) | {
            "first": words_of(content),
            "thought": "".join(part.text for part in content.parts if part.text and part.thought),
            "calls": [[call.name, call.args] for call in calls],
            "tool_stop": end.candidates[0].finish_reason.value,
        }

    def automatic(model: str) -> Told:
        CALLED.clear()
        config = types.GenerateContentConfig(tools=[get_weather])
        last = ai.models.generate_content(model=model, contents=session.TOOLS, config=config)
        return told(last) | {"calls": list(CALLED)}

    def structured(model: str) -> Told:
        config = types.GenerateContentConfig(
            response_mime_type="application/json", response_schema=City
        )
        last = ai.models.generate_content(model=model, contents=session.STRUCTURED, config=config)
        return {"parsed": last.parsed.model_dump()}

    def by_schema(model: str) -> Told:
        config = types.GenerateContentConfig(
            response_mime_type="application/json", response_json_schema=session.CITY
        )
        last = ai.models.generate_content(model=model, contents=session.STRUCTURED, config=config)
        return {"parsed": json.loads(last.text)}

    def json_mode(model: str) -> Told:
        config = types.GenerateContentConfig(response_mime_type="application/json")
        last = ai.models.generate_content(model=model, contents=session.STRUCTURED, config=config)
        return {"parsed": json.loads(last.text)}

    def image(model: str, link: bool = False) -> Told:
        part = types.Part.from_bytes(data=base64.b64decode(session.DOT), mime_type="image/png")
        if link:
            part = types.Part.from_uri(file_uri=session.LINK, mime_type="image/png")
        return told(ai.models.generate_content(model=model, contents=[session.IMAGE, part]))

    def file(model: str) -> Told:
        data = base64.b64decode(session.PDF)
        part = types.Part.from_bytes(data=data, mime_type="application/pdf")
        return told(ai.models.generate_content(model=model, contents=[session.FILE, part]))

    def fail(model: str) -> Told:
        return told(ai.models.generate_content(model=model, contents=session.FAIL))

    def fail_streamed(model: str) -> Told:
        list(ai.models.generate_content_stream(model=model, contents=session.FAIL))
        return {}

    def count(model: str) -> Told:
        return {"tokens": ai.models.count_tokens(model=model, contents=session.HELLO).total_tokens}

    def limited(model: str) -> Told:
        config = types.GenerateContentConfig(
            max_output_tokens=session.LIMIT, stop_sequences=[session.STOP]
        )
        return told(ai.models.generate_content(model=model, contents=session.LONG, config=config))

    def cut(model: str) -> Told:
        chunks = ai.models.generate_content_stream(model=model, contents=session.CUT)
        return {"chunks": len(list(chunks))}

    def listed(model: str) -> Told:
        return {"models": [one.name.removeprefix("models/") for one in ai.models.list()]}

    return {
        "chat": chat,
        "limited": limited,
        "cut": cut,
        "nobody": lambda model: chat("nobody-has-this"),
        "models": listed,
        "stream": stream,
        "tools": lambda model: loop(model, False),
        "tools-streamed": lambda model: loop(model, True),
        "tools-automatic": automatic,
        "thinking": lambda model: think(model, False),
        "thinking-streamed": lambda model: think(model, True),
        "structured": structured,
        "structured-by-schema": by_schema,
        "json-mode": json_mode,
        "file": file,
        "image": image,
        "image-link": lambda model: image(model, True),
        "fail": fail,
        "fail-streamed": fail_streamed,
        "count": count,
    }


if __name__ == "__main__":
    wanted = sys.argv.pop(2)
    play(lambda url: tasks(url, wanted))
