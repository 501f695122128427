"""What a developer does with the official SDK, unmodified, against one base URL, told as JSON.

Run by test_openai_sdk.py in the environment of each SDK version, so it imports nothing of ours.
Arguments: base URL, model to ask for, model to look up.
"""

import asyncio
import json
import sys
from typing import Any

import openai


def blocking(base_url: str, model: str, listed: str) -> dict[str, object]:
    """The synchronous client: list, retrieve, create, stream, and a refused model."""
    with openai.OpenAI(base_url=base_url, api_key="sk-client", max_retries=0) as client:
        messages: Any = [{"role": "user", "content": "Say hello."}]
        answer = client.chat.completions.create(model=model, messages=messages)
        raw = client.chat.completions.with_raw_response.create(model=model, messages=messages)
        stream: Any = client.chat.completions.create(model=model, messages=messages, stream=True)
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        return {
            "listed": [one.id for one in client.models.list()],
            "retrieved": client.models.retrieve(listed).id,
            "text": answer.choices[0].message.content,
            "request_id": bool(raw.headers.get("x-request-id")),
            "pieces": pieces,
        }


async def concurrent(base_url: str, model: str) -> str:
    """The asynchronous client, streaming."""
    async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-client", max_retries=0) as client:
        stream: Any = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Say hello."}], stream=True
        )
        return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


def refused(base_url: str) -> dict[str, object]:
    """A model nobody serves: the SDK must raise its own error type."""
    with openai.OpenAI(base_url=base_url, api_key="sk-client", max_retries=0) as client:
        try:
            client.models.retrieve("nobody/serves-this")
        except openai.NotFoundError as problem:
            return {"status": problem.status_code, "code": problem.code}
    return {"status": 200, "code": None}


if __name__ == "__main__":
    _, url, wanted, shown = sys.argv
    told = blocking(url, wanted, shown)
    told["streamed"] = asyncio.run(concurrent(url, wanted))
    told["refused"] = refused(url)
    told["version"] = openai.__version__
    print(json.dumps(told))
