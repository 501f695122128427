from hypothesis import given
from hypothesis import strategies as st

from dataplane.llm.words.replacing import Replacements, Replacing

PAIRS = Replacements({"[A_1]": "anna", "[A_10]": "bert", "[Q]": 'say "hi"'})


def fed(pieces: list[str], is_json: bool = False) -> str:
    text = Replacing(PAIRS, is_json)
    return "".join([text.feed(piece) for piece in pieces]) + text.finish()


def test_a_key_in_pieces_is_replaced() -> None:
    assert fed(["hello [", "A_", "1", "], and [A_10", "]!"]) == "hello anna, and bert!"


def test_only_what_may_be_a_key_waits() -> None:
    text = Replacing(PAIRS)
    assert text.feed("a list[0] of [") == "a list[0] of "
    assert text.holds
    assert text.feed("x") == "[x"
    assert not text.holds


def test_what_never_became_a_key_is_shown_in_the_end() -> None:
    assert fed(["see [A_"]) == "see [A_"


def test_json_stays_json() -> None:
    assert fed(['{"x":"[Q', ']"}'], is_json=True) == '{"x":"say \\"hi\\""}'


def test_nothing_to_replace_changes_nothing() -> None:
    text = Replacing(Replacements({}))
    assert text.feed("[A_1]") == "[A_1]"
    assert not text.holds


@given(st.lists(st.sampled_from(["[A_1", "]", "0", "[", "A_10", "[Q]", "x"]), max_size=20))
def test_cuts_do_not_change_what_comes_out(pieces: list[str]) -> None:
    assert fed(pieces) == PAIRS.apply("".join(pieces))
