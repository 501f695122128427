"""Agents: one id each, an address each."""

from typing import TYPE_CHECKING

from controlplane.config import schema
from controlplane.config.rules import addresses
from controlplane.config.rules.findings import Findings

if TYPE_CHECKING:
    from controlplane.config.problem import Path

PATHS = {
    "chat": ("/v1/chat/completions", "/chat/completions", "/v1"),
    "responses": ("/v1/responses", "/responses", "/v1"),
    "messages": ("/v1/messages", "/messages", "/v1"),
}
"""What is added to an agent's address, or a part of that, by its protocol."""


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `agents`."""
    seen: dict[str, Path] = {}
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index)
        findings.once(seen, agent.id, (*path, "id"), "agent")
        _address(agent, path, findings, "where the agent is: http://host:port")
        if agent.url is not None:
            addresses.check_suffix(findings, (*path, "url"), agent.url, PATHS[agent.protocol])
        for at, endpoint in enumerate(agent.endpoints or ()):
            where = addresses.place(path, at, findings)
            addresses.check_suffix(findings, where, endpoint.url, PATHS[agent.protocol])


def _address(service: schema.Agent, path: "Path", findings: Findings, hint: str) -> None:
    absent = service.url is None and service.endpoints is None
    if absent and not findings.blamed((*path, "endpoints")):
        findings.add((*path, "url"), "is missing", hint)
    addresses.check(findings, path, ("url", service.url), service.endpoints)
