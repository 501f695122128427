"""What is not wrong but probably not meant."""

import pytest

from controlplane.config.check import notes
from controlplane.config.parse import parse
from controlplane.config.rules.descriptions import likeness

HEAD = "version: v0.4.0\nlisteners: [{type: model, name: m}]\n"


def told(text: str) -> list[str]:
    return [str(note) for note in notes(parse(HEAD + text, "a.yaml"))]


def test_the_older_name_of_the_providers_is_told() -> None:
    text = "llm_providers:\n  - model: openai/gpt-4o\n"
    assert told(text) == [
        "a.yaml:3: llm_providers: is the older name (rename it to 'model_providers')"
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_key", "$KEY"),
        ("access_keys", "[$KEY, $OTHER]"),
    ],
)
def test_a_key_beside_the_clients_own_credential_is_told(key: str, value: str) -> None:
    text = "model_providers:\n  - model: openai/gpt-4o\n    passthrough_auth: true\n"
    assert told(f"{text}    {key}: {value}\n") == [
        f"a.yaml:6: model_providers[0].{key}: is not used: passthrough_auth is set"
    ]


def test_a_plain_config_has_no_notes() -> None:
    assert told("model_providers:\n  - model: openai/gpt-4o\n    access_key: $KEY\n") == []


def test_preferences_and_caching_that_have_no_effect_are_noted() -> None:
    text = """
  - model: openai/a
    routing_preferences: [{name: x, description: one}, {name: y, description: inline}]
  - model: openai/b
    routing_preferences: [{name: x, description: two}]
routing_preferences: [{name: y, description: d, models: [a]}]
prompt_caching: {session_affinity: false}
"""
    assert [note.partition(": ")[2] for note in told("model_providers:" + text)] == [
        "model_providers[0].routing_preferences[1]: is replaced by the top-level preference 'y'",
        "model_providers[1].routing_preferences[0].description: is not used: 'x' was described"
        " before",
        "prompt_caching: has no effect: it is not enabled",
    ]


AGENTS = """
agents: [{id: a, url: http://a}, {id: b, url: http://b}]
model_providers: [{model: openai/judge, access_key: $KEY}]
listeners:
  - {type: agent, name: one, port: 1, agents: [{id: a, description: d}], %s}
  - type: agent
    name: two
    port: 2
    %s
    agents: [{id: a, description: d}, {id: b, description: d}]
"""


def orchestration(one: str, two: str, more: str = "") -> list[str]:
    text = f"version: v0.4.0\n{AGENTS % (one, two)}{more}"
    found = (str(note).partition(": ")[2] for note in notes(parse(text, "a.yaml")))
    return [note for note in found if "orchestrator" in note or ".router" in note]


def test_planos_router_without_its_model_is_told_who_chooses_instead() -> None:
    router = "router: plano_orchestrator_v1"
    assert orchestration(router, router) == [
        "listeners[1].router: agents are chosen by the embedded router: there is no"
        " Plano-Orchestrator (name its model in overrides.agent_orchestration_model to have it"
        " asked)"
    ]
    named = "overrides: {agent_orchestration_model: judge}"
    assert orchestration(router, router, named) == []


def test_an_orchestrator_of_one_agent_has_no_effect() -> None:
    model = "orchestrator: {type: model, model: judge}"
    assert orchestration(model, model) == [
        "listeners[0].orchestrator: has no effect: there is one agent"
    ]


def described(*agents: str, more: str = "") -> list[str]:
    """Notes of a listener with these agents: what follows `id` in each."""
    ids = [f"agent{number}" for number in range(len(agents))]
    offered = "".join(f"      - {{id: {i}, {one}}}\n" for i, one in zip(ids, agents, strict=True))
    known = "".join(f"  - {{id: {i}, url: 'http://{i}'}}\n" for i in ids)
    text = (
        "version: v0.4.0\n"
        f"listeners:\n  - type: agent\n    name: l\n    port: 1\n{more}    agents:\n{offered}"
        f"agents:\n{known}"
    )
    return [str(note).partition(": ")[2] for note in notes(parse(text, "a.yaml"))]


WEATHER = "description: Weather forecasts for any city. Rain and wind and temperature"
ASKS = "examples: [Will it rain?]"


def test_agents_that_cannot_be_told_apart_are_named() -> None:
    almost = "description: Forecasts of rain or temperature for cities and the weather"
    flights = "description: Finds flights and books tickets"
    found = described(f"{WEATHER}, {ASKS}", f"{flights}, {ASKS}", f"{almost}, {ASKS}")
    assert len(found) == 1
    assert found[0].startswith(
        "listeners[0].agents[2].description: says almost the same as that of 'agent0' (0."
    )


def test_a_description_without_an_example_is_told() -> None:
    quoted = "description: 'Flights. Handles \"find me a flight to Oslo\" and the like'"
    assert described(WEATHER, quoted) == [
        "listeners[0].agents[0]: the router has only a description"
        " (add 'examples': some requests that 'agent0' is meant for)"
    ]


def test_one_agent_needs_no_example() -> None:
    assert described(WEATHER) == []


def test_nothing_is_said_of_agents_whom_nobody_chooses() -> None:
    assert described(WEATHER, WEATHER, more="    plan: {steps: [agent0, agent1]}\n") == []
    assert described(f"{WEATHER}, {ASKS}", f"{WEATHER}, choosable: false") == []
    merged = "    plan: {mode: parallel, merge: agent1}\n"
    assert described(f"{WEATHER}, {ASKS}", WEATHER, more=merged) == []


def test_a_model_needs_no_examples_but_descriptions_that_differ() -> None:
    more = "    orchestrator: {type: model, model: judge}\n"
    found = described(WEATHER, WEATHER, more=more)
    assert [note.partition(" (")[0] for note in found] == [
        "listeners[0].agents[1].description: says almost the same as that of 'agent0'"
    ]


def test_descriptions_in_any_script_are_compared() -> None:
    assert likeness("天気予報 東京", "天気予報 東京") == pytest.approx(1.0)
    assert likeness("", "anything") == 0.0
    assert likeness("the and of", "the and of") == 0.0
