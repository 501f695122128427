import re
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.words.window import Match, Window, replaced

_SECRET = re.compile(r"\bsecret-\d+\b")


def scan(text: str, begin: int) -> Iterator[Match]:
    for found in _SECRET.finditer(text, begin):
        yield Match(found.start(), found.end(), "secret", "***")


def fed(pieces: list[str], width: int = 16) -> tuple[str, list[Match]]:
    window = Window(scan, width)
    shown = "".join([window.feed(piece) for piece in pieces])
    return shown + window.finish(), window.found


def test_a_find_in_pieces_is_never_shown() -> None:
    text, found = fed(["my sec", "ret-1", "23 is", " this"])
    assert text == "my *** is this"
    assert [match.kind for match in found] == ["secret"]


def test_what_is_older_than_the_window_is_shown() -> None:
    window = Window(scan, 4)
    assert window.feed("one two three") == "one two "
    assert window.holds


def test_a_find_that_may_grow_waits_for_its_end() -> None:
    window = Window(scan, 2)
    assert window.feed("x secret-1") == "x "
    assert window.feed("2345") == ""
    assert window.feed(" and so on") == "*** and so "
    assert window.finish() == "on"


def test_what_was_shown_is_looked_back_at() -> None:
    window = Window(scan, 0)
    shown = window.feed("xx ") + window.feed("nosecret-1 ")
    assert shown + window.finish() == "xx nosecret-1 "


def test_a_long_run_without_spaces_is_shown_in_time() -> None:
    window = Window(scan, 8)
    assert len(window.feed("x" * 400)) == 392


@given(st.lists(st.sampled_from(["secret-", "1", "23", " ", "a", "sec", "ret-4 "]), max_size=20))
def test_cuts_do_not_change_what_is_shown(pieces: list[str]) -> None:
    text, found = fed(pieces)
    whole, matches = replaced("".join(pieces), scan)
    assert text == whole
    assert len(found) == len(matches)
