"""Headers that an operator has requests to an agent carry: secrets of the data plane's machine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientSession

from tests.support.a2a_agent import Agent, a2a_agent, task
from tests.support.agents import Service, says, service
from tests.support.mcp_server import McpFake, mcp_server
from tests.support.mcp_server import says as answers
from tests.support.planes import Planes, planes

TOKEN = "s3cr3t-of-the-writer"
SCHEMA = {
    "type": "object",
    "properties": {"question": {"type": "string"}},
    "required": ["question"],
}
CONFIG = """\
version: v0.4.0
agents:
  - id: writer
    url: {writer}
    headers: {{authorization: Bearer $TOKEN, X-Team: blue}}
  - id: locksmith
    url: {locksmith}
    protocol: a2a
    headers: {{authorization: Bearer $TOKEN}}
  - id: research
    url: {research}
    protocol: mcp
    headers: {{authorization: Bearer $TOKEN}}
listeners:
  - type: agent
    name: writing
    address: 127.0.0.1
    port: 0
    agents: [{{id: writer, description: Writes.}}]
  - {{type: agent, name: keys, address: 127.0.0.1, port: 0, agents: [{{id: locksmith}}]}}
  - {{type: agent, name: facts, address: 127.0.0.1, port: 0, agents: [{{id: research}}]}}
"""


@dataclass
class House:
    """An agent of each kind."""

    planes: Planes
    writer: Service
    locksmith: Agent
    research: McpFake
    http: ClientSession

    async def ask(self, listener: str, **headers: str) -> int:
        """The status of an answer."""
        body = {"model": "any", "messages": [{"role": "user", "content": "Hello"}]}
        url = self.planes.url(listener) + "/v1/chat/completions"
        async with self.http.post(url, json=body, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(service(says("Done.")))
        locksmith = await stack.enter_async_context(
            a2a_agent(lambda _: [task("COMPLETED", "Under the mat.")])
        )
        research = await stack.enter_async_context(
            mcp_server(tools={"ask": answers("In 1825.")}, about={"ask": {"inputSchema": SCHEMA}})
        )
        config = CONFIG.format(writer=writer.url, locksmith=locksmith.url, research=research.url)
        made = await stack.enter_async_context(planes(config, tmp_path, environ={"TOKEN": TOKEN}))
        http = await stack.enter_async_context(ClientSession())
        yield House(made, writer, locksmith, research, http)


async def test_an_agent_gets_them_in_place_of_what_a_client_says(house: House) -> None:
    assert await house.ask("writing", **{"Authorization": "Bearer mine", "x-team": "red"}) == 200
    headers = house.writer.received[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-team"] == "blue"


async def test_who_has_a_card_gets_them_with_the_question_for_it_too(house: House) -> None:
    assert await house.ask("keys") == 200
    agent = house.locksmith
    seen = [one.get("authorization") for one in (*agent.card_headers, *agent.headers)]
    assert len(seen) >= 2
    assert set(seen) == {f"Bearer {TOKEN}"}


async def test_who_is_a_tool_gets_them_with_every_message(house: House) -> None:
    assert await house.ask("facts") == 200
    methods = house.research.methods()
    assert "tools/list" in methods
    assert "tools/call" in methods
    seen = {one.get("authorization") for one in house.research.headers}
    assert seen == {f"Bearer {TOKEN}"}


async def test_no_dump_and_no_log_shows_them(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await house.ask("writing")
    dumped = msgspec.json.encode(await house.planes.workers[0].config_dump()).decode()
    assert '"TOKEN"' in dumped
    assert TOKEN not in dumped + caplog.text
