"""Filters that are tools of MCP servers."""
