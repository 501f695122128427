"""`type: mcp`."""

from controlplane.config.filters.http import AnswersConfig
from controlplane.config.filters.kind import Address, Kind


class McpConfig(AnswersConfig):
    """A tool of an MCP server, called with `body` and `path`; its result goes on instead. Sessions
    (up to 2025-11-25) and requests without (2026-07-28) are both spoken."""


KIND = Kind(McpConfig, Address.REQUIRED)
