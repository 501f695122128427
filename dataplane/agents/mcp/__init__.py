"""Agents that are tools of MCP servers: which, called with what, answering what. Pure."""
