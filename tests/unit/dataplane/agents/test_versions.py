"""Which version of an agent has a conversation."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.agents.versions import all_chosen, chosen, others, shadow_of
from dataplane.runtime.agents import Agent, AgentVersion, Shadow

V1 = AgentVersion("v1", "agent:a@v1", "/one", 3)
V2 = AgentVersion("v2", "agent:a@v2", "", 1)
IDLE = AgentVersion("v0", "agent:a@v0", "", 0)
AGENT = Agent("a", "agent:a@v1", versions=(V1, V2, IDLE))


def test_an_agent_without_versions_is_itself() -> None:
    plain = Agent("b", "agent:b")
    assert chosen(plain, "talk", "v1") is plain


def test_the_chosen_version_is_the_agent_at_its_address() -> None:
    found = chosen(AGENT, "talk", "v1")
    assert (found.cluster, found.path_prefix, found.label) == ("agent:a@v1", "/one", "a@v1")


def test_a_version_that_gets_no_new_conversations_keeps_those_it_has() -> None:
    assert chosen(AGENT, "talk", "v0").version == "v0"


def test_a_version_that_is_gone_is_not_kept() -> None:
    assert chosen(AGENT, "talk", "gone").version in ("v1", "v2")


def test_shares_are_as_the_weights_say() -> None:
    seen = Counter(chosen(AGENT, f"talk {number}").version for number in range(4000))
    assert set(seen) == {"v1", "v2"}
    assert seen["v1"] / 4000 == pytest.approx(0.75, abs=0.03)


@given(st.text(), st.integers(1, 9))
def test_more_weight_only_draws_conversations_and_never_drives_one_away(
    talk: str, more: int
) -> None:
    before = chosen(AGENT, talk).version
    heavier = AgentVersion("v2", V2.cluster, "", V2.weight + more)
    after = chosen(Agent("a", "c", versions=(V1, heavier, IDLE)), talk).version
    assert after in (before, "v2")


@given(st.text(), st.permutations([V1, V2, IDLE]))
def test_the_order_of_versions_does_not_matter(talk: str, versions: list[AgentVersion]) -> None:
    other = Agent("a", "c", versions=tuple(versions))
    assert chosen(other, talk).version == chosen(AGENT, talk).version


def test_only_agents_with_versions_are_chosen() -> None:
    agents = {"a": AGENT, "b": Agent("b", "agent:b")}
    assert list(all_chosen(agents, ["a", "b"], "talk", {})) == ["a"]
    assert all_chosen(agents, ["a"], "talk", {"a": "v0"})["a"].version == "v0"


def test_others_stand_in_by_weight_and_those_without_any_do_not() -> None:
    assert [one.version for one in others(chosen(AGENT, "talk", "v2"))] == ["v1"]
    assert [one.version for one in others(chosen(AGENT, "talk", "v0"))] == ["v1", "v2"]
    assert others(Agent("b", "agent:b")) == ()


def test_a_shadow_is_another_version_or_nobody() -> None:
    agent = Agent("a", "c", versions=(V1, V2, IDLE), shadow=Shadow("v0"))
    shadow = shadow_of(chosen(agent, "talk", "v1"))
    assert shadow is not None
    assert (shadow.cluster, shadow.label) == ("agent:a@v0", "a@v0")
    assert shadow_of(chosen(agent, "talk", "v0")) is None
    assert shadow_of(AGENT) is None
