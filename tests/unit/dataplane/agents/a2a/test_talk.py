"""What a client says in A2A, as chat; and what is kept of a context."""

import json

from dataplane.agents.a2a.rpc import Asked, Op
from dataplane.agents.a2a.talk import CONTEXT, MAX_KEPT_BYTES, Context, Talk, chat_body, grown
from dataplane.agents.a2a.v03 import Form
from dataplane.agents.a2a.values import Json
from dataplane.llm.chat import ChatRequest, parse_chat


def talk(*parts: Json, context: Context | None = None) -> Talk:
    message = {"messageId": "m", "role": "ROLE_USER", "parts": list(parts)}
    asked = Asked(Op.SEND, Form.V1, "JSONRPC", 1, message)
    return Talk(asked, "c", context or Context())


def test_text_is_a_question() -> None:
    made = parse_chat(chat_body(talk({"text": "Where?"})))
    assert isinstance(made, ChatRequest)
    assert made.stream
    assert made.turns[0].text == "Where?"


def test_files_and_data_are_parts() -> None:
    parts = (
        {"text": "See"},
        {"raw": "aGk=", "mediaType": "image/png"},
        {"raw": "aGk=", "mediaType": "application/pdf", "filename": "a.pdf"},
        {"url": "https://x/y", "filename": "y"},
        {"data": {"n": 1}},
    )
    (message,) = json.loads(chat_body(talk(*parts)))["messages"]
    assert [part["type"] for part in message["content"]] == [
        "text",
        "image_url",
        "file",
        "text",
        "text",
    ]
    assert message["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="
    assert message["content"][4]["text"] == '{"n":1}'


def test_context_grows_and_is_told_again() -> None:
    first = CONTEXT.decode(grown(talk({"text": "Where?"}), "locksmith", "Here."))
    assert first.agent == "locksmith"
    second = json.loads(chat_body(talk({"text": "And?"}, context=first)))
    assert [one["content"] for one in second["messages"]] == ["Where?", "Here.", "And?"]


def test_oldest_turns_of_a_long_context_go_first() -> None:
    long = "x" * (MAX_KEPT_BYTES // 2)
    kept = CONTEXT.decode(grown(talk({"text": long}), "a", ""))
    kept = CONTEXT.decode(grown(talk({"text": long}, context=kept), "a", "Last."))
    assert b"Last." in bytes(kept.messages[-1])
    assert sum(len(bytes(one)) for one in kept.messages) <= MAX_KEPT_BYTES


def test_client_may_leave_the_context_to_us() -> None:
    assert not talk({"text": "x"}).names_context
