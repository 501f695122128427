"""What @modelcontextprotocol/conformance says of a server, it says of it behind us."""

from pathlib import Path

import pytest

from tests.support.mcp_fixture import conformance, fixture
from tests.support.planes import planes

CONFIG = """\
version: v0.4.0
mcp_servers:
  - {{id: fixture, url: "{url}"}}
listeners:
  - {{type: mcp, name: tools, address: 127.0.0.1, port: 0, mcp_servers: [fixture]}}
"""


@pytest.mark.interop
async def test_server_behind_us_passes_what_it_passes_directly(tmp_path: Path) -> None:
    async with fixture() as url, planes(CONFIG.format(url=url), tmp_path) as made:
        directly = await conformance(url)
        through = await conformance(f"{made.url('tools')}/mcp")
    assert sum(passed for passed, _ in directly.values()) == 44
    assert through == directly
