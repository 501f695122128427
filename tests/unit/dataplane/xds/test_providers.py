from dataclasses import fields

import pytest
from outriderpb.v1 import model_pb2

from dataplane.runtime.config import Api, AuthScheme, Aws, ModelProvider, OnUntranslatable, Secret
from dataplane.runtime.dialect import PLAIN, Dialect
from dataplane.runtime.protocols import Operation
from dataplane.xds.fields import BadFieldError
from dataplane.xds.providers import provider
from dataplane.xds.secrets import Secrets

CHAT = model_pb2.Api(operation=model_pb2.OPERATION_CHAT, path="/v1/chat/completions")


def message(*apis: model_pb2.Api) -> model_pb2.ModelProvider:
    return model_pb2.ModelProvider(name="p", provider="x", model="m", cluster="c", apis=apis)


def read(m: model_pb2.ModelProvider) -> ModelProvider:
    return provider("p", m, Secrets({"ID": "AKIA", "SECRET": "shh", "TOKEN": "t"}))


def refusal(m: model_pb2.ModelProvider) -> str:
    with pytest.raises(BadFieldError) as e:
        read(m)
    return str(e.value)


def test_apis_come_with_their_paths_headers_and_auth_in_order() -> None:
    messages = model_pb2.Api(
        operation=model_pb2.OPERATION_MESSAGES,
        path="/v1/messages",
        auth=model_pb2.AUTH_SCHEME_X_API_KEY,
    )
    messages.headers.add(name="anthropic-version").value.parts.add(literal="2023-06-01")
    assert read(message(messages, CHAT)).apis == (
        Api(
            Operation.MESSAGES,
            "/v1/messages",
            auth=AuthScheme.X_API_KEY,
            headers=(("anthropic-version", "2023-06-01"),),
        ),
        Api(Operation.CHAT, "/v1/chat/completions"),
    )


def test_every_operation_of_the_wire_is_known() -> None:
    names = model_pb2.Operation.keys()[1:]
    made = read(message(*[model_pb2.Api(operation=name, path="/x") for name in names]))
    assert {api.operation for api in made.apis} == set(Operation)


def test_every_auth_scheme_of_the_wire_is_known() -> None:
    names = model_pb2.AuthScheme.keys()
    m = message(*[model_pb2.Api(operation=CHAT.operation, path="/x", auth=one) for one in names])
    m.aws.region = "eu-west-1"
    assert {api.auth for api in read(m).apis} == set(AuthScheme)


def test_an_operation_of_a_newer_control_plane_is_left_out() -> None:
    newer = model_pb2.Api(operation=99, path="/v1/dreams")  # type: ignore[arg-type] # of the future
    assert [api.operation for api in read(message(newer, CHAT)).apis] == [Operation.CHAT]


def test_a_provider_without_an_api_we_know_is_refused() -> None:
    assert refusal(message()) == "has no API that this data plane knows"


def test_an_auth_scheme_of_a_newer_control_plane_is_refused() -> None:
    newer = model_pb2.Api(operation=CHAT.operation, path="/x", auth=99)  # type: ignore[arg-type] # of the future
    said = "a way to show credentials (99) that is not known here"
    assert refusal(message(newer)) == said


@pytest.mark.parametrize("path", ["", "v1/chat", "/a b", "/a\r\nx: y", "/\u00e4"])
def test_a_path_that_cannot_be_sent_is_refused(path: str) -> None:
    bad = model_pb2.Api(operation=CHAT.operation, path=path)
    assert refusal(message(bad)) == f"{path!r} is not the path of an API"


def test_aws_credentials_are_resolved() -> None:
    m = message(CHAT)
    m.aws.region = "eu-west-1"
    m.aws.access_key_id.parts.add(env="ID")
    m.aws.secret_access_key.parts.add(env="SECRET")
    m.aws.session_token.parts.add(env="TOKEN")
    expected = Aws("eu-west-1", Secret("AKIA"), Secret("shh"), Secret("t"), "bedrock")
    assert read(m).aws == expected


def test_signing_without_aws_credentials_is_refused() -> None:
    signed = model_pb2.Api(
        operation=model_pb2.OPERATION_CONVERSE, path="/x", auth=model_pb2.AUTH_SCHEME_SIGV4
    )
    assert refusal(message(signed)) == "is to be signed for AWS, and has no AWS credentials"


def test_a_dialect_that_is_not_given_is_the_plain_one() -> None:
    assert read(message(CHAT)).dialect is PLAIN


def test_a_dialect_switches_what_it_says() -> None:
    m = message(CHAT)
    m.dialect.max_completion_tokens = m.dialect.no_stream_usage = True
    m.dialect.default_max_tokens = 100
    expected = Dialect(max_completion_tokens=True, stream_usage=False, default_max_tokens=100)
    assert read(m).dialect == expected


def test_every_switch_of_a_dialect_is_on_the_wire() -> None:
    switches = {field.name for field in fields(Dialect)}
    named = {name.removeprefix("no_") for name in model_pb2.Dialect.DESCRIPTOR.fields_by_name}
    assert named == switches


def test_what_cannot_be_translated_is_refused_unless_it_may_be_dropped() -> None:
    m = message(CHAT)
    assert read(m).on_untranslatable is OnUntranslatable.REFUSE
    m.on_untranslatable = model_pb2.ON_UNTRANSLATABLE_DROP
    assert read(m).on_untranslatable is OnUntranslatable.DROP


def test_a_wildcard_has_no_model() -> None:
    m = message(CHAT)
    m.model = ""
    assert read(m).model == ""
