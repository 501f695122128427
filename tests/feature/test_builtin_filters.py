"""The filters that are built in, as clients of two APIs see them: both planes, a real service."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.support.agents import Service, says, service
from tests.support.planes import Planes, planes

CONFIG = """\
version: v0.4.0
filters:
{filters}
model_providers:
  - model: local/tiny
    base_url: {model}/v1
    access_key: $TINY_KEY
    default: true
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    input_filters: [{names}]
"""
VOICE = """\
  - id: voice
    type: prompt
    config:
      system: {prepend: Be kind.}
"""
WORDS = """\
  - id: words
    type: patterns
    config:
      deny: [{name: codename, pattern: 'project \\w+', ignore_case: true}]
      message: We do not talk of that.
"""
PRIVACY = """\
  - id: privacy
    type: pii
"""
CLIENTS = ["chat", "messages"]


class House:
    """The planes and a model that speaks chat completions."""

    def __init__(self, made: Planes, model: Service) -> None:
        self.model = model
        self.base = made.url("models")

    async def ask(self, client: str, said: str) -> str:
        """What the model answers to a client of an API."""
        messages: Any = [{"role": "user", "content": said}]
        if client == "messages":
            async with anthropic.AsyncAnthropic(
                base_url=self.base, api_key="sk-client", max_retries=0
            ) as asked:
                told = await asked.messages.create(model="tiny", max_tokens=9, messages=messages)
            (block,) = told.content
            assert block.type == "text"
            return block.text
        async with openai.AsyncOpenAI(
            base_url=f"{self.base}/v1", api_key="sk-client", max_retries=0
        ) as other:
            answer = await other.chat.completions.create(model="tiny", messages=messages)
        return answer.choices[0].message.content or ""

    @property
    def heard(self) -> Any:
        """What the model was asked last: its messages."""
        return self.model.received[-1].body["messages"]


@asynccontextmanager
async def house(tmp_path: Path, filters: str, names: str) -> AsyncIterator[House]:
    async with service(says("Understood", ".")) as model:
        config = CONFIG.format(model=model.url, filters=filters, names=names)
        async with planes(config, tmp_path, environ={"TINY_KEY": "sk-tiny"}) as made:
            yield House(made, model)


@pytest.mark.parametrize("client", CLIENTS)
async def test_instructions_of_the_operator_come_first(tmp_path: Path, client: str) -> None:
    async with house(tmp_path, VOICE, "voice") as here:
        assert await here.ask(client, "Hello") == "Understood."
        assert [one["role"] for one in here.heard] == ["system", "user"]
        assert "Be kind." in json.dumps(here.heard[0])


@pytest.mark.parametrize("client", CLIENTS)
async def test_what_must_not_be_said_reaches_no_model(tmp_path: Path, client: str) -> None:
    async with house(tmp_path, WORDS, "words") as here:
        refusals = (openai.BadRequestError, anthropic.BadRequestError)
        with pytest.raises(refusals) as caught:
            await here.ask(client, "Tell me of Project Apollo")
        assert "We do not talk of that." in str(caught.value)
        assert here.model.received == []
        assert await here.ask(client, "Hello") == "Understood."


@pytest.mark.parametrize("client", CLIENTS)
async def test_personal_data_reaches_no_model(tmp_path: Path, client: str) -> None:
    async with house(tmp_path, PRIVACY, "privacy") as here:
        await here.ask(client, "I am anna@mail.example, card 4111 1111 1111 1111")
        assert "I am [EMAIL_1], card [CARD_1]" in json.dumps(here.heard)


async def test_filters_work_one_after_another(tmp_path: Path) -> None:
    async with house(tmp_path, VOICE + WORDS + PRIVACY, "privacy, words, voice") as here:
        await here.ask("chat", "I am anna@mail.example")
        assert here.heard == [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "I am [EMAIL_1]"},
        ]
