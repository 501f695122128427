"""Agents, as the wire tells them."""

import pytest
from outriderpb.v1 import agent_pb2

from dataplane.runtime.agents import AgentVersion
from dataplane.xds.agents import agent
from dataplane.xds.fields import BadFieldError
from dataplane.xds.secrets import Secrets

SECRETS = Secrets({})


def wire(*versions: agent_pb2.AgentVersion) -> agent_pb2.Agent:
    return agent_pb2.Agent(id="a", cluster="agent:a", versions=versions)


def test_versions_keep_their_order_and_weights() -> None:
    one = agent_pb2.AgentVersion(name="v1", cluster="c1", path_prefix="/x", weight=3)
    none = agent_pb2.AgentVersion(name="v2", cluster="c2")
    made = agent("a", wire(one, none), SECRETS)
    assert made.versions == (AgentVersion("v1", "c1", "/x", 3), AgentVersion("v2", "c2", "", 0))


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (agent_pb2.Agent(id="b", cluster="c"), "its id inside is 'b'"),
        (agent_pb2.Agent(id="a"), "has no cluster"),
        (agent_pb2.Agent.FromString(b"\x0a\x01a\x12\x01c\x50\x63"), "protocol 99"),
        (wire(agent_pb2.AgentVersion(name="v", cluster="c")), "none of its versions"),
        (wire(agent_pb2.AgentVersion(cluster="c", weight=1)), "no name for a version"),
        (wire(agent_pb2.AgentVersion(name="v", weight=1)), "no cluster for version 'v'"),
    ],
    ids=["id", "cluster", "protocol", "weights", "name", "version's cluster"],
)
def test_an_agent_that_cannot_be_used_says_why(made: agent_pb2.Agent, problem: str) -> None:
    with pytest.raises(BadFieldError, match=problem):
        agent("a", made, SECRETS)
