from typing import Any

import msgspec
import pytest

from dataplane.llm.words.body import (
    ANSWER_FIELDS,
    REQUEST_FIELDS,
    asked_in,
    change_words,
    said_in,
    words_of,
)


def loud(text: str, _: bool) -> str:
    return text.upper()


def test_words_are_changed_and_the_rest_stays() -> None:
    body = msgspec.json.encode(
        {
            "model": "tiny",
            "messages": [
                {"role": "user", "content": "hi"},
                {"role": "user", "content": [{"type": "text", "text": "see"}]},
            ],
            "user": "anna",
        }
    )
    assert msgspec.json.decode(change_words(body, REQUEST_FIELDS, loud)) == {
        "model": "tiny",
        "messages": [
            {"role": "user", "content": "HI"},
            {"role": "user", "content": [{"type": "text", "text": "SEE"}]},
        ],
        "user": "anna",
    }


REQUESTS: dict[str, tuple[Any, list[str]]] = {
    "messages": (
        {
            "system": [{"type": "text", "text": "s"}],
            "messages": [
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "t", "signature": "no"},
                        {"type": "tool_use", "id": "no", "name": "no", "input": {"name": "a"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "no", "content": "r"},
                        {"type": "document", "source": {"type": "text", "data": "d"}},
                        {"type": "image", "source": {"type": "base64", "data": "no"}},
                    ],
                },
            ],
        },
        ["t", "a", "r", "d", "s"],
    ),
    "responses": (
        {
            "instructions": "i",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "u"}]},
                {"type": "function_call", "call_id": "no", "name": "no", "arguments": '{"x":1}'},
                {"type": "function_call_output", "call_id": "no", "output": "o"},
            ],
        },
        ["u", '{"x":1}', "o", "i"],
    ),
    "a plain input": ({"input": "u"}, ["u"]),
    "gemini": (
        {
            "systemInstruction": {"parts": [{"text": "s"}]},
            "contents": [
                {"role": "user", "parts": [{"text": "u"}, {"inlineData": {"data": "no"}}]},
                {"role": "model", "parts": [{"functionCall": {"name": "no", "args": {"n": "a"}}}]},
            ],
        },
        ["u", "a", "s"],
    ),
    "converse": (
        {
            "system": [{"text": "s"}],
            "messages": [
                {"role": "user", "content": [{"text": "u"}]},
                {
                    "role": "user",
                    "content": [
                        {"toolResult": {"toolUseId": "no", "content": [{"json": {"id": "j"}}]}}
                    ],
                },
            ],
        },
        ["u", "j", "s"],
    ),
}


@pytest.mark.parametrize(("body", "words"), REQUESTS.values(), ids=REQUESTS.keys())
def test_words_of_a_request_are_found(body: Any, words: list[str]) -> None:
    assert words_of(msgspec.json.encode(body), REQUEST_FIELDS) == words


ANSWERS: dict[str, tuple[Any, list[str]]] = {
    "chat": (
        {
            "choices": [
                {
                    "message": {
                        "content": "c",
                        "tool_calls": [{"id": "no", "function": {"name": "no", "arguments": "{}"}}],
                    },
                    "finish_reason": "stop",
                    "logprobs": {"content": [{"token": "no"}]},
                }
            ]
        },
        ["c", "{}"],
    ),
    "messages": ({"id": "no", "content": [{"type": "text", "text": "c"}]}, ["c"]),
    "responses": (
        {"output": [{"type": "message", "content": [{"type": "output_text", "text": "c"}]}]},
        ["c"],
    ),
    "gemini": ({"candidates": [{"content": {"parts": [{"text": "c"}], "role": "model"}}]}, ["c"]),
    "converse": ({"output": {"message": {"role": "no", "content": [{"text": "c"}]}}}, ["c"]),
}


@pytest.mark.parametrize(("body", "words"), ANSWERS.values(), ids=ANSWERS.keys())
def test_words_of_an_answer_are_found(body: Any, words: list[str]) -> None:
    assert words_of(msgspec.json.encode(body), ANSWER_FIELDS) == words


def test_arguments_are_known_for_json() -> None:
    flags: list[bool] = []

    def note(text: str, is_json: bool) -> str:
        flags.append(is_json)
        return text

    call = {"function": {"name": "f", "arguments": "{}"}}
    body = {"messages": [{"role": "assistant", "content": "c", "tool_calls": [call]}]}
    change_words(msgspec.json.encode(body), REQUEST_FIELDS, note)
    assert flags == [False, True]


def test_what_was_not_looked_at_does_not_go_on() -> None:
    twice = b'{"messages":[{"role":"user","content":"evil","content":"good"}],"messages2":1}'
    assert b"evil" not in change_words(twice, REQUEST_FIELDS, lambda text, _: text)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":"\xff"}', b"[" * 100_000])
def test_what_is_no_object_is_said_so(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        change_words(body, REQUEST_FIELDS, loud)


ROLES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "chat": (
        {
            "messages": [
                {"role": "system", "content": "s"},
                {"role": "user", "content": "u"},
                {"role": "assistant", "content": "a"},
                {"role": "tool", "tool_call_id": "no", "content": "r"},
            ]
        },
        [("system", "s"), ("user", "u"), ("assistant", "a"), ("tool", "r")],
    ),
    "messages": (
        {
            "system": "s",
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "no", "content": "r"},
                        {"type": "text", "text": "u"},
                    ],
                }
            ],
        },
        [("system", "s"), ("tool", "r"), ("user", "u")],
    ),
    "responses": (
        {
            "instructions": "s",
            "input": [
                {"role": "user", "content": "u"},
                {"type": "function_call", "call_id": "no", "name": "no", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "no", "output": "r"},
            ],
        },
        [("system", "s"), ("user", "u"), ("assistant", "{}"), ("tool", "r")],
    ),
    "gemini": (
        {
            "contents": [
                {"parts": [{"text": "u"}]},
                {"role": "model", "parts": [{"text": "a"}]},
                {"role": "user", "parts": [{"functionResponse": {"response": {"x": "r"}}}]},
            ]
        },
        [("user", "u"), ("assistant", "a"), ("tool", "r")],
    ),
}


@pytest.mark.parametrize(("body", "said"), ROLES.values(), ids=ROLES.keys())
def test_whose_words_they_are_is_known(body: Any, said: list[tuple[str, str]]) -> None:
    found = said_in(msgspec.json.encode(body))
    assert [(one.role, one.text) for one in found] == said


def test_what_was_asked_last_is_the_last_turn_of_the_user() -> None:
    turns = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]},
        {"role": "tool", "content": "r"},
    ]
    assert asked_in(msgspec.json.encode({"messages": turns})) == ["x", "y"]
    assert asked_in(b"{}") == []
