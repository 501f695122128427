"""The server of tests/interop/mcp, and what the conformance suite says about a URL."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.interop import environ, told
from tests.support.node import command, node, packages

FOLDER = Path(__file__).parents[1] / "interop" / "mcp"
SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"


@asynccontextmanager
async def fixture() -> AsyncIterator[str]:
    """Its URL."""
    process = await asyncio.create_subprocess_exec(
        *command(FOLDER, "fixture.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        # `node` of the wheel is a wrapper: killed, it would leave the server behind
        process.stdin.close()
        await process.wait()


async def conformance(url: str) -> dict[str, tuple[int, int]]:
    """By scenario: checks that passed, and that failed."""
    suite = (str(node() / "node"), str(packages(FOLDER) / SUITE))
    with TemporaryDirectory() as directory:
        out = await told(
            (*suite, "server", "--suite", "all", "--url", url),
            environ(directory),
            Path(directory),
            codes=(0, 1),
        )
    lines = re.findall(r"^\S+ ([\w-]+): (\d+) passed, (\d+) failed", out.decode(), re.MULTILINE)
    return {name: (int(passed), int(failed)) for name, passed, failed in lines}
