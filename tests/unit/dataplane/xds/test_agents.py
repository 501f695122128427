"""Agents, as the wire tells them."""

import pytest
from outriderpb.v1 import agent_pb2

from dataplane.runtime.agents import AgentProtocol, AgentVersion, Shadow
from dataplane.xds.agents import agent
from dataplane.xds.fields import BadFieldError
from dataplane.xds.secrets import Secrets

SECRETS = Secrets({})


def wire(*versions: agent_pb2.AgentVersion) -> agent_pb2.Agent:
    return agent_pb2.Agent(id="a", cluster="agent:a", versions=versions)


def shadowed(version: str, percent: float) -> agent_pb2.Agent:
    made = wire(agent_pb2.AgentVersion(name="v", cluster="c", weight=1))
    made.shadow.CopyFrom(agent_pb2.Shadow(version=version, percent=percent))
    return made


def test_a_shadow_that_says_nothing_has_the_defaults() -> None:
    assert agent("a", shadowed("v", 100.0), SECRETS).shadow == Shadow("v")


def test_versions_keep_their_order_and_weights() -> None:
    one = agent_pb2.AgentVersion(name="v1", cluster="c1", path_prefix="/x", weight=3)
    none = agent_pb2.AgentVersion(name="v2", cluster="c2")
    made = agent("a", wire(one, none), SECRETS)
    assert made.versions == (AgentVersion("v1", "c1", "/x", 3), AgentVersion("v2", "c2", "", 0))


def test_a_tool_has_its_name_and_arguments() -> None:
    told = '{"q": "{message}", "depth": 2}'
    kind = agent_pb2.AGENT_PROTOCOL_MCP
    m = agent_pb2.Agent(id="a", cluster="c", protocol=kind, tool="ask", tool_arguments=told)
    made = agent("a", m, SECRETS)
    assert (made.protocol, made.tool) == (AgentProtocol.MCP, "ask")
    assert made.arguments == {"q": "{message}", "depth": 2}


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (agent_pb2.Agent(id="b", cluster="c"), "its id inside is 'b'"),
        (agent_pb2.Agent(id="a"), "has no cluster"),
        (agent_pb2.Agent.FromString(b"\x0a\x01a\x12\x01c\x50\x63"), "protocol 99"),
        (wire(agent_pb2.AgentVersion(name="v", cluster="c")), "none of its versions"),
        (wire(agent_pb2.AgentVersion(cluster="c", weight=1)), "no name for a version"),
        (shadowed(version="v", percent=0), "the percent of its shadow is 0"),
        (shadowed(version="gone", percent=1), "its shadow is version 'gone'"),
        (wire(agent_pb2.AgentVersion(name="v", weight=1)), "no cluster for version 'v'"),
        (agent_pb2.Agent(id="a", cluster="c", tool_arguments="[1]"), "is not a JSON object"),
    ],
    ids=[
        "id",
        "cluster",
        "protocol",
        "weights",
        "name",
        "percent",
        "shadow",
        "version's cluster",
        "arguments",
    ],
)
def test_an_agent_that_cannot_be_used_says_why(made: agent_pb2.Agent, problem: str) -> None:
    with pytest.raises(BadFieldError, match=problem):
        agent("a", made, SECRETS)
