"""The card of a listener. The SDK reads it, as 1.0 and as 0.3."""

import json
from typing import TYPE_CHECKING, Any

from a2a.client.card_resolver import parse_agent_card
from a2a.compat.v0_3 import types

from dataplane.agents.a2a.card import Card, read_card
from dataplane.agents.a2a.own_card import own_card
from dataplane.runtime.auth import Auth, ClientCertificate
from dataplane.runtime.config import AgentTarget, Listener, ListenerKind, Route
from tests.unit.dataplane.agents.a2a.test_card import NEW

if TYPE_CHECKING:
    from a2a.types import AgentCard

BASE = "https://gate.example:8443"


def listener(*targets: AgentTarget, auth: Auth | None = None) -> Listener:
    routes = tuple(Route(target.agent, "desk", target) for target in targets)
    return Listener("desk", ListenerKind.AGENT, "127.0.0.1", 0, routes=routes, auth=auth)


def told(of: Listener, cards: dict[str, Card], *, known: bool = True) -> dict[str, Any]:
    made = own_card(of, cards, BASE, known_caller=known)
    types.AgentCard.model_validate(made | {"securitySchemes": None})
    return made


def locksmith() -> Card:
    secret = {"securitySchemes": {"x": {"type": "http"}}, "signatures": [{"signature": "s"}]}
    found = read_card(NEW | secret | {"version": "3.2.1"}, "")
    assert isinstance(found, Card)
    return found


def test_every_address_is_ours() -> None:
    one = AgentTarget("locksmith", "")
    made = told(listener(one), {"locksmith": locksmith()})
    parsed: AgentCard = parse_agent_card(made)
    assert {one.url for one in parsed.supported_interfaces} == {BASE + "/a2a"}
    assert "http://x" not in json.dumps(made)


def test_single_agents_own_words_are_kept_without_its_signature() -> None:
    made = told(listener(AgentTarget("locksmith", "")), {"locksmith": locksmith()})
    assert (made["name"], made["version"]) == ("Locksmith", "3.2.1")
    assert made["skills"][0]["id"] == "k"
    assert "signatures" not in made
    assert "securitySchemes" not in made
    assert made["capabilities"]["pushNotifications"] is False


def test_several_agents_are_skills() -> None:
    targets = (AgentTarget("a", "Does a.", examples=("Do a",)), AgentTarget("locksmith", ""))
    made = told(listener(*targets), {"locksmith": locksmith()})
    assert [one["id"] for one in made["skills"]] == ["a", "locksmith"]
    assert made["skills"][0]["description"] == "Does a."
    assert made["skills"][0]["examples"] == ["Do a"]
    assert made["skills"][1]["description"] == "Finds keys. Tells where."


def test_card_says_how_callers_show_who_they_are() -> None:
    auth = Auth(api_keys=True, client_certificate=ClientCertificate())
    made = told(listener(AgentTarget("a", "Does a."), auth=auth), {})
    assert set(made["securitySchemes"]) == {"bearer", "certificate"}
    for scheme in made["securitySchemes"].values():
        types.SecurityScheme.model_validate(scheme)
    assert made["security"] == [{"bearer": []}, {"certificate": []}]
    parsed = parse_agent_card(json.loads(json.dumps(made)))
    assert parsed.security_schemes["bearer"].http_auth_security_scheme.scheme == "bearer"
    assert parsed.security_requirements[0].schemes["bearer"]
    own = told(listener(AgentTarget("a", "Does a."), auth=Auth(api_keys=True, own_header=True)), {})
    assert own["securitySchemes"]["key"]["name"] == "x-outrider-key"


def test_who_may_go_without_is_not_asked() -> None:
    auth = Auth(required=False, api_keys=True)
    made = told(listener(AgentTarget("a", "Does a."), auth=auth), {})
    assert made["securitySchemes"]
    assert "security" not in made


def test_strangers_do_not_learn_what_is_behind() -> None:
    made = told(listener(AgentTarget("vault", "Opens."), auth=Auth(api_keys=True)), {}, known=False)
    assert "vault" not in json.dumps(made)
    assert "Opens" not in json.dumps(made)
