"""Agents and filters: one id each, an address each."""

from typing import TYPE_CHECKING

from controlplane.config import schema
from controlplane.config.rules import addresses
from controlplane.config.rules.findings import Findings

if TYPE_CHECKING:
    from controlplane.config.problem import Path

CHAT_PATHS = ("/v1/chat/completions", "/chat/completions", "/v1")


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `agents` and `filters`."""
    seen: dict[str, Path] = {}
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index)
        findings.once(seen, agent.id, (*path, "id"), "agent")
        absent = agent.url is None and agent.endpoints is None
        if absent and not findings.blamed((*path, "endpoints")):
            findings.add((*path, "url"), "is missing", "where the agent is: http://host:port")
        addresses.check(findings, path, ("url", agent.url), agent.endpoints)
        if agent.url is not None:
            addresses.check_suffix(findings, (*path, "url"), agent.url, CHAT_PATHS)
        for at, url in enumerate(agent.endpoints or ()):
            addresses.check_suffix(findings, (*path, "endpoints", at), url, CHAT_PATHS)
    for index, one in enumerate(config.filters):
        findings.once(seen, one.id, ("filters", index, "id"), "agent or filter")
