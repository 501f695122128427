import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm import prefix_key as prefix_keys
from dataplane.llm.prefix_key import BLOCKS, KIB, prefix_key, session_key
from dataplane.llm.wire.peeked import Survey, surveyed

SYSTEM = {"role": "system", "content": "You are terse. " * 300}
TURNS = [{"role": ("user", "assistant")[n % 2], "content": f"turn {n} " * 60} for n in range(9)]


def chat(*messages: object, **more: object) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def key(body: bytes) -> tuple[int, ...]:
    return prefix_key(body, b"m")


def test_next_turn_begins_as_the_one_before() -> None:
    before, after = key(chat(SYSTEM, *TURNS[:3])), key(chat(SYSTEM, *TURNS[:7]))
    assert len(before) >= 4
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_another_system_prompt_is_another_conversation_from_the_first_block_on() -> None:
    other = {"role": "system", "content": "You are kind. " * 300}
    assert key(chat(SYSTEM, *TURNS))[0] != key(chat(other, *TURNS))[0]


def test_what_stands_around_the_conversation_does_not_matter() -> None:
    assert key(chat(SYSTEM, temperature=0.1)) == key(chat(SYSTEM, stream=True, n=1))


def test_another_model_has_another_cache() -> None:
    body = chat(SYSTEM)
    assert prefix_key(body, b"a") != prefix_key(body, b"b")


def test_marks_of_what_to_cache_do_not_matter() -> None:
    def turn(text: str, marked: bool) -> object:
        part: dict[str, object] = {"type": "text", "text": text}
        if marked:
            part["cache_control"] = {"type": "ephemeral"}
        return {"role": "user", "content": [part]}

    first = key(chat(turn("a" * 3100, True)))
    second = key(chat(turn("a" * 3100, False), turn("b" * 3000, True)))
    assert len(first) == 3
    assert second[:3] == first


@pytest.mark.parametrize(
    "body",
    [
        {"system": "s" * 2000, "messages": [{"role": "user", "content": "x"}]},
        {"instructions": "s" * 2000, "input": "x"},
        {"systemInstruction": {"parts": [{"text": "s" * 2000}]}, "contents": []},
        {"prompt": "s" * 2000},
        {"tools": [{"name": "s" * 2000}], "input": []},
    ],
    ids=["messages", "responses", "gemini", "completions", "tools"],
)
def test_every_api_has_a_beginning(body: dict[str, object]) -> None:
    assert len(key(json.dumps(body).encode())) == 1
    other = json.dumps(body).replace("sss", "ttt").encode()
    assert key(json.dumps(body).encode()) != key(other)


def test_short_conversation_has_one_hash_and_none_has_none() -> None:
    assert len(key(chat({"role": "user", "content": "hi"}))) == 1
    assert key(b'{"model":"m"}') == ()
    assert key(b"no json") == ()


def test_what_was_read_of_a_body_need_not_be_read_again() -> None:
    body = chat(SYSTEM, *TURNS)
    assert prefix_key(b"", b"m", surveyed(body)) == key(body)
    assert session_key(b"", surveyed(body)) == session_key(body)


def test_long_conversation_is_read_only_as_far_as_the_last_block() -> None:
    long = chat({"role": "user", "content": "x" * 300 * KIB})
    assert len(key(long)) == len(BLOCKS)
    assert key(long) == key(long[:-4] + b'y"}]}')


@given(st.lists(st.text(max_size=3000), max_size=6), st.lists(st.text(max_size=900), max_size=3))
def test_more_turns_never_change_the_blocks_before(before: list[str], more: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in before]
    later = [{"role": "user", "content": text} for text in more]
    first, second = key(chat(*messages)), key(chat(*messages, *later))
    whole = json.dumps(messages).encode()
    sure = sum(block * KIB < len(whole) - 1 for block in BLOCKS)
    assert second[:sure] == first[:sure]


def test_session_is_the_same_in_every_turn_and_another_for_other_first_words() -> None:
    first = session_key(chat(SYSTEM, TURNS[0]))
    assert len(first) == 1
    assert session_key(chat(SYSTEM, *TURNS)) == first
    assert session_key(chat(SYSTEM, TURNS[2])) != first
    assert session_key(chat(TURNS[0])) != first


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [
        ({"input": "hi"}, {"input": "hi"}, {"input": "ho"}),
        (
            {"instructions": "a", "input": [{"role": "user", "content": "hi"}]},
            {
                "instructions": "a",
                "input": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "x"}],
            },
            {"instructions": "b", "input": [{"role": "user", "content": "hi"}]},
        ),
        (
            {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
            {"contents": [{"role": "user", "parts": [{"text": "hi"}]}, {"role": "model"}]},
            {"contents": [{"role": "user", "parts": [{"text": "ho"}]}]},
        ),
    ],
    ids=["words", "responses", "gemini"],
)
def test_every_api_has_sessions(
    before: dict[str, object], after: dict[str, object], other: dict[str, object]
) -> None:
    keys = [session_key(json.dumps(one).encode()) for one in (before, after, other)]
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"messages":', b'{"system":"a"}'])
def test_what_is_no_conversation_is_no_session(body: bytes) -> None:
    assert session_key(body) == ()


def test_turns_that_are_none_are_hashed_as_they_are() -> None:
    assert session_key(b'{"messages":[1,2]}') == session_key(b'{"messages":[1,2]}')
    assert session_key(b'{"messages":[1,2]}') != session_key(b'{"messages":[1,3]}')


def test_the_conversation_is_what_a_survey_ends_with_in_the_order_of_its_parts() -> None:
    order = (*prefix_keys._STILL, *prefix_keys._TURNS)
    assert Survey.__struct_fields__[-len(order) :] == order
