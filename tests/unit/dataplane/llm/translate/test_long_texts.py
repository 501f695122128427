import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.translate.between import Translation, translate_request
from dataplane.llm.translate.long_texts import LONG_BYTES, MIN_BODY_BYTES, LongTexts
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol

LONG = 'He said "so", and\n' * 4000
LETTERS = "".join(f"word{number} é☀️ " for number in range(5000))


def whole(body: bytes) -> bytes:
    """What is left of a body, with its texts back in place."""
    texts = LongTexts(body)
    first, rest = texts.put_back(texts.body)
    return b"".join([first, *rest])


def translated(source: Protocol, target: Protocol, body: dict[str, Any]) -> Translation:
    data = json.dumps(body, ensure_ascii=False).encode()
    made = translate_request(source, target, data, ("m", False), "m", PLAIN, drop=True)
    assert isinstance(made, Translation), made
    return made


CHAT = {"messages": [{"role": "user", "content": LONG}]}
PARTS = {"messages": [{"role": "user", "content": [{"type": "text", "text": LETTERS}, "x"]}]}
MESSAGES = {"system": LONG, "max_tokens": 9, "messages": [{"role": "user", "content": LETTERS}]}
RESPONSES = {"input": LONG, "store": False}
ITEMS = {"input": [{"role": "user", "content": [{"type": "input_text", "text": LONG}]}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": LETTERS}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": LONG}]}]}


@pytest.mark.parametrize("body", [CHAT, PARTS, MESSAGES, RESPONSES, ITEMS, GEMINI, CONVERSE])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_long_text_leaves_little_and_comes_back_as_it_was(
    body: dict[str, Any], ascii_only: bool
) -> None:
    data = json.dumps(body, ensure_ascii=ascii_only).encode()
    assert len(LongTexts(data).body) < 4 * LONG_BYTES
    assert json.loads(whole(data)) == body


@pytest.mark.parametrize(
    "kept",
    [
        {"messages": [{"role": "tool", "tool_call_id": "1", "content": LONG}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": LONG}]}]},
        {"input": [{"type": "function_call_output", "call_id": "1", "output": LONG}]},
        {"input": [{"type": "custom_tool_call", "call_id": "1", "name": "x", "input": LONG}]},
        {"contents": [{"parts": [{"functionResponse": {"response": {"text": LONG}}}]}]},
        {"messages": [{"role": "user", "content": [{"toolResult": {"content": [LONG]}}]}]},
        {"instructions": LONG, "input": "Hi"},
        {"messages": [{"role": "user", "content": "!" * 9000}]},
        {"messages": [{"role": "user", "content": "\n" * 9000}]},
        {"messages": [{"role": "user", "content": f"{LONG}~outrider:long:0~"}]},
        ["no", "object", LONG],
    ],
)
def test_what_may_be_read_by_a_writer_stays_whole(kept: object) -> None:
    data = json.dumps(kept).encode()
    assert json.loads(LongTexts(data).body) == kept


@pytest.mark.parametrize("data", [b'{"input":"%b' % LONG.encode(), b"[" * 100_000, b"{"])
def test_what_is_no_json_stays_as_it_is(data: bytes) -> None:
    assert LongTexts(data).body is data


def test_bytes_that_are_no_text_are_left_to_who_reads_the_body() -> None:
    words = json.dumps(LETTERS).encode()
    words = words[:20000] + b"\xff" + words[20000:]
    data = b'{"messages":[{"role":"user","content":%b}]}' % words
    assert LongTexts(data).body is data
    made = translate_request(
        Protocol.CHAT, Protocol.MESSAGES, data, ("m", False), "m", PLAIN, drop=False
    )
    assert isinstance(made, LocalReply)
    assert made.status == 400


@given(st.text(max_size=40), st.integers(0, 60), st.booleans())
def test_any_text_comes_back_as_it_was(odd: str, shift: int, ascii_only: bool) -> None:
    text = "a" * shift + (odd + " some words between ") * 200
    data = json.dumps({"input": text}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert json.loads(whole(data)) == {"input": text}


@pytest.mark.parametrize("target", [p for p in Protocol if p is not Protocol.CHAT])
@pytest.mark.parametrize("source", [Protocol.CHAT, Protocol.MESSAGES])
def test_a_long_prompt_is_translated_as_a_short_one_is(source: Protocol, target: Protocol) -> None:
    def body(text: str) -> dict[str, Any]:
        turns = [("user", text), ("assistant", f"  {text} \n"), ("user", f"{text}?")]
        messages = [{"role": role, "content": words} for role, words in turns]
        return {"max_tokens": 9, "messages": messages}

    if source is target:
        pytest.skip("nothing is translated")
    made = translated(source, target, body(LONG))
    assert made.rest
    assert sum(map(len, made.rest)) > 2.9 * len(LONG)
    assert len(json.dumps(body(LONG))) > MIN_BODY_BYTES
    expected = translated(source, target, body("SHORT"))
    long = json.loads(b"".join([made.body, *made.rest]))
    assert long == json.loads(
        re.sub(rb"SHORT", json.dumps(LONG)[1:-1].encode().replace(b"\\", rb"\\"), expected.body)
    )
