"""Files of older forms: read as today's, and told in their own words."""

import pytest

from controlplane.config.parse import parse
from controlplane.config.problem import ConfigErrors

MODELS = "model_providers: [{model: openai/gpt-4o, access_key: $KEY}]\n"
BOTH = """\
version: v0.1
listeners:
  egress_traffic: {address: 127.0.0.1, port: 12001, timeout: 30s, message_format: openai}
  ingress_traffic: {port: 10001}
"""


def test_two_named_listeners_are_a_prompt_and_a_model_listener() -> None:
    prompt, model = parse(BOTH + MODELS, "old.yaml").config.listeners
    assert (prompt.type, prompt.name, prompt.port) == ("prompt", "ingress_traffic", 10001)
    assert (model.type, model.name, model.address) == ("model", "egress_traffic", "127.0.0.1")


@pytest.mark.parametrize("ingress", ["", "\n  ingress_traffic: {}", "\n  ingress_traffic:"])
def test_empty_prompt_listener_is_none_and_that_of_models_is_always_there(ingress: str) -> None:
    text = f"version: v0.1\nlisteners: {{egress_traffic: {{}}}}\n{MODELS}"
    if ingress:
        text = f"version: v0.1\nlisteners:{ingress}\n{MODELS}"
    (model,) = parse(text, "old.yaml").config.listeners
    assert (model.type, model.name) == ("model", "egress_traffic")


def test_what_is_wrong_is_told_where_it_is_written() -> None:
    found = parse(BOTH.replace("10001", "ten") + MODELS, "old.yaml").problems
    assert [str(one) for one in found] == [
        "old.yaml:4: listeners.ingress_traffic.port: must be a whole number, not the text 'ten'"
    ]


def test_both_names_of_providers_are_one_too_many() -> None:
    text = f"version: v0.1\nlisteners: []\nllm_providers: []\n{MODELS}"
    (problem,) = parse(text, "old.yaml").problems
    assert (problem.path, problem.line) == ("llm_providers", 3)


def test_other_mappings_of_listeners_are_none() -> None:
    problems = parse("version: v0.1\nlisteners: {traffic: {}}\n", "old.yaml").problems
    assert "must be a list" in str(problems[0])
    with pytest.raises(ConfigErrors):
        parse("listeners", "old.yaml")
