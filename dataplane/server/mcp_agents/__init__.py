"""Agents that are tools of MCP servers, as they are asked."""
