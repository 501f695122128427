"""The official A2A clients see the same through a listener as directly."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.types import (
    ListTasksRequest,
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
)

from tests.interop.test_a2a_agents import CONFIG, WIRES, sdk_agent
from tests.support.agents import says, service
from tests.support.node import command
from tests.support.planes import Planes, planes

pytestmark = pytest.mark.interop
BINDINGS = ["JSONRPC", "HTTP+JSON"]


class Desk:
    """The agent, and the listener in front of it."""

    def __init__(self, agent: str, made: Planes) -> None:
        self.agent = agent
        self.gateway = made.url("desk")


@pytest.fixture(params=WIRES, ids="-".join)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    version, binding = request.param
    async with (
        sdk_agent(version, binding) as url,
        planes(CONFIG.format(url=url), tmp_path) as made,
    ):
        yield Desk(url, made)


def message(said: str, context_id: str = "", task_id: str = "") -> SendMessageRequest:
    parts = [Part(text=said)]
    told = Message(
        message_id="m-1",
        role=Role.ROLE_USER,
        parts=parts,
        context_id=context_id,
        task_id=task_id,
    )
    return SendMessageRequest(message=told)


async def events(
    url: str, request: SendMessageRequest, *, streaming: bool = True, binding: str = ""
) -> list[StreamResponse]:
    """What the client of the SDK gets."""
    async with httpx.AsyncClient(timeout=20) as http:
        bindings = [binding] if binding else BINDINGS
        config = ClientConfig(
            httpx_client=http, streaming=streaming, supported_protocol_bindings=bindings
        )
        client = await ClientFactory(config).create_from_url(url)
        return [event async for event in client.send_message(request)]


def kinds(told: list[StreamResponse]) -> list[str]:
    return [event.WhichOneof("payload") or "" for event in told]


@pytest.mark.parametrize("said", ["hello", "cellar", "ask", "fail"])
async def test_same_event_kinds_through_us_as_directly(desk: Desk, said: str) -> None:
    for streaming in (True, False):
        direct = await events(desk.agent, message(said), streaming=streaming)
        for binding in BINDINGS:
            ours = await events(desk.gateway, message(said), streaming=streaming, binding=binding)
            assert kinds(ours) == kinds(direct), (streaming, binding)


@pytest.mark.parametrize("binding", BINDINGS)
async def test_client_lists_its_tasks(desk: Desk, binding: str) -> None:
    async with httpx.AsyncClient(headers={"authorization": "Bearer alice"}) as http:
        config = ClientConfig(httpx_client=http, supported_protocol_bindings=[binding])
        client = await ClientFactory(config).create_from_url(desk.gateway)
        for _ in range(2):
            async for _ in client.send_message(message("cellar")):
                pass
        first = await client.list_tasks(ListTasksRequest(page_size=1, include_artifacts=True))
        assert (len(first.tasks), first.total_size) == (1, 2)
        assert first.tasks[0].artifacts[0].parts[0].text.startswith("cellar")
        more = ListTasksRequest(page_size=1, page_token=first.next_page_token)
        second = await client.list_tasks(more)
        assert second.next_page_token == ""
        assert second.tasks[0].id != first.tasks[0].id
        assert not second.tasks[0].artifacts


NODE = Path(__file__).parent / "a2a_node"
WORDS = ("hello", "cellar", "ask", "fail")


async def run(*command: str) -> tuple[int, str]:
    """Exit code and output of a program."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def in_node(package: str, url: str, binding: str) -> Any:
    code, out = await run(*command(NODE, "client.mjs"), package, url, binding, *WORDS)
    assert code == 0, out
    return json.loads(out)


@pytest.mark.parametrize(
    ("package", "binding"),
    [
        ("@a2a-js/sdk", "JSONRPC"),
        ("@a2a-js/sdk", "HTTP+JSON"),
        ("older-a2a", "JSONRPC"),
        ("older-a2a", "HTTP+JSON"),
    ],
)
async def test_javascript_clients_see_the_same_as_directly(
    tmp_path: Path, package: str, binding: str
) -> None:
    version = "0.3.0" if package == "older-a2a" else "1.0"
    async with (
        sdk_agent(version, "JSONRPC") as url,
        planes(CONFIG.format(url=url), tmp_path) as made,
    ):
        direct = await in_node(package, url, "JSONRPC")
        assert await in_node(package, made.url("desk"), binding) == direct


@pytest.mark.parametrize("protocol", ["chat", "a2a"])
async def test_linter_finds_no_error(tmp_path: Path, protocol: str) -> None:
    async with (
        sdk_agent("0.3.0", "JSONRPC") as agent,
        service(says("Under ", "the mat.")) as helper,
    ):
        config = CONFIG.format(url=agent)
        if protocol == "chat":
            config = CONFIG.format(url=helper.url).replace("protocol: a2a", "protocol: chat")
            config += "        description: Knows where keys are.\n"
        async with planes(config, tmp_path) as made:
            linter = str(Path(sys.executable).with_name("a2a-lint"))
            code, out = await run(linter, "--live", "--strict", made.url("desk"))
            assert code == 0, out
