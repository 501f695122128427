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
