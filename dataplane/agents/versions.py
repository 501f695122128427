"""Which version of an agent has a conversation. Pure.

Rule: what is remembered holds as long as the version exists. Else the same conversation gets the
same version of the same choice, whoever chooses, so a store that has forgotten changes nothing; and
other weights move no more conversations than they must.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from math import log

from dataplane.runtime.agents import Agent, AgentVersion

_BITS = 53
"""Of a hash, as many as a float holds."""


def chosen(agent: Agent, conversation: str, kept: str = "") -> Agent:
    """The agent as one of its versions; itself when it has none.

    :param conversation: what tells one conversation from others.
    :param kept: the version that it has had, as far as anybody remembers.
    """
    if not agent.versions:
        return agent
    for version in agent.versions:
        if version.name == kept:
            return as_version(agent, version)
    return as_version(agent, max(agent.versions, key=lambda one: _claim(agent, one, conversation)))


def others(agent: Agent) -> tuple[Agent, ...]:
    """The versions that can stand in for the one that was chosen, the heaviest first."""
    left = [one for one in agent.versions if one.weight and one.name != agent.version]
    left.sort(key=lambda one: -one.weight)
    return tuple(as_version(agent, one) for one in left)


def shadow_of(agent: Agent) -> Agent | None:
    """The version that gets the same request; None when there is none, or it answers itself."""
    shadow = agent.shadow
    if shadow is None or shadow.version == agent.version:
        return None
    found = (as_version(agent, one) for one in agent.versions if one.name == shadow.version)
    return next(found, None)


def as_version(agent: Agent, version: AgentVersion) -> Agent:
    """The agent, at the address of a version."""
    return replace(
        agent, cluster=version.cluster, path_prefix=version.path_prefix, version=version.name
    )


def all_chosen(
    agents: Mapping[str, Agent], ids: Iterable[str], conversation: str, kept: Mapping[str, str]
) -> dict[str, Agent]:
    """Those of `ids` that have versions, each as one of them."""
    return {
        id_: chosen(agents[id_], conversation, kept.get(id_, ""))
        for id_ in ids
        if agents[id_].versions
    }


def _claim(agent: Agent, version: AgentVersion, conversation: str) -> float:
    """How much a version wants a conversation (weighted rendezvous hashing)."""
    if not version.weight:
        return 0.0
    told = f"{agent.id}\n{version.name}\n{conversation}".encode("utf-8", "surrogatepass")
    drawn = int.from_bytes(blake2b(told, digest_size=8).digest()) >> (64 - _BITS)
    return version.weight / -log((drawn + 0.5) / (1 << _BITS))
