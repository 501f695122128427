"""How prompt targets come over the wire."""

import pytest
from outriderpb.v1 import prompt_pb2

from dataplane.runtime.prompts import Parameter, PromptRules, PromptTarget
from dataplane.runtime.secret import Secret
from dataplane.xds.fields import BadFieldError
from dataplane.xds.prompts import prompt_rules, prompt_target
from dataplane.xds.secrets import Secrets

SECRETS = Secrets({"KEY": "k-7"})


def target(**said: object) -> PromptTarget:
    base = {"name": "weather", "cluster": "endpoint:a", "path": "/w", "http_method": "GET"}
    return prompt_target(prompt_pb2.PromptTarget(**base | said), SECRETS)  # type: ignore[arg-type] # by name


def parameter(**said: object) -> Parameter:
    base = {"name": "days", "description": "How many.", "type": "integer"}
    message = prompt_pb2.PromptParameter(**base | said)  # type: ignore[arg-type] # by name
    (made,) = target(parameters=[message]).parameters
    return made


def test_everything_that_is_said_is_taken() -> None:
    message = prompt_pb2.PromptTarget(
        name="weather",
        description="The weather.",
        is_default=True,
        position=3,
        cluster="endpoint:a",
        path="/w?lang=en",
        http_method="POST",
        timeout_ms=2500,
        answers_itself=True,
        system_prompt="Be brief.",
        examples=["Rain?"],
    )
    header = message.http_headers.add(name="Authorization")
    header.value.parts.add(literal="Bearer ")
    header.value.parts.add(env="KEY")
    assert prompt_target(message, SECRETS) == PromptTarget(
        name="weather",
        description="The weather.",
        is_default=True,
        position=3,
        cluster="endpoint:a",
        path="/w?lang=en",
        method="POST",
        headers=(("Authorization", Secret("Bearer k-7")),),
        timeout_s=2.5,
        answers_itself=True,
        system_prompt="Be brief.",
        examples=("Rain?",),
    )


def test_values_are_json() -> None:
    made = parameter(default="3", enum=["1", "3"], required=True, in_path=True, format="digits")
    assert made == Parameter("days", "How many.", "integer", True, 3, (1, 3), True, "digits")


def test_rules_are_taken() -> None:
    message = prompt_pb2.PromptRules(
        system_prompt="Hello.", function_calling_model="m", embedded=True, forgets_answers=True
    )
    assert prompt_rules(message) == PromptRules("Hello.", "m", True, False, True)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"http_method": "TRACE"}, "http_method 'TRACE' is not known here"),
        ({"path": "w"}, "'w' is not the path of an API"),
        ({"name": ""}, "has no name"),
    ],
)
def test_what_would_be_called_wrongly_is_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(BadFieldError, match=told):
        target(**said)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"type": "date"}, "is of type 'date', which is not known here"),
        ({"default": "three"}, "'three' is no JSON"),
        ({"enum": ["[1]"]}, "is no text, number or boolean"),
    ],
)
def test_parameter_that_nobody_could_fill_is_refused(said: dict[str, object], told: str) -> None:
    with pytest.raises(BadFieldError, match=told):
        parameter(**said)
