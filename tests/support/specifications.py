"""What vendors' OpenAPI documents say of an answer: every key that they require, with its type.

The documents (OpenAI's of chat and Responses, Anthropic's) come with llm-comply, pinned, fetched
when a test first asks for them. Google publishes none of generateContent; Amazon's is botocore's
model, which oracle.py asks.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

from dataplane.llm.sse import DONE, SseDecoder
from dataplane.runtime.protocols import Protocol
from tests.support.interop import environment

SUITE = ("llm-comply==0.5.0",)
_ANSWERS = {
    Protocol.CHAT: ("openai_chat", "CreateChatCompletionResponse"),
    Protocol.RESPONSES: ("openai_chat", "Response"),
    Protocol.MESSAGES: ("anthropic", "Message"),
}
_EVENTS = {
    Protocol.CHAT: ("openai_chat", "CreateChatCompletionStreamResponse"),
    Protocol.RESPONSES: ("openai_chat", "ResponseStreamEvent"),
    Protocol.MESSAGES: ("anthropic", "MessageStreamEvent"),
}
SPECIFIED = frozenset(_ANSWERS)
"""The protocols that have such a document."""
OWN_WAYS = frozenset(
    (
        'response.user: null is not of type "string"',
        'response.usage: null is not of type "object"',
        'user: null is not of type "string"',
        'service_tier: "priority" is not valid under any of the schemas listed in the '
        "'anyOf' keyword",
    )
)
"""What OpenAI's own answers do although its document does not say so."""


def unlike_specified(protocol: Protocol, body: bytes, *, stream: bool) -> list[str]:
    """Problems of a whole answer, in words; none as well where nothing is specified."""
    if protocol not in SPECIFIED:
        return []
    if not stream:
        return list(_problems(*_ANSWERS[protocol], json.loads(body)))
    document, name = _EVENTS[protocol]
    events = [event.data for event in SseDecoder().feed(body) if event.data != DONE]
    return [problem for data in events for problem in _problems(document, name, json.loads(data))]


def _problems(document: str, name: str, said: Any) -> Iterator[str]:
    kind = said.get("type") if isinstance(said, dict) else None
    for error in _validator(document, _named(document, name, kind)).iter_errors(said):
        yield f"{'.'.join(map(str, error.instance_path))}: {error.message[:200]}"


@cache
def _document(name: str) -> dict[str, Any]:
    home = Path(environment("llm-comply", SUITE)).parents[1]
    (path,) = home.glob(f"lib/python*/site-packages/llm_comply/specs/{name}.json")
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@cache
def _named(document: str, name: str, kind: object) -> str:
    """Of a union of events the one of this type, which says more than that none of them fits."""
    schemas = _document(document)["components"]["schemas"]
    union = schemas[name]
    for one in union.get("oneOf") or union.get("anyOf") or ():
        member = one.get("$ref", "").rpartition("/")[2]
        if kind in _literals(schemas.get(member, {}).get("properties", {}).get("type", {})):
            return str(member)
    return name


def _literals(schema: dict[str, Any]) -> list[object]:
    return [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]


@cache
def _validator(document: str, name: str) -> Draft202012Validator:
    components = _converted(_document(document)["components"])
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": components})


def _converted(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema says that null is one of the types."""
    if isinstance(schema, list):
        return [_converted(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _converted(value) for key, value in schema.items() if key != "discriminator"}
    if made.get("nullable") is True:
        del made["nullable"]
        return {"anyOf": [made, {"type": "null"}]}
    return made
