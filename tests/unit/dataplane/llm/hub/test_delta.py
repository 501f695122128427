import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.hub.delta import (
    Begin,
    PartBegin,
    TextDelta,
    broken,
    decoded,
    join,
    literal,
    readable,
    says_nothing,
    text_of,
    whole_characters,
)
from dataplane.llm.hub.parts import Text, Thinking, ToolCall


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_joined_literals_are_the_joined_texts(texts: list[str]) -> None:
    assert text_of(join([literal(text) for text in texts])) == "".join(texts)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (b'"a\\ud83d"', "a\ufffd"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"\xff"', "\ufffd"),
    ],
)
def test_what_is_no_character_is_replaced(words: bytes, text: str) -> None:
    assert text_of(words) == text


def test_halves_that_two_pieces_bring_together_are_a_character() -> None:
    assert text_of(join([b'"\\ud83d"', b'"\\ude00"'])) == "😀"


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (b'"\\ud83d"', b'"\\ufffd"'),
        (b'"\\ude00\\ud83d"', b'"\\ufffd\\ufffd"'),
        (b'"\\uD83D\\uDE00"', b'"\\uD83D\\uDE00"'),
        (b'"\\\\ud83d"', b'"\\\\ud83d"'),
        (b'"\\n\\u00e9"', b'"\\n\\u00e9"'),
    ],
)
def test_only_halves_of_characters_are_replaced(data: bytes, whole: bytes) -> None:
    assert whole_characters(data) == whole


def test_event_with_half_a_character_is_read() -> None:
    assert decoded(msgspec.json.Decoder(list[str]), b'["\\ud83d"]') == ["\ufffd"]


@pytest.mark.parametrize("data", [b"[1]", b"["])
def test_what_is_no_such_event_is_an_error(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decoded(msgspec.json.Decoder(list[str]), data)


def test_broken_stream_is_the_providers_fault() -> None:
    failure = broken("it ended").failure
    assert (failure.status, failure.message) == (502, "The model's stream broke: it ended.")


def test_beginning_of_a_text_says_nothing_and_that_of_a_call_does() -> None:
    begin = Begin("a", "m")
    assert says_nothing([begin, PartBegin(Text("")), PartBegin(Thinking(""))])
    assert not says_nothing([begin, PartBegin(Text("")), TextDelta(b'"a"')])
    assert not says_nothing([begin, PartBegin(ToolCall("c", "f", ""))])


def test_event_that_is_no_json_is_passed_over_once_a_stream_has_begun() -> None:
    decoder = msgspec.json.Decoder(dict[str, int])
    assert readable(decoder, b'{"a":1}', begun=False) == {"a": 1}
    assert readable(decoder, b"{", begun=True) is None
    with pytest.raises(msgspec.DecodeError):
        readable(decoder, b"{", begun=False)
    with pytest.raises(msgspec.ValidationError):
        readable(decoder, b'"a"', begun=True)
