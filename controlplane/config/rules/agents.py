"""Agents: one id each, an address each."""

from typing import TYPE_CHECKING

from controlplane.config import schema
from controlplane.config.rules import addresses, credentials, keys, tools
from controlplane.config.rules.findings import Findings, suggest
from controlplane.config.schema_versions import AgentVersion

if TYPE_CHECKING:
    from controlplane.config.problem import Path

PATHS = {
    "chat": ("/v1/chat/completions", "/chat/completions", "/v1"),
    "responses": ("/v1/responses", "/responses", "/v1"),
    "messages": ("/v1/messages", "/messages", "/v1"),
    "a2a": ("/.well-known/agent-card.json", "/.well-known/agent.json"),
    "mcp": (),
}
"""What is added to an agent's address, or a part of that, by its protocol."""
WRITTEN = ("traceparent", "tracestate", "x-request-id")
"""How headers begin that say of each request to an agent where it belongs."""
WRITTEN_IN = {"a2a": ("a2a-", "x-a2a-", "accept"), "mcp": ("mcp-", "accept")}
"""Further ones, by protocol."""
SAY_THEMSELVES = ("a2a", "mcp")
"""Protocols in which agents say what they can do."""


def check(config: schema.Config, findings: Findings) -> None:
    """Everything under `agents`."""
    seen: dict[str, Path] = {}
    for index, agent in enumerate(config.agents):
        path: Path = ("agents", index)
        findings.once(seen, agent.id, (*path, "id"), "agent")
        if agent.versions:
            _versions(agent, path, findings)
        else:
            _agent_address(agent, agent.protocol, path, findings)
        tools.check(agent, path, findings)
        _card_keys(agent, path, findings)
        _headers(agent, path, findings)
        if agent.shadow is not None:
            _shadow(agent, agent.shadow.version, (*path, "shadow"), findings)


def _card_keys(agent: schema.Agent, path: "Path", findings: Findings) -> None:
    if agent.card_keys is None:
        return
    at = (*path, "card_keys")
    if agent.protocol != "a2a":
        hint = "cards are what agents of protocol: a2a have"
        findings.add(at, f"means nothing with protocol: {agent.protocol}", hint)
    keys.check(agent.card_keys, "where the keys are that sign the agent's card", at, findings)


def _headers(agent: schema.Agent, path: "Path", findings: Findings) -> None:
    host = "the host of its url is sent; remove it"
    credentials.check_headers(agent.headers, (*path, "headers"), findings, host)
    ours = (*WRITTEN, *WRITTEN_IN.get(agent.protocol, ()))
    for name in agent.headers:
        if name.lower().startswith(ours):
            at = (*path, "headers", name)
            findings.add(at, f"header {name!r} is written by Outrider", "remove it")


def _agent_address(
    service: schema.Agent | AgentVersion, protocol: str, path: "Path", findings: Findings
) -> None:
    _address(service, path, findings, "where the agent is: http://host:port")
    if service.url is not None:
        addresses.check_suffix(findings, (*path, "url"), service.url, PATHS[protocol])
    for at, endpoint in enumerate(service.endpoints or ()):
        where = addresses.place(path, at, findings)
        addresses.check_suffix(findings, where, endpoint.url, PATHS[protocol])


def _shadow(agent: schema.Agent, version: str, path: "Path", findings: Findings) -> None:
    names = [one.name for one in agent.versions]
    if not names:
        findings.add(path, "the agent has no versions", "add 'versions', or remove it")
    elif version not in names:
        hint = suggest(version, names, "versions")
        findings.add((*path, "version"), f"unknown version {version!r}", hint)


def _versions(agent: schema.Agent, path: "Path", findings: Findings) -> None:
    for key, value in (("url", agent.url), ("endpoints", agent.endpoints)):
        if value is not None:
            hint = "each version has an address of its own"
            findings.add((*path, key), f"{key!r} and 'versions' are both given", hint)
    seen: dict[str, Path] = {}
    for index, version in enumerate(agent.versions):
        at: Path = (*path, "versions", index)
        findings.once(seen, version.name, (*at, "name"), "version of this agent")
        _agent_address(version, agent.protocol, at, findings)
    if not any(version.weight for version in agent.versions):
        hint = "give one of them a weight of 1 or more"
        findings.add((*path, "versions"), "no version gets any conversation", hint)


def _address(
    service: schema.Agent | AgentVersion, path: "Path", findings: Findings, hint: str
) -> None:
    absent = service.url is None and service.endpoints is None
    if absent and not findings.blamed((*path, "endpoints")):
        findings.add((*path, "url"), "is missing", hint)
    addresses.check(findings, path, ("url", service.url), service.endpoints)
