"""The `mcp` package on both sides of us, and what jbt-mcpcheck says of a server behind us."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.interop.test_mcp_conformance import CONFIG
from tests.support.interop import CLIENTS, ROOT, environ, environment, told
from tests.support.planes import planes

PACKAGES = ("mcp==2.3.0", "jbt-mcpcheck==0.1.1", "uvicorn==0.54.0")
CLIENT = """
import asyncio, json, sys, mcp
async def main(url):
    for mode in ("auto", "legacy"):
        async with mcp.Client(url, mode=mode) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            said = (await client.call_tool("echo", {"text": mode})).content[0].text
            print(json.dumps([client.session.discover_result is not None, listed, said]))
asyncio.run(main(sys.argv[1]))
"""


@asynccontextmanager
async def server(python: str, home: Path) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        *(python, "-m", f"{CLIENTS}.mcp_server"),
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


@pytest.mark.interop
async def test_sdk_and_mcpcheck_see_the_server_behind_us(tmp_path: Path) -> None:
    python = environment("mcp", PACKAGES)
    home = environ(str(tmp_path))
    async with server(python, tmp_path) as url, planes(CONFIG.format(url=url), tmp_path) as made:
        through = f"{made.url('tools')}/mcp"
        seen = await told((python, "-c", CLIENT, through), home)
        assert [json.loads(line) for line in seen.splitlines()] == [
            [True, ["echo"], "auto"],
            [False, ["echo"], "legacy"],
        ]
        check = str(Path(python).with_name("mcpcheck"))
        said = await told((check, through, "--probe", "all"), home)
        assert b"All 8 checks passed" in said, said.decode()
        assert b"warning" not in said, said.decode()
