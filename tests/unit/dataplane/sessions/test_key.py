"""Which conversation a request belongs to."""

from dataclasses import replace
from typing import Any

import pytest

from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, Request, Tool
from dataplane.runtime.decision import Turn
from dataplane.runtime.protocols import Protocol
from dataplane.sessions.key import MAX_ID, Session, prefix_hash, session_of, talk_of

ASKED = Request(
    "m",
    False,
    Protocol.CHAT,
    [Message("user", [Text("first")]), Message("user", [Text("second")])],
    system=[Text("be brief")],
    tools=[Tool("f", "does")],
)


def changed(**fields: Any) -> Request:
    return replace(ASKED, **fields)


def session(request: Request = ASKED, affinity: str = "", tenant: str = "") -> Session:
    found = session_of(request, affinity, tenant, implicit=True)
    assert found is not None
    return found


def test_clients_own_word_is_the_session() -> None:
    found = session(affinity="mine")
    assert (found.id, found.explicit) == ("mine", True)


def test_conversation_without_a_word_is_known_by_how_it_began() -> None:
    longer = changed(messages=[*ASKED.messages, Message("user", [Text("third")])])
    assert session(longer) == session()
    assert session().id.startswith("implicit:")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(changed(system=[Text("be long")]), id="instructions"),
        pytest.param(changed(tools=[Tool("g")]), id="tools"),
        pytest.param(changed(messages=[Message("user", [Text("fir")])]), id="first words"),
    ],
)
def test_conversation_that_began_otherwise_is_another(other: Request) -> None:
    assert session(other).key != session().key


def test_tools_are_known_by_name_alone() -> None:
    assert session(changed(tools=[Tool("f", "does more")])).key == session().key


@pytest.mark.parametrize("affinity", ["", "mine"])
def test_tenants_do_not_share_sessions(affinity: str) -> None:
    keys = {session(affinity=affinity, tenant=tenant).key for tenant in ("", "a", "b")}
    assert len(keys) == 3


@pytest.mark.parametrize("affinity", ["", "mine"])
def test_another_model_is_another_lane_of_the_session(affinity: str) -> None:
    assert session(changed(model="n"), affinity).key != session(affinity=affinity).key


def test_long_words_differ_to_their_end() -> None:
    one, two = session(affinity="x" * 500 + "1"), session(affinity="x" * 500 + "2")
    assert one.key != two.key
    assert len(one.id) == MAX_ID


def test_without_first_words_there_is_no_session() -> None:
    assert session_of(changed(messages=[]), "", "", implicit=True) is None


def test_sessions_that_nobody_asked_for_are_not_made() -> None:
    assert session_of(ASKED, "", "", implicit=False) is None


def test_half_a_surrogate_pair_is_no_error() -> None:
    session(changed(system=[Text("\ud800")]))


def test_prefix_does_not_depend_on_what_was_asked() -> None:
    assert prefix_hash(changed(messages=[]), "") == prefix_hash(ASKED, "")
    assert prefix_hash(ASKED, "a") != prefix_hash(ASKED, "")


SAID = (Turn("system", "be brief"), Turn("user", "first"), Turn("assistant", "yes"))


def talk(turns: tuple[Turn, ...] = SAID, affinity: str = "", **more: str) -> Session | None:
    at = {"listener": "desk", "tenant": "acme"} | more
    return talk_of(turns, affinity, at["listener"], at["tenant"], implicit=not affinity)


def test_talk_with_agents_is_known_by_how_it_began() -> None:
    assert talk((*SAID, Turn("user", "second"))) == talk()


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(talk((Turn("user", "first"),)), id="instructions"),
        pytest.param(talk((*SAID[:1], Turn("user", "other"))), id="first words"),
        pytest.param(talk(listener="other"), id="listener"),
        pytest.param(talk(tenant="other"), id="tenant"),
    ],
)
def test_talk_that_began_otherwise_is_another(other: Session | None) -> None:
    mine = talk()
    assert mine is not None
    assert other is not None
    assert mine.key != other.key


def test_talk_of_another_tenant_with_the_same_word_is_another() -> None:
    mine, other = talk(affinity="word"), talk(affinity="word", tenant="other")
    assert mine is not None
    assert other is not None
    assert (mine.id, mine.explicit) == (other.id, True) == ("word", True)
    assert mine.key != other.key


def test_talk_without_words_or_without_need_has_no_session() -> None:
    assert talk((Turn("user", ""),)) is None
    assert talk_of(SAID, "", "desk", "", implicit=False) is None
