"""LangChain's chat models and its agent. First argument after the URL: whose API to speak."""

import sys
from collections.abc import Mapping
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from tests.interop.clients import session
from tests.interop.clients.session import Task, Told, play


class City(BaseModel):
    """A city and its weather."""

    city: str
    celsius: int


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return session.weather(city)


def model_of(api: str, url: str, model: str) -> Any:
    """A chat model."""
    match api:
        case "anthropic":
            from langchain_anthropic import ChatAnthropic

            return ChatAnthropic(model=model, base_url=url, api_key="sk-client", max_retries=0)
        case "google":
            from langchain_google_genai import ChatGoogleGenerativeAI

            return ChatGoogleGenerativeAI(
                model=model, base_url=url, google_api_key="g-client", max_retries=1
            )
        case _:
            from langchain_openai import ChatOpenAI

            return ChatOpenAI(
                model=model,
                base_url=f"{url}/v1",
                api_key="sk-client",
                max_retries=0,
                stream_usage=True,
                use_responses_api=api == "responses",
            )


def told(answer: Any) -> Told:
    """An answer."""
    usage = answer.usage_metadata
    cached = usage.get("input_token_details", {}).get("cache_read", 0)
    said = answer.response_metadata
    stop = said.get("finish_reason") or said.get("stop_reason") or said.get("status")
    return {
        "text": answer.text,
        "stop": stop,
        "usage": [usage["input_tokens"], cached, usage["output_tokens"]],
    }


def ask(words: str) -> list[Any]:
    """A conversation of one question."""
    return [SystemMessage(session.SYSTEM), HumanMessage(words)]


def tasks(url: str, api: str) -> Mapping[str, Task]:
    """Against one gateway."""

    def chat(model: str) -> Told:
        return told(model_of(api, url, model).invoke(ask(session.HELLO)))

    def stream(model: str) -> Told:
        chunks = list(model_of(api, url, model).stream(ask(session.STREAM)))
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole = whole + chunk
        return told(whole) | {"pieces": sum(bool(chunk.text) for chunk in chunks)}

    def agent(model: str) -> Told:
        made = create_agent(model_of(api, url, model), [get_weather], system_prompt=session.SYSTEM)
        messages = made.invoke({"messages": [HumanMessage(session.TOOLS)]})["messages"]
        first, last = messages[1], messages[-1]
        calls = [[call["name"], call["args"]] for call in first.tool_calls]
        return told(last) | {
            "first": first.text,
            "calls": calls,
            "tool_stop": told(first)["stop"],
        }

    def loop(model: str) -> Told:
        able = model_of(api, url, model).bind_tools([get_weather])
        messages = ask(session.TOOLS)
        chunks = list(able.stream(messages))
        whole = chunks[0]
        for chunk in chunks[1:]:
            whole = whole + chunk
        messages.append(whole)
        for call in whole.tool_calls:
            said = session.weather(**call["args"])
            messages.append(ToolMessage(said, tool_call_id=call["id"], name=call["name"]))
        calls = [[call["name"], call["args"]] for call in whole.tool_calls]
        return told(able.invoke(messages)) | {"first": whole.text, "calls": calls}

    def structured(model: str, **how: Any) -> Told:
        able = model_of(api, url, model).with_structured_output(City, **how)
        return {"parsed": able.invoke(session.STRUCTURED).model_dump()}

    def image(model: str) -> Told:
        content: list[Any] = [
            {"type": "text", "text": session.IMAGE},
            {"type": "image", "base64": session.DOT, "mime_type": "image/png"},
        ]
        return told(model_of(api, url, model).invoke([HumanMessage(content)]))

    def fail(model: str) -> Told:
        return told(model_of(api, url, model).invoke(session.FAIL))

    return {
        "chat": chat,
        "stream": stream,
        "tools": agent,
        "tools-streamed": loop,
        "structured": structured,
        "structured-by-schema": lambda model: structured(model, method="json_schema"),
        "structured-by-call": lambda model: structured(model, method="function_calling"),
        "image": image,
        "fail": fail,
    }


if __name__ == "__main__":
    spoken = sys.argv.pop(2)
    play(lambda url: tasks(url, spoken))
