import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.hub.literals import decoded, join, literal, readable, text_of, whole_characters


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


def test_event_that_is_no_json_is_passed_over_once_a_stream_has_begun() -> None:
    decoder = msgspec.json.Decoder(dict[str, int])
    assert readable(decoder, b'{"a":1}', begun=False) == {"a": 1}
    assert readable(decoder, b"{", begun=True) is None
    with pytest.raises(msgspec.DecodeError):
        readable(decoder, b"{", begun=False)
    with pytest.raises(msgspec.ValidationError):
        readable(decoder, b'"a"', begun=True)
