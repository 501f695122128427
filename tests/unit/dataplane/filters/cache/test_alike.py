import pytest

from dataplane.filters.cache.alike import MAX_CHARACTERS, may_share

SAME = [
    ("What is the capital of France?", "Tell me the capital of France"),
    ("What\N{RIGHT SINGLE QUOTATION MARK}s my balance", "what's my balance?"),
    ("please find me a recipe for chili", "i need a recipe for chili"),
    ("What are your exchange fees?", "What is your exchange fee?"),
    ("the next holiday is when", "i want to know when is the next holiday"),
    ("I can't log in", "I cannot log in"),
    ("Can you reset my PIN?", "I need to reset my pin"),
    ("Was kostet das Paket nach Wien?", "was kostet das Paket nach Wien"),
]
OTHER = {
    "a number": ("reserve a table for 4", "reserve a table for 6"),
    "a time": ("rooms between 9-10", "rooms between 7-9"),
    "a number in words": ("a table for four please", "a table for six please"),
    "a name": ("the capital of france", "the capital of spain"),
    "a name written as a free word": ("tax for US citizens", "tax for us citizens"),
    "a negation": ("is my card blocked", "is my card not blocked"),
    "a negation within a word": ("I can log in", "I can't log in"),
    "the order of words": ("flights from boston to denver", "flights from denver to boston"),
    "one word more": ("cancel my dinner", "cancel my dinner tonight"),
    "a class": ("when is my gas bill due", "when is my water bill due"),
    "an opposite": ("enable the alarm", "disable the alarm"),
    "whose it is": ("what is my name", "what is your name"),
    "what is asked": ("when was it built", "why was it built"),
    "a question in place of a statement": ("I need to verify it", "Do I need to verify it?"),
    "a sign": ("what is 3 + 4", "what is 3 - 4"),
    "an operator": ("what does a == b say", "what does a != b say"),
    "a placeholder": ("mail [EMAIL_1]", "mail [EMAIL_2]"),
    "another language's negation": ("Ich will das Paket", "Ich will das Paket nicht"),
}


@pytest.mark.parametrize(("one", "other"), SAME, ids=[one for one, _ in SAME])
def test_the_same_in_other_words_may_share_an_answer(one: str, other: str) -> None:
    assert may_share(one, other)
    assert may_share(other, one)


@pytest.mark.parametrize(("one", "other"), OTHER.values(), ids=OTHER.keys())
def test_what_differs_in_something_may_not(one: str, other: str) -> None:
    assert not may_share(one, other)
    assert not may_share(other, one)


def test_long_texts_are_not_compared() -> None:
    assert not may_share("a" * (MAX_CHARACTERS + 1), "a" * (MAX_CHARACTERS + 1))
