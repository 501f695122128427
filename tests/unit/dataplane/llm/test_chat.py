import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.runtime.decision import Turn
from dataplane.runtime.messages import LocalReply

QUESTION = {"role": "user", "content": "Weather in Oslo?"}


def chat(body: bytes | dict[str, object]) -> ChatRequest:
    request = parse_chat(body if isinstance(body, bytes) else msgspec.json.encode(body))
    assert isinstance(request, ChatRequest), request
    return request


def test_conversation_is_the_messages_that_have_words() -> None:
    request = chat(
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is"},
                        {"type": "image_url", "image_url": {"url": "data:,"}},
                        {"type": "text", "text": "this?"},
                    ],
                },
            ],
        }
    )
    assert request.conversation() == (Turn("system", "Be brief."), Turn("user", "What is\nthis?"))
    assert (request.model, request.stream) == ("m", False)


@pytest.mark.parametrize(
    ("body", "detail", "message"),
    [
        (b"", "invalid_json", "truncated"),
        (b'{"messages":[{"role":"user"}],"x":tru}', "invalid_json", "invalid character"),
        (b'{"messages":[{"role":"user"}],"x":"\xff"}', "invalid_json", "utf-8"),
        (b'{"messages":' + b"[" * 100_000, "invalid_body", "Expected `object`"),
        (b'{"x":' + b"[" * 100_000, "invalid_json", "recursion"),
        (b"[]", "invalid_body", "Expected `object`"),
        (b"{}", "invalid_body", "missing required field `messages`"),
        (b'{"messages":[]}', "invalid_body", "at least one message - at `$.messages`"),
        (b'{"messages":[{"content":"a"}]}', "invalid_body", "`role` - at `$.messages[0]`"),
        (b'{"messages":[{"role":"user","content":{}}]}', "invalid_body", "messages[0].content"),
        (b'{"messages":[{"role":"user"}],"stream":"yes"}', "invalid_body", "at `$.stream`"),
        (b'{"messages":[{"role":"user"}],"model":4}', "invalid_body", "at `$.model`"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else None,
)
def test_bad_request_is_a_400_that_says_where(body: bytes, detail: str, message: str) -> None:
    reply = parse_chat(body)
    assert isinstance(reply, LocalReply)
    assert (reply.status, reply.detail) == (400, detail)
    assert message in reply.message


def test_answer_goes_before_the_last_question() -> None:
    request = chat({"messages": [{"role": "user", "content": "hi"}, QUESTION], "top_p": 0.5})
    told = request.with_answer_before_question("flights", "Two flights.")
    assert msgspec.json.decode(told.body) == {
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "name": "flights", "content": "Two flights."},
            QUESTION,
        ],
        "top_p": 0.5,
    }
    assert told.turns[1] == Turn("assistant", "Two flights.", "flights")


def test_answer_does_not_part_tool_calls_from_their_results() -> None:
    tools = [{"role": "assistant", "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "4"}]
    told = chat({"messages": [QUESTION, *tools]}).with_answer_before_question("a", "x")
    assert [m["role"] for m in msgspec.json.decode(told.body)["messages"]] == [
        "assistant",
        "user",
        "assistant",
        "tool",
    ]


def test_answer_goes_to_the_end_when_no_user_spoke() -> None:
    told = chat({"messages": [{"role": "system", "content": "s"}]}).with_answer_before_question(
        "a", "x"
    )
    assert [turn.text for turn in told.turns] == ["s", "x"]


def test_unknown_fields_and_numbers_stay_as_they_came() -> None:
    body = b'{"messages":[{"role":"user", "future": 1e2 }],"seed":1.0,"big":12345678901234567890}'
    told = chat(body).with_answer_before_question("a", "x")
    assert b'{"role":"user", "future": 1e2 }' in told.body
    assert b'"seed":1.0,"big":12345678901234567890' in told.body


def test_whole_request_does_not_stream() -> None:
    whole = chat(
        {"messages": [QUESTION], "stream": True, "stream_options": {"include_usage": True}}
    ).whole()
    assert msgspec.json.decode(whole.body) == {"messages": [QUESTION], "stream": False}
    assert not whole.stream


def test_request_that_does_not_stream_is_whole_byte_for_byte() -> None:
    request = chat(b'{ "messages" : [ {"role":"user"} ] }')
    assert request.whole() is request


def test_who_is_overheard_says_what_it_used_up() -> None:
    asked = chat({"messages": [QUESTION], "stream": True}).with_usage()
    assert msgspec.json.decode(asked.body)["stream_options"] == {"include_usage": True}
    assert asked.stream


def test_filter_of_an_agent_sees_model_and_messages_only() -> None:
    request = chat({"messages": [QUESTION], "user": "me", "model": "m"})
    assert msgspec.json.decode(request.only_messages()) == {"model": "m", "messages": [QUESTION]}


def test_messages_of_another_replace_ours_alone() -> None:
    other = chat({"messages": [{"role": "user", "content": "***"}], "model": "other"})
    merged = chat({"messages": [QUESTION], "model": "m"}).with_messages_of(other)
    assert msgspec.json.decode(merged.body) == {
        "messages": [{"role": "user", "content": "***"}],
        "model": "m",
    }
    assert merged.turns == (Turn("user", "***"),)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary() | JSON.map(msgspec.json.encode))
def test_any_bytes_are_a_request_or_a_400(body: bytes) -> None:
    parsed = parse_chat(body)
    assert isinstance(parsed, ChatRequest) or parsed.status == 400


@given(
    st.dictionaries(st.text(), JSON, max_size=3),
    st.lists(
        st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "system"])},
            optional={"content": st.text(), "x": JSON},
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_change_of_one_thing_changes_nothing_else(
    extra: dict[str, object], messages: list[dict[str, object]]
) -> None:
    body = extra | {"messages": messages, "stream": True, "model": "m"}
    told = msgspec.json.decode(chat(body).with_answer_before_question("a", "said").whole().body)
    told["messages"].remove({"role": "assistant", "name": "a", "content": "said"})
    body.pop("stream_options", None)
    assert told == msgspec.json.decode(msgspec.json.encode(body | {"stream": False}))
