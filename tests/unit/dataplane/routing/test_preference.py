"""Preferences that requests bring along, and how routers read preferences."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.routing.preference import MAX_INLINE, OTHER, Taken, as_agents, chosen, take_out
from dataplane.runtime.choosing import Prefer, Preference
from dataplane.runtime.decision import Decision
from dataplane.runtime.messages import LocalReply

ONE = {"name": "code", "description": "Writes code.", "models": ["a", "b"]}
CODE = Preference("code", "Writes code.", ("a", "b"))
TALK = Preference("talk", "Talks.", ("c",), position=1)


def body(**fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [], **fields}).encode()


def test_body_without_anything_for_us_is_the_same_object() -> None:
    sent = body(metadata={"user": "a"})
    assert take_out(sent) == Taken(sent)


def test_preferences_are_taken_out_and_everything_else_stays() -> None:
    sent = body(seed=1.50, routing_preferences=[ONE])
    taken = take_out(sent)
    assert isinstance(taken, Taken)
    assert taken.preferences == (CODE,)
    assert json.loads(taken.body) == {"model": "m", "messages": [], "seed": 1.5}
    assert b"1.5" in taken.body


def test_null_means_that_there_are_none() -> None:
    taken = take_out(body(routing_preferences=None))
    assert isinstance(taken, Taken)
    assert taken.preferences is None
    assert b"routing_preferences" not in taken.body


@pytest.mark.parametrize("prefer", ["cheapest", "fastest", "none", "", None])
def test_ranking_is_read(prefer: str | None) -> None:
    taken = take_out(body(routing_preferences=[{**ONE, "selection_policy": {"prefer": prefer}}]))
    assert isinstance(taken, Taken)
    assert taken.preferences is not None
    assert taken.preferences[0].prefer is Prefer(prefer or "none")


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("text", id="no list"),
        pytest.param([{"name": "x"}], id="keys missing"),
        pytest.param([{**ONE, "models": []}], id="no models"),
        pytest.param([{**ONE, "name": ""}], id="no name"),
        pytest.param([ONE, ONE], id="one name twice"),
        pytest.param([{**ONE, "selection_policy": {"prefer": "best"}}], id="unknown ranking"),
        pytest.param([{**ONE, "name": str(n)} for n in range(MAX_INLINE + 1)], id="too many"),
    ],
)
def test_preferences_that_cannot_be_used_are_refused(given: object) -> None:
    refused = take_out(body(routing_preferences=given))
    assert isinstance(refused, LocalReply)
    assert refused.status == 400
    assert "routing_preferences" in refused.message


def test_text_that_merely_mentions_them_is_no_preference() -> None:
    sent = body(messages=[{"role": "user", "content": 'what is "routing_preferences"?'}])
    assert take_out(sent) == Taken(sent)


def test_what_old_clients_put_into_metadata_is_dropped() -> None:
    sent = body(metadata={"plano_preference_config": "x", "user": "a"})
    taken = take_out(sent)
    assert isinstance(taken, Taken)
    assert json.loads(taken.body)["metadata"] == {"user": "a"}
    alone = take_out(body(metadata={"archgw_preference_config": "x"}))
    assert isinstance(alone, Taken)
    assert "metadata" not in json.loads(alone.body)


@given(st.binary(max_size=80))
def test_any_bytes_are_taken_apart_or_refused(data: bytes) -> None:
    take_out(b'{"routing_preferences"' + data)


def test_a_single_preference_has_somebody_to_compete_with() -> None:
    assert [agent.agent for agent in as_agents([CODE])] == ["code", OTHER]
    assert [agent.agent for agent in as_agents([CODE, TALK])] == ["code", "talk"]


@pytest.mark.parametrize(
    ("agents", "fits"), [((), None), ((OTHER,), None), ((OTHER, "talk"), TALK), (("code",), CODE)]
)
def test_first_preference_of_a_decision_counts(
    agents: tuple[str, ...], fits: Preference | None
) -> None:
    assert chosen(Decision(agents, (), "", "bm25"), [CODE, TALK]) == fits
