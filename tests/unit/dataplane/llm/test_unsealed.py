"""Conversations that come from a provider of another protocol."""

import json
from base64 import b64encode
from typing import Any

import pytest

from dataplane.llm.hub.seal import seal
from dataplane.llm.unsealed import unsealed
from dataplane.runtime.protocols import Protocol

FOREIGN = seal(Protocol.CHAT, "made elsewhere")
BASE64 = b64encode(FOREIGN.encode()).decode()
SAY = {"type": "text", "text": 'say "outrider." aloud'}


def _left(protocol: Protocol, request: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = json.loads(unsealed(protocol, json.dumps(request).encode()))
    return left


def test_messages_loses_foreign_thinking_and_turns_of_nothing_else() -> None:
    own = {"type": "thinking", "thinking": "hm", "signature": "EqRk"}
    foreign = {"type": "thinking", "thinking": "hm", "signature": FOREIGN}
    hidden = {"type": "redacted_thinking", "data": FOREIGN}
    request = {
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [foreign, hidden]},
            {"role": "assistant", "content": [own, foreign, SAY]},
        ],
        "max_tokens": 1,
    }
    assert _left(Protocol.MESSAGES, request) == {
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [own, SAY]},
        ],
        "max_tokens": 1,
    }


def test_responses_loses_foreign_reasoning() -> None:
    own = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": FOREIGN}
    request = {"input": [{"role": "user", "content": "q"}, own, foreign], "model": "m"}
    assert _left(Protocol.RESPONSES, request)["input"] == [{"role": "user", "content": "q"}, own]


def test_gemini_loses_foreign_thoughts_and_signatures_of_calls() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": BASE64},
        call | {"thoughtSignature": BASE64},
        {"text": "own", "thoughtSignature": "AAAA"},
    ]
    request = {"contents": [{"role": "model", "parts": parts}]}
    assert _left(Protocol.GEMINI, request) == {
        "contents": [
            {"role": "model", "parts": [call, {"text": "own", "thoughtSignature": "AAAA"}]}
        ]
    }


def test_converse_loses_foreign_reasoning() -> None:
    foreign = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": FOREIGN}}}
    hidden = {"reasoningContent": {"redactedContent": BASE64}}
    request = {"messages": [{"role": "assistant", "content": [foreign, hidden, {"text": "a"}]}]}
    assert _left(Protocol.CONVERSE, request) == {
        "messages": [{"role": "assistant", "content": [{"text": "a"}]}]
    }


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize(
    "body",
    [
        b'{ "messages": [{"role": "user", "content": "\\"outrider.\\" aloud"}] }',
        b'{"messages": "outrider.", "contents": 3, "input": "outrider."}',
        b'{"messages": [["outrider."]], "contents": ["outrider."], "input": ["outrider."]}',
        b'["outrider."]',
        b'{"outrider.',
        b"{}",
    ],
)
def test_what_has_nothing_sealed_stays_byte_for_byte(protocol: Protocol, body: bytes) -> None:
    assert unsealed(protocol, body) == body
