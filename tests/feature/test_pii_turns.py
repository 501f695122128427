"""Personal data in conversations that clients continue by `previous_response_id`."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web

from tests.support.agents import Received, Service, says, service
from tests.support.planes import planes

CONFIG = """\
version: v0.4.0
filters:
  - id: privacy
    type: pii
model_providers:
  - model: {name}
    base_url: {model}/v1
    access_key: $KEY
    apis: [{api}]
    default: true
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    input_filters: [privacy]
    output_filters: [privacy]
"""
ANNA, BOB = "anna@mail.example", "bob@mail.example"


class House:
    """A model behind the filter, and a client of it."""

    def __init__(self, client: openai.AsyncOpenAI, model: Service, stream: bool) -> None:
        self.client = client
        self.model = model
        self._stream = stream

    async def ask(self, text: str, previous: str | None = None, **more: Any) -> Any:
        """One turn."""
        asked: Any = {"model": "m", "input": text, **more}
        if previous:
            asked["previous_response_id"] = previous
        if not self._stream:
            return await self.client.responses.create(**asked)
        async with self.client.responses.stream(**asked) as stream:
            return await stream.get_final_response()


@asynccontextmanager
async def house(
    directory: Path, name: str, api: str, answer: Any, stream: bool
) -> AsyncIterator[House]:
    async with service(answer) as model:
        config = CONFIG.format(model=model.url, name=name, api=api)
        async with planes(config, directory, environ={"KEY": "sk"}) as made:
            base = made.url("models") + "/v1"
            async with openai.AsyncOpenAI(base_url=base, api_key="a", max_retries=0) as client:
                yield House(client, model, stream)


@pytest.mark.parametrize("stream", [False, True])
async def test_what_we_remember_ourselves_is_masked_at_every_turn(
    tmp_path: Path, stream: bool
) -> None:
    async with house(tmp_path, "local/m", "chat", says("Noted: [EMA", "IL_1]."), stream) as here:
        first = await here.ask(f"I am {ANNA}.")
        assert first.output_text == f"Noted: {ANNA}."
        here.model.answer = says("[EMAIL_1] and [EMAIL_2].")
        second = await here.ask(f"My friend is {BOB}.", first.id)
        assert second.output_text == f"{ANNA} and {BOB}."
        heard = [one["content"] for one in here.model.received[1].body["messages"]]
        assert heard == ["I am [EMAIL_1].", "Noted: [EMAIL_1].", "My friend is [EMAIL_2]."]


def remembering() -> Callable[[Received], Awaitable[web.StreamResponse]]:
    """A provider of Responses that keeps its conversations, and repeats all it was told."""
    told: dict[str, str] = {}

    async def answer(one: Received) -> web.StreamResponse:
        said = f"{told.get(one.body.get('previous_response_id', ''), '')} {one.body['input']}"
        id_ = f"resp_{len(told)}{'0' * 40}"
        told[id_] = said
        part = {"type": "output_text", "text": said, "annotations": []}
        item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
        made = {
            "id": id_,
            "object": "response",
            "created_at": 0,
            "model": "m",
            "status": "completed",
            "output": [{**item, "content": [part]}],
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
        }
        if one.body.get("stream") is not True:
            return web.json_response(made)
        at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        begun = {**made, "status": "in_progress", "output": []}
        empty = {**part, "text": ""}
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": begun},
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": item | {"content": []},
            },
            {"type": "response.content_part.added", **at, "part": empty},
            {"type": "response.output_text.delta", **at, "delta": said, "logprobs": []},
            {"type": "response.output_text.done", **at, "text": said, "logprobs": []},
            {"type": "response.content_part.done", **at, "part": part},
            {"type": "response.output_item.done", "output_index": 0, "item": made["output"][0]},  # type: ignore[index]
            {"type": "response.completed", "response": made},
        ]
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        for number, event in enumerate(events):
            body = json.dumps({**event, "sequence_number": number})
            await response.write(f"event: {event['type']}\ndata: {body}\n\n".encode())
        return response

    return answer


@pytest.mark.parametrize("stream", [False, True])
async def test_what_a_provider_remembers_is_restored_in_later_turns(
    tmp_path: Path, stream: bool
) -> None:
    async with house(tmp_path, "xai/m", "responses", remembering(), stream) as here:
        first = await here.ask(f"I am {ANNA}.")
        assert first.output_text.strip() == f"I am {ANNA}."
        second = await here.ask(f"{BOB} is my friend, {ANNA} is me.", first.id)
        assert second.output_text.strip() == f"I am {ANNA}. {BOB} is my friend, {ANNA} is me."
        heard = [one.body["input"] for one in here.model.received]
        assert heard == ["I am [EMAIL_1].", "[EMAIL_2] is my friend, [EMAIL_1] is me."]
        third = await here.ask("Who?", second.id)
        assert BOB in third.output_text


async def test_another_tenant_gets_nobodys_values(tmp_path: Path) -> None:
    async with house(tmp_path, "xai/m", "responses", remembering(), False) as here:
        first = await here.ask(f"I am {ANNA}.")
        other = House(here.client.with_options(api_key="b"), here.model, False)
        second = await other.ask(f"I am {BOB}.", first.id)
        assert ANNA not in second.output_text
        assert "[EMAIL_1]" in second.output_text, "what is not known stays, and is nobody else's"
        assert BOB in second.output_text


async def test_no_value_is_written_anywhere_in_clear(tmp_path: Path) -> None:
    async with house(tmp_path, "xai/m", "responses", remembering(), False) as here:
        first = await here.ask(f"I am {ANNA}.")
        await here.ask("Who am I?", first.id)
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert ANNA.encode() not in file.read_bytes(), file
