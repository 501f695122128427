"""Agents of the official A2A SDK behind a listener, asked by clients that know only models."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.support.planes import Planes, planes
from tests.support.ports import free_port

pytestmark = pytest.mark.interop

CONFIG = """\
version: v0.4.0
agents:
  - id: locksmith
    url: {url}
    protocol: a2a
listeners:
  - type: agent
    name: desk
    address: 127.0.0.1
    port: 0
    agents:
      - id: locksmith
"""
WIRES = [("1.0", "JSONRPC"), ("1.0", "HTTP+JSON"), ("0.3.0", "JSONRPC"), ("0.3.0", "HTTP+JSON")]


@asynccontextmanager
async def sdk_agent(version: str, binding: str) -> AsyncIterator[str]:
    """The URL of an agent; killed in the end."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.a2a_server", str(port), version, binding]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


@pytest.fixture(params=WIRES, ids="-".join)
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Planes]:
    version, binding = request.param
    async with (
        sdk_agent(version, binding) as url,
        planes(CONFIG.format(url=url), tmp_path) as made,
    ):
        yield made


async def said(desk: Planes, *turns: str) -> str:
    """The answer to a conversation of user and assistant in turn."""
    messages = [
        {"role": "assistant" if at % 2 else "user", "content": turn}
        for at, turn in enumerate(turns)
    ]
    base = desk.url("desk") + "/v1"
    async with openai.AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as client:
        asked: Any = {"model": "m", "messages": messages}
        stream = await client.chat.completions.create(**asked, stream=True)
        words = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        whole = await client.chat.completions.create(**asked)
        assert len(whole.choices[0].message.content) == len(words)
        return words


async def test_task_message_question_and_context_are_answers(desk: Planes) -> None:
    assert await said(desk, "hello") == "Hello to you."
    assert await said(desk, "ask") == "Which door?"
    first = await said(desk, "cellar")
    assert first.startswith("cellar: under the mat (")
    second = await said(desk, "cellar", first, "attic")
    assert second == first.replace("cellar", "attic")  # the agent's own context goes on


async def test_failed_task_is_an_error(desk: Planes) -> None:
    with pytest.raises(openai.APIStatusError, match="No key fits"):
        await said(desk, "fail")
