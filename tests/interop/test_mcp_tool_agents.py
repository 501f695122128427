"""Agents that are tools of servers of the official SDK, one release of each generation."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.support.interop import CLIENTS, ROOT, environ, environment
from tests.support.planes import planes

RELEASES = {
    "sessions": ("mcp-1", ("mcp==1.30.0", "uvicorn==0.54.0")),
    "both": ("mcp", ("mcp==2.3.0", "jbt-mcpcheck==0.1.1", "uvicorn==0.54.0")),
}
CONFIG = """\
version: v0.4.0
agents:
  - id: research
    url: {url}
    protocol: mcp
    tool: research
    arguments: {{question: "{{conversation}}", depth: 2}}
listeners:
  - {{type: agent, name: desk, address: 127.0.0.1, port: 0, agents: [{{id: research}}]}}
"""


@asynccontextmanager
async def server(python: str, home: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(python, "-m", f"{CLIENTS}.mcp_agent"),
        cwd=ROOT,
        env=environ(str(home)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()


async def ask(url: str, said: str, **more: Any) -> tuple[int, str]:
    body = {"model": "m", "messages": [{"role": "user", "content": said}], **more}
    headers = {"x-outrider-progress": "events"}
    async with (
        ClientSession(headers=headers) as session,
        session.post(f"{url}/v1/chat/completions", json=body) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.interop
@pytest.mark.parametrize("release", RELEASES)
async def test_tool_of_the_sdk_is_an_agent(release: str, tmp_path: Path) -> None:
    python = environment(*RELEASES[release])
    async with server(python, tmp_path) as url, planes(CONFIG.format(url=url), tmp_path) as made:
        desk = made.url("desk")
        status, body = await ask(desk, "Trains?")
        said = json.loads(body)["choices"][0]["message"]["content"]
        assert (status, said) == (200, "Of 'Trains?' there is much to say.")
        status, body = await ask(desk, "Trains?", stream=True)
        assert "Reading book 1." in body
        assert "there is much to say." in body
        assert body.endswith("data: [DONE]\n\n")
        status, body = await ask(desk, "fail")
        assert status == 424
        assert "Error executing tool research" in body
