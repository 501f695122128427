"""The examples of frameworks without these: the scripted model, and what they agree on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession, web

from deploy.examples.frameworks import programs
from deploy.examples.frameworks.cities import look_up
from deploy.examples.frameworks.model import Model, answer

TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"city": {}}, "required": ["city"]},
    },
}
ASKED: dict[str, Any] = {
    "role": "user",
    "content": [{"type": "text", "text": "Write to me about Genoa, please."}],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "Genoa is old."}


def test_model_calls_the_first_tool_with_what_is_asked_about() -> None:
    assert answer([ASKED], [TOOL]) == {"name": "look_up", "arguments": '{"city": "Genoa"}'}


def test_model_says_what_the_tool_has_found() -> None:
    call = {"role": "assistant", "content": None}
    assert answer([ASKED, call, RESULT], [TOOL]) == "I found: Genoa is old."


def test_model_without_tools_writes_what_somebody_has_found_before() -> None:
    told = {"role": "assistant", "name": "researcher", "content": "I found: Genoa is old."}
    assert answer([told, ASKED], []) == "Dear reader, Genoa is old."
    assert answer([ASKED], []) == "I know of nothing."


def test_result_of_an_earlier_turn_is_not_one_of_this() -> None:
    talk = [ASKED, RESULT, {"role": "user", "content": "And now about Bergen"}]
    assert answer(talk, [TOOL]) == {"name": "look_up", "arguments": '{"city": "Bergen"}'}


def test_tool_says_what_it_does_not_know() -> None:
    assert "Lanterna" in look_up("Genoa")
    assert look_up("Atlantis") == "Nothing is known of 'Atlantis'."


@pytest.fixture
async def model() -> AsyncIterator[tuple[Model, str]]:
    async def at_once() -> None:
        pass

    made = Model(pause=at_once)
    runner = web.AppRunner(made.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield made, f"http://{host}:{port}"
    await runner.cleanup()


async def streamed(url: str, **body: Any) -> list[dict[str, Any]]:
    """The chunks of a stream; it ends as one should."""
    asked = {"model": "scripted", "stream": True, "messages": [ASKED], **body}
    async with ClientSession() as http, http.post(f"{url}/v1/chat/completions", json=asked) as told:
        *events, done, rest = (await told.text()).split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


async def test_model_streams_a_call_in_pieces(model: tuple[Model, str]) -> None:
    chunks = await streamed(model[1], tools=[TOOL])
    choices = [chunk["choices"][0] for chunk in chunks]
    calls = [one for choice in choices for one in choice["delta"].get("tool_calls", [])]
    assert calls[0]["id"] == "call_1"
    assert [one["function"].get("name") for one in calls] == ["look_up", None]
    assert "".join(one["function"]["arguments"] for one in calls) == '{"city": "Genoa"}'
    assert choices[-1]["finish_reason"] == "tool_calls"


async def test_model_tells_usage_where_it_is_asked_to_and_books_it(
    model: tuple[Model, str],
) -> None:
    made, url = model
    quiet = await streamed(url)
    told = await streamed(url, stream_options={"include_usage": True})
    assert not any("usage" in chunk for chunk in quiet)
    entry = made.ledger[1]
    assert told[-1]["usage"] == {
        "prompt_tokens": entry.input_tokens,
        "completion_tokens": entry.output_tokens,
        "total_tokens": entry.input_tokens + entry.output_tokens,
    }
    async with ClientSession() as http, http.get(f"{url}/ledger") as ledger:
        assert [one["text"] for one in await ledger.json()] == ["I know of nothing."] * 2


@pytest.mark.parametrize("body", ["", "{}", '{"model": "m", "messages": 7}'])
async def test_model_refuses_what_is_no_request(model: tuple[Model, str], body: str) -> None:
    url = f"{model[1]}/v1/chat/completions"
    async with ClientSession() as http, http.post(url, data=body) as told:
        assert told.status == 400
        assert "error" in await told.json()


def test_examples_check_every_port_that_the_config_uses() -> None:
    config = yaml.safe_load((programs.HERE / "outrider.yaml").read_text())
    assert {listener["port"] for listener in config["listeners"]} <= programs.PORTS.keys()
    urls = [agent["url"] for agent in config["agents"]]
    urls += [provider["base_url"] for provider in config["model_providers"]]
    urls += [config["tracing"]["opentracing_grpc_endpoint"]]
    assert {int(url.split(":")[2].split("/")[0]) for url in urls} <= programs.PORTS.keys()


def test_every_example_has_its_command_in_the_readme() -> None:
    readme = (programs.HERE / "README.md").read_text()
    for name in programs.frameworks():
        assert f"`make example-{name}`" in readme
        assert f"make example-{name}" in (programs.HERE / name / "README.md").read_text()
