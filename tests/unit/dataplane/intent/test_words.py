"""Text -> words that carry meaning."""

import pytest

from dataplane.intent.words import split_name, stem, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("research_finder", "research finder"),
        ("ResearchFinder", "research finder"),
        ("HTTPProxy-2", "http proxy 2"),
        ("weather", "weather"),
        ("---", ""),
    ],
)
def test_an_id_reads_as_words(name: str, expected: str) -> None:
    assert split_name(name) == expected


@pytest.mark.parametrize(
    "forms",
    [
        ("pay", "pays", "paying"),
        ("flight", "flights"),
        ("city", "cities"),
        ("booking", "booked", "books"),
        ("cancel", "cancelled", "cancels"),
    ],
    ids=lambda forms: forms[0],
)
def test_forms_of_a_word_meet(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_what_every_request_says_does_not_count() -> None:
    assert words("Could you please tell me what the weather is?") == words("weather")


def test_signs_of_scripts_without_spaces_are_words() -> None:
    assert words("天气 forecast") == ["天", "气", "forecast"]


def test_words_of_nothing_are_none() -> None:
    assert words("?! ... 🙂") == []
