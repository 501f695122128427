"""What of a conversation matters."""

import pytest

from dataplane.intent.conversation import (
    MAX_ASKED,
    MAX_CHARACTERS,
    Asked,
    asked,
    declines,
    inquires,
    is_closing,
    is_goodbye,
    is_only_thanks,
    offers_more,
    requests,
)
from dataplane.runtime.decision import Turn


def test_each_user_message_has_what_it_answers() -> None:
    conversation = [
        Turn("system", "be brief"),
        Turn("user", "rain?"),
        Turn("assistant", "Where?", name="weather"),
        Turn("tool", "{}"),
        Turn("user", " in  Rome "),
    ]
    assert asked(conversation) == (Asked("rain?"), Asked("in Rome", "Where?", "weather"))


def test_empty_messages_ask_nothing() -> None:
    assert asked([Turn("user", " \n "), Turn("assistant", "?")]) == ()


def test_user_messages_in_a_row_stay_apart() -> None:
    assert [a.text for a in asked([Turn("user", "a"), Turn("user", "b")])] == ["a", "b"]


def test_only_the_last_messages_are_read() -> None:
    found = asked([Turn("user", str(i)) for i in range(100)])
    assert [a.text for a in found] == [str(i) for i in range(100 - MAX_ASKED, 100)]


def test_of_a_huge_message_both_ends_are_read() -> None:
    (found,) = asked([Turn("user", "first " + "x" * 1_000_000 + " last")])
    assert found.text.startswith("first")
    assert found.text.endswith("last")
    assert len(found.text) <= MAX_CHARACTERS + 1


@pytest.mark.parametrize("text", ["thanks, bye!", "Bye for now.", "great, thanks. take care"])
def test_goodbyes_ask_nothing(text: str) -> None:
    assert is_goodbye(text)
    assert is_closing(text)


@pytest.mark.parametrize(
    "text", ["thanks, book it", "by train", "goodbye party ideas, please", "thank you", ""]
)
def test_what_is_no_goodbye(text: str) -> None:
    assert not is_goodbye(text)


def test_thanks_with_nothing_else() -> None:
    assert is_only_thanks("Thank you so much for your help!")
    assert not is_only_thanks("Thanks! Find me a restaurant")


def test_a_no_declines_unless_it_asks() -> None:
    assert declines("No, not right now.")
    assert not declines("No? What else do you have")


def test_an_offer_of_more_help_is_seen() -> None:
    assert offers_more("Is there anything else I can help you with?")
    assert not offers_more("Which city?")


def test_a_question_begins_as_one() -> None:
    assert inquires("Okay, what's their address?")
    assert not inquires("Book it for the time when they open")


def test_a_task_is_put_as_one() -> None:
    assert requests("I'd like a table")
    assert not requests("Half past seven.")


@pytest.mark.parametrize("word", ["goodbye", "thanks ", "no ", "that's all ", "for "])
def test_no_text_takes_long(word: str) -> None:
    # An ambiguous pattern would take longer than the universe for these.
    assert not is_only_thanks(f"thanks {word * 800}x")
