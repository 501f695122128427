"""The vendors' own SDKs, given the very bytes that a client got: what do they take them for?

The rule: an SDK that returns without an exception has taken the answer for whole.
"""

from collections.abc import AsyncIterator

import anthropic
import httpx2
import openai

from dataplane.runtime.protocols import Protocol
from tests.faults.hearing import Heard
from tests.faults.play import QUESTION

HOP_BY_HOP = ("transfer-encoding", "content-length", "connection")


class _Bytes(httpx2.AsyncByteStream):
    """A body that ends as the real one did."""

    def __init__(self, got: Heard) -> None:
        self._got = got

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._got.body
        if not self._got.ended:
            raise httpx2.RemoteProtocolError("peer closed connection without sending all of it")


def _replaying(got: Heard) -> httpx2.AsyncClient:
    headers = {name: value for name, value in got.headers.items() if name not in HOP_BY_HOP}

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(got.status, headers=headers, stream=_Bytes(got))

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))


async def taken_for_whole(got: Heard) -> str | None:
    """The text that the SDK hands to its user; None when it raises what it says it raises."""
    async with _replaying(got) as http:
        try:
            return await _READERS[got.protocol](http)
        except (openai.OpenAIError, anthropic.AnthropicError, httpx2.HTTPError):
            return None
        except RuntimeError as problem:  # how openai's says that a response was not completed
            if "completed" in str(problem):
                return None
            raise


def _openai(http: httpx2.AsyncClient) -> openai.AsyncOpenAI:
    base_url = "http://provider/v1"
    return openai.AsyncOpenAI(api_key="k", base_url=base_url, http_client=http, max_retries=0)


async def _chat(http: httpx2.AsyncClient) -> str:
    client = _openai(http)
    text = ""
    async for chunk in await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": QUESTION}], stream=True
    ):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    return text


async def _messages(http: httpx2.AsyncClient) -> str:
    client = anthropic.AsyncAnthropic(
        api_key="k", base_url="http://x", http_client=http, max_retries=0
    )
    turns: list[anthropic.types.MessageParam] = [{"role": "user", "content": QUESTION}]
    async with client.messages.stream(model="m", max_tokens=99, messages=turns) as stream:
        message = await stream.get_final_message()
    return "".join(block.text for block in message.content if block.type == "text")


async def _responses(http: httpx2.AsyncClient) -> str:
    client = _openai(http)
    async with client.responses.stream(model="m", input=QUESTION) as stream:
        return (await stream.get_final_response()).output_text


_READERS = {Protocol.CHAT: _chat, Protocol.MESSAGES: _messages, Protocol.RESPONSES: _responses}
