"""The official A2A clients see the same through a listener as directly."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.types import (
    Message,
    Part,
    Role,
    SendMessageRequest,
    StreamResponse,
)

from tests.interop.test_a2a_agents import CONFIG, WIRES, sdk_agent
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
