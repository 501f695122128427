"""What is not wrong but probably not meant."""

import pytest

from controlplane.config.check import notes
from controlplane.config.parse import parse

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
    return [note for note in found if "orchestrator" in note or "router" in note]


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
