import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.converse.read_request import read_request, wants_stop_sequence
from dataplane.runtime.messages import LocalReply, ResponseDetail

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def read(**more: object) -> Request:
    found = read_request(json.dumps(HELLO | more).encode(), "a.model-v1:0", True)
    assert isinstance(found, Request), found
    return found


def refused(body: bytes) -> LocalReply:
    found = read_request(body, "m", False)
    assert isinstance(found, LocalReply), found
    return found


def test_model_and_stream_come_from_the_path() -> None:
    assert (read().model, read().stream) == ("a.model-v1:0", True)


def test_messages_know_their_place() -> None:
    (message,) = read().messages
    assert (message.role, message.at, message.parts) == ("user", "messages[0]", [Text("Hi")])


def test_inference_is_read_and_named_as_the_client_does() -> None:
    found = read(
        inferenceConfig={"maxTokens": 5, "temperature": 0, "topP": 0.5, "stopSequences": ["x"]}
    )
    assert (found.max_output_tokens, found.temperature, found.top_p, found.stop) == (
        5,
        0,
        0.5,
        ["x"],
    )
    assert found.said["max_output_tokens"] == "inferenceConfig.maxTokens"


def test_a_schema_in_a_string_becomes_a_schema() -> None:
    schema = '{"type":"object"}'
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema, "name": "n"}}}
    output = read(outputConfig={"textFormat": form}).output
    assert output is not None
    assert (output.kind, output.name, bytes(output.schema or b"")) == (
        "json_schema",
        "n",
        schema.encode(),
    )


def test_a_schema_that_is_no_json_is_refused() -> None:
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}
    reply = refused(json.dumps(HELLO | {"outputConfig": {"textFormat": form}}).encode())
    assert "outputConfig.textFormat.structure.jsonSchema.schema" in reply.message


def test_effort_is_advice_on_reasoning() -> None:
    reasoning = read(outputConfig={"effort": "high"}).reasoning
    assert reasoning is not None
    assert (reasoning.effort, reasoning.enabled) == ("high", None)


@pytest.mark.parametrize(
    ("more", "unknown"),
    [
        ({"guardrailConfig": {"guardrailIdentifier": "a"}}, ["guardrailConfig"]),
        ({"promptVariables": {"a": {"text": "b"}}}, ["promptVariables"]),
        ({"future": 1}, ["future"]),
        ({"inferenceConfig": {"future": 1}}, ["inferenceConfig.future"]),
        ({"outputConfig": {"future": 1}}, ["outputConfig.future"]),
        ({"outputConfig": {"textFormat": {"type": "x"}}}, ["outputConfig.textFormat"]),
        ({"system": [{"guardContent": {"image": {}}}]}, ["system: a block that is no text"]),
        ({"guardrailConfig": {}, "future": None, "inferenceConfig": {"x": None}}, []),
    ],
)
def test_what_only_bedrock_knows_is_named(more: dict[str, Any], unknown: list[str]) -> None:
    assert read(**more).unknown == unknown


def test_what_only_advises_is_a_hint() -> None:
    found = read(
        performanceConfig={"latency": "optimized"},
        additionalModelResponseFieldPaths=["/stop_sequence", "/x"],
    )
    assert found.hints == ["performanceConfig.latency", "additionalModelResponseFieldPaths: /x"]


def test_labels_and_tier_are_read() -> None:
    found = read(requestMetadata={"a": "b"}, serviceTier={"type": "flex"})
    assert (bytes(found.metadata or b""), found.service_tier) == (b'{"a": "b"}', "flex")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", ResponseDetail.INVALID_JSON),
        (
            b'{"messages":[{"role":"user","content":[{"text":"\xff"}]}]}',
            ResponseDetail.INVALID_JSON,
        ),
        (b"[]", ResponseDetail.INVALID_BODY),
        (b"{}", ResponseDetail.INVALID_BODY),
        (b'{"messages":[]}', ResponseDetail.INVALID_BODY),
        (b'{"messages":[{"role":"tool","content":[]}]}', ResponseDetail.INVALID_BODY),
        (b'{"messages":[{"role":"user","content":"Hi"}]}', ResponseDetail.INVALID_BODY),
    ],
)
def test_what_cannot_be_understood_is_a_400(body: bytes, detail: ResponseDetail) -> None:
    reply = refused(body)
    assert (reply.status, reply.detail) == (400, detail)


WORDS = """messages system content role text toolConfig tools toolUse image inferenceConfig source
bytes cachePoint reasoningContent toolSpec json additionalModelRequestFields thinking outputConfig
toolChoice toolResult"""
KEYS = st.sampled_from(WORDS.split())
LEAVES = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "user", "auto", "AAAA"])
ANY = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(st.dictionaries(KEYS, ANY, max_size=5))
def test_no_json_makes_the_reader_crash(wire: dict[str, Any]) -> None:
    assert isinstance(read_request(json.dumps(wire).encode(), "m", False), Request | LocalReply)


@pytest.mark.parametrize("path", ["/stop_sequence", "/delta/stop_sequence"])
def test_a_client_may_ask_for_the_stop_sequence(path: str) -> None:
    assert wants_stop_sequence(read(additionalModelResponseFieldPaths=["/x", path]).echo) == path


def test_who_asks_for_nothing_gets_nothing() -> None:
    assert wants_stop_sequence(read().echo) == ""
