"""Descriptions that agents give of themselves."""

from dataplane.agents.a2a.card import Card, read_card
from dataplane.agents.described import described
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind, Route, RuntimeConfig
from tests.unit.dataplane.agents.a2a.test_card import NEW


def config(description: str) -> RuntimeConfig:
    route = Route("desk/locksmith", "desk", AgentTarget("locksmith", description))
    listener = Listener(
        "desk", ListenerKind.AGENT, "127.0.0.1", 0, routes=(route,), default_route=route
    )
    return RuntimeConfig(listeners={"desk": listener})


def cards() -> dict[str, Card]:
    card = read_card(NEW, "")
    assert isinstance(card, Card)
    return {"locksmith": card}


def test_description_that_is_left_out_is_the_cards() -> None:
    made = described(config(""), cards()).listeners["desk"]
    target = made.routes[0].target
    assert isinstance(target, AgentTarget)
    assert target.description == "Finds keys. Tells where."
    assert target.examples == ("Where?",)
    assert made.default_route is made.routes[0]


def test_operators_own_words_stay() -> None:
    given = config("Opens doors.")
    assert described(given, cards()) is given


def test_without_a_card_nothing_changes() -> None:
    given = config("")
    assert described(given, {}) is given
