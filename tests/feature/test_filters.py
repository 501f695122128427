"""HTTP filters before agents and models, as clients see them: both planes, real services."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.support.agents import Service, never, replies, says, service
from tests.support.planes import Planes, planes

CONFIG = """\
version: v0.4.0
agents:
  - id: helper
    url: {agent}
filters:
  - id: guard
    type: http
    url: {guard}/check
    timeout: 10s
model_providers:
  - model: local/tiny
    base_url: {model}/v1
    access_key: $TINY_KEY
    default: true
listeners:
  - type: agent
    name: agents
    address: 127.0.0.1
    port: 0
    input_filters: [guard]
    agents:
      - id: helper
        description: Helps.
  - type: agent
    name: one-agent
    address: 127.0.0.1
    port: 0
    agents:
      - id: helper
        description: Helps.
        input_filters: [guard]
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    input_filters: [guard]
"""
LISTENERS = ["agents", "one-agent", "models"]
SECRET = {"role": "user", "content": "My card is 4111."}
MASKED = {"role": "user", "content": "My card is ***."}


class House:
    """The planes, an agent, a model and a filter."""

    def __init__(
        self, made: Planes, config: str, agent: Service, model: Service, guard: Service
    ) -> None:
        self.planes = made
        self.config = config
        self.agent = agent
        self.model = model
        self.guard = guard

    async def ask(self, listener: str, **more: Any) -> str:
        base = self.planes.url(listener) + "/v1"
        async with openai.AsyncOpenAI(base_url=base, api_key="sk-client", max_retries=0) as client:
            asked: Any = {"model": "tiny", "messages": [SECRET], **more}
            answer = await client.chat.completions.create(**asked)
            if not more:
                return answer.choices[0].message.content or ""
            return "".join([c.choices[0].delta.content or "" async for c in answer if c.choices])

    def received(self, listener: str) -> list[Any]:
        return (self.model if listener == "models" else self.agent).received


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with (
        service(says("Understood", ".")) as agent,
        service(says("Understood", ".")) as model,
        service(replies(200, {"model": "tiny", "messages": [MASKED]})) as guard,
    ):
        config = CONFIG.format(agent=agent.url, model=model.url, guard=guard.url)
        async with planes(config, tmp_path, environ={"TINY_KEY": "sk-tiny"}) as made:
            yield House(made, config, agent, model, guard)


@pytest.mark.parametrize("listener", LISTENERS)
async def test_filter_changes_what_is_read(house: House, listener: str) -> None:
    assert await house.ask(listener) == "Understood."
    (got,) = house.received(listener)
    assert got.body["messages"] == [MASKED]
    (checked,) = house.guard.received
    assert checked.path == "/check/v1/chat/completions"
    assert checked.body == {"model": "tiny", "messages": [SECRET]}
    assert "authorization" not in checked.headers
    assert checked.headers["x-request-id"] == got.headers["x-request-id"]
    assert checked.headers["traceparent"][3:35] == got.headers["traceparent"][3:35]


async def test_model_is_called_with_its_own_key_after_the_filter(house: House) -> None:
    await house.ask("models")
    assert house.model.received[0].headers["authorization"] == "Bearer sk-tiny"


async def test_streams_pass_behind_a_filter(house: House) -> None:
    streamed = {"model": "tiny", "messages": [MASKED], "stream": True}
    house.guard.answer = replies(200, streamed)
    for listener in LISTENERS:
        assert await house.ask(listener, stream=True) == "Understood."


@pytest.mark.parametrize("listener", LISTENERS)
async def test_refusal_ends_the_request(house: House, listener: str) -> None:
    house.guard.answer = replies(422, {"error": {"message": "a card number"}})
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        await house.ask(listener)
    assert caught.value.code == "filter_refused"
    assert "Filter 'guard' refused the request: a card number" in caught.value.message
    assert caught.value.response.headers["x-outrider-detail"] == "filter_refused"
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["filter_response"] == {"error": {"message": "a card number"}}
    assert house.received(listener) == []


@pytest.mark.parametrize("listener", LISTENERS)
async def test_filter_that_fails_lets_nothing_through(house: House, listener: str) -> None:
    house.guard.answer = replies(500)
    with pytest.raises(openai.InternalServerError) as caught:
        await house.ask(listener)
    assert (caught.value.status_code, caught.value.code) == (502, "filter_failed")
    assert house.received(listener) == []


@pytest.mark.parametrize("listener", LISTENERS)
async def test_filter_that_makes_no_request_of_it_has_failed(house: House, listener: str) -> None:
    house.guard.answer = replies(200, {"ok": True})
    with pytest.raises(openai.InternalServerError) as caught:
        await house.ask(listener)
    assert (caught.value.status_code, caught.value.code) == (502, "filter_failed")
    assert "Filter 'guard' spoilt the request" in caught.value.message


@pytest.mark.parametrize("listener", LISTENERS)
async def test_slow_filter_is_a_504(house: House, listener: str) -> None:
    await house.planes.apply(house.config.replace("timeout: 10s", "timeout: 100ms"))
    house.guard.answer = never()
    with pytest.raises(openai.InternalServerError) as caught:
        await house.ask(listener)
    assert (caught.value.status_code, caught.value.code) == (504, "filter_timeout")
    assert house.received(listener) == []
