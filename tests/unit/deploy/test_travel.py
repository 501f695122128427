"""The travel example: agents that read the whole conversation, and a demo that fits its file."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession, web

from controlplane.translate.compiler import compile_config
from deploy.examples.travel.agents import flights, weather
from deploy.examples.travel.tour import live
from deploy.examples.travel.tour.programs import PORTS, TRAVEL
from deploy.running.chat import Message, application, at_once

CONFIG = TRAVEL / "outrider.yaml"


def user(text: str) -> Message:
    return Message("user", text)


def assistant(text: str, agent: str = "") -> Message:
    return Message("assistant", text, agent)


def test_forecast_is_of_the_city_and_day_asked_for() -> None:
    said = weather.answer([user("Will it rain in Lisbon tomorrow?")])
    assert said == "Lisbon tomorrow: rain, 12 to 17 °C. Take an umbrella."


def test_follow_up_means_the_city_spoken_of() -> None:
    talk = [user("Weather in Oslo?"), assistant("Oslo today: snow."), user("And tomorrow?")]
    assert weather.answer(talk).startswith("Oslo tomorrow: snow")


def test_weather_at_the_place_of_departure_is_not_the_question() -> None:
    said = weather.answer([user("A storm in Lisbon? And flights from Zurich?")])
    assert "Zurich" not in said


def test_small_talk_gets_a_greeting() -> None:
    assert weather.answer([user("Hi, how are you?")]).startswith("Hello!")
    assert flights.answer([user("Hi, how are you?")]).startswith("Hello!")


def test_flights_are_offered_with_times_and_prices() -> None:
    said = flights.answer([user("Find me a flight from Zurich to Rome")])
    assert said.startswith("Zurich to Rome: LX 1726 at 07:05 (arrives 08:35) for 88 euros or ")


def test_the_way_back_leaves_after_the_plane_has_come() -> None:
    said = flights.answer([user("from Rome to Zurich please")])
    assert said.startswith("Rome to Zurich: LX 1726 at 09:45 (arrives 11:15)")


def test_flights_agent_reads_what_the_weather_agent_said_before_it() -> None:
    told = assistant("Lisbon tomorrow: a storm from the sea.", agent="weather")
    question = user("What is the weather in Lisbon, and which flights go there?")
    assert flights.answer([told, question]).endswith("Mind the storm my colleague told you of.")


def test_an_answer_of_an_earlier_turn_is_not_a_colleague() -> None:
    talk = [user("Lisbon?"), assistant("a storm in Lisbon"), user("Flights to Lisbon?")]
    assert "Mind" not in flights.answer(talk)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    runner = web.AppRunner(application("weather", at_once(weather.answer)), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}/v1/chat/completions"
    await runner.cleanup()


async def test_agent_answers_whole_with_usage(url: str) -> None:
    body = {"messages": [{"role": "user", "content": "Rome?"}]}
    async with ClientSession() as session, session.post(url, json=body) as response:
        completion = await response.json()
    assert completion["choices"][0]["message"]["content"].startswith("Rome today: sunshine")
    assert completion["usage"]["prompt_tokens"] == 1


async def test_agent_streams_the_same_words_then_usage(url: str) -> None:
    content = [{"type": "text", "text": "Rome?"}]
    body = {
        "messages": [{"role": "user", "content": content}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    async with ClientSession() as session, session.post(url, json=body) as response:
        events = (await response.text()).split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    text = "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"])
    assert text.startswith("Rome today: sunshine")
    assert chunks[-1]["usage"]["completion_tokens"] > 0


@pytest.mark.parametrize("body", ['{"messages": 3}', "[]", "nonsense", '{"messages": []}'])
async def test_agent_refuses_what_is_no_conversation(url: str, body: str) -> None:
    async with ClientSession() as session, session.post(url, data=body) as response:
        assert response.status == 400
        assert "messages" in (await response.json())["error"]["message"]


async def test_the_demo_edits_a_route_and_the_result_is_another_valid_config(
    tmp_path: Path,
) -> None:
    copied = Path(shutil.copy(CONFIG, tmp_path))
    await asyncio.to_thread(live.edit_route, copied)
    before, after = (compile_config(p.read_text(), str(p), {}) for p in (CONFIG, copied))
    assert before.version != after.version


def test_the_demo_checks_every_port_that_the_config_uses() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    assert {listener["port"] for listener in config["listeners"]} <= PORTS.keys()
    urls = [agent["url"] for agent in config["agents"]]
    urls += [provider["base_url"] for provider in config["model_providers"]]
    assert {int(url.split(":")[2].split("/")[0]) for url in urls} <= PORTS.keys()
