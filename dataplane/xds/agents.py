"""Agents, of the wire -> the values of dataplane/runtime/agents.py."""

from collections.abc import Mapping
from typing import Any

import msgspec
from outriderpb.v1 import agent_pb2

from dataplane.runtime.agents import Agent, AgentProtocol, AgentVersion, Shadow
from dataplane.runtime.auth import Jwks
from dataplane.xds.auth import jwks
from dataplane.xds.fields import BadFieldError, given, same, seconds
from dataplane.xds.retry import changes
from dataplane.xds.secrets import SecretReader

PROTOCOLS: Mapping[int, AgentProtocol] = {
    agent_pb2.AGENT_PROTOCOL_CHAT: AgentProtocol.CHAT,
    agent_pb2.AGENT_PROTOCOL_RESPONSES: AgentProtocol.RESPONSES,
    agent_pb2.AGENT_PROTOCOL_MESSAGES: AgentProtocol.MESSAGES,
    agent_pb2.AGENT_PROTOCOL_A2A: AgentProtocol.A2A,
    agent_pb2.AGENT_PROTOCOL_MCP: AgentProtocol.MCP,
}


def agent(name: str, m: agent_pb2.Agent, _: SecretReader) -> Agent:
    """An agent with its versions. Raises BadFieldError."""
    same(name, m.id, "id")
    protocol = PROTOCOLS.get(m.protocol)
    if protocol is None:
        raise BadFieldError(f"protocol {m.protocol} is not one this data plane knows")
    versions = tuple(map(_version, m.versions))
    if versions and not any(one.weight for one in versions):
        raise BadFieldError("none of its versions gets any conversation")
    shadow = _shadow(m.shadow) if m.HasField("shadow") else None
    if shadow is not None and all(one.name != shadow.version for one in versions):
        raise BadFieldError(f"its shadow is version {shadow.version!r}, which it does not have")
    return Agent(
        name,
        given(m.cluster, "cluster"),
        m.path_prefix,
        changes(m),
        protocol,
        m.drop_untranslatable,
        versions,
        shadow,
        tool=m.tool,
        arguments=_arguments(m.tool_arguments),
        card_keys=_card_keys(m.card_keys) if m.HasField("card_keys") else None,
    )


def _card_keys(m: agent_pb2.CardKeys) -> Jwks:
    found = jwks(m)
    if found is None:
        raise BadFieldError("has a signed card without a place for its keys")
    return found


def _arguments(told: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(told) if told else {}
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadFieldError("tool_arguments is not a JSON object")
    return found


def _version(m: agent_pb2.AgentVersion) -> AgentVersion:
    name = given(m.name, "name for a version")
    cluster = given(m.cluster, f"cluster for version {name!r}")
    return AgentVersion(name, cluster, m.path_prefix, m.weight)


def _shadow(m: agent_pb2.Shadow) -> Shadow:
    default = Shadow("")
    if not 0.0 < m.percent <= 100.0:
        raise BadFieldError(f"the percent of its shadow is {m.percent}")
    return Shadow(
        m.version,
        m.percent,
        m.max_concurrent or default.max_concurrent,
        seconds(m.timeout_ms, default.timeout_s),
        m.answers_file,
    )
