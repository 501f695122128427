import pytest

from dataplane.mcp import tokens


@pytest.mark.parametrize("token", [b"7", b'"7"', b'"a:b"', b'"\xc3\xa6"'])
def test_token_leads_back_to_its_server(token: bytes) -> None:
    assert tokens.unmarked(tokens.marked("a", token), ["a", "b"]) == ("a", token)


@pytest.mark.parametrize("token", [b"7", b'"x"', b'"c:7"', b"{}", b""])
def test_token_that_nobody_marked_is_nobodys(token: bytes) -> None:
    assert tokens.unmarked(token, ["a", "b"]) is None


def test_cursor_is_one_word() -> None:
    word = tokens.cursor({"a": "7", "b": "x"})
    assert tokens.cursors(word) == {"a": "7", "b": "x"}


@pytest.mark.parametrize("word", ["", "!", "bm9uZQ==", "W10="])
def test_cursor_that_is_none_of_ours_is_none(word: str) -> None:
    assert tokens.cursors(word) is None
