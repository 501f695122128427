import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Message, OutputFormat, Request
from dataplane.llm.translate.converse.write_request import write_request
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.protocols import Protocol
from tests.support.bedrock import problems_of_request


def write(**fields: Any) -> tuple[dict[str, Any], Losses]:
    hello = Message("user", [Text("Hi")], at="messages[0]")
    request = Request("anthropic.claude-sonnet-4-5", False, Protocol.CHAT, [hello], **fields)
    losses = Losses(request)
    body = write_request(request, PLAIN, losses)
    assert problems_of_request(body) == []
    found: dict[str, Any] = json.loads(body)
    return found, losses


def test_a_plain_request_is_its_messages() -> None:
    assert write()[0] == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


def test_instructions_keep_their_cache_points() -> None:
    body, _ = write(system=[Text("a"), Text(" "), Text("b", cache="1h")])
    assert body["system"] == [
        {"text": "a"},
        {"text": "b"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]


def test_a_schema_is_told_as_a_string_and_closed() -> None:
    schema = msgspec.Raw(b'{"type":"object","properties":{"a":{"type":"object"}}}')
    body, _ = write(output=OutputFormat("json_schema", "n", "d", schema))
    told = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert (told["name"], told["description"]) == ("n", "d")
    assert json.loads(told["schema"]) == {
        "type": "object",
        "properties": {"a": {"type": "object", "additionalProperties": False}},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("tier", "told"),
    [
        ("default", None),
        ("standard_only", None),
        ("flex", {"type": "flex"}),
        ("priority", {"type": "priority"}),
    ],
)
def test_service_tiers_are_told(tier: str, told: dict[str, str] | None) -> None:
    body, losses = write(service_tier=tier)
    assert (body.get("serviceTier"), losses.dropped()) == (told, ())


def test_labels_that_fit_are_told() -> None:
    body, _ = write(metadata=msgspec.Raw(b'{"team":"search 1"}'))
    assert body["requestMetadata"] == {"team": "search 1"}


@pytest.mark.parametrize(
    "labels",
    [
        b'{"a":"\xc3\xa9!"}',
        b'{"a":1}',
        b'{"":"x"}',
        json.dumps({str(n): "x" for n in range(17)}).encode(),
    ],
    ids=["alphabet", "number", "no name", "too many"],
)
def test_labels_that_do_not_fit_are_hints(labels: bytes) -> None:
    body, losses = write(metadata=msgspec.Raw(labels))
    assert ("requestMetadata" in body, losses.hints) == (False, ["metadata"])


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"top_logprobs": 3},
        {"logit_bias": msgspec.Raw(b"{}")},
        {"modalities": ["text", "audio"]},
        {"output": OutputFormat("json")},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_cannot_be_said_is_refused(fields: dict[str, Any]) -> None:
    assert write(**fields)[1].refused == list(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"user": "u"},
        {"verbosity": "low"},
        {"store": True},
        {"include": ["x"]},
        {"prompt_cache_key": "k"},
        {"service_tier": "auto"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_advice_that_cannot_be_said_is_a_hint(fields: dict[str, Any]) -> None:
    assert write(**fields)[1].hints == list(fields)


def test_values_that_ask_for_nothing_are_no_loss() -> None:
    _, losses = write(
        n=1, logprobs=False, top_logprobs=0, store=False, modalities=["TEXT"], frequency_penalty=0.0
    )
    assert losses.dropped() == ()
