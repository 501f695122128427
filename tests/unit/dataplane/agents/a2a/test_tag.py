"""States of our own agent card have names."""

import pytest

from dataplane.agents.a2a.tag import etag_of, names_tag

CARD = {"name": "Desk", "skills": []}


def signed(signature: str, protected: str = "p") -> dict[str, object]:
    return CARD | {"signatures": [{"protected": protected, "signature": signature}]}


def test_tag_changes_with_what_the_card_says() -> None:
    assert etag_of(CARD) == etag_of(dict(CARD))
    assert etag_of(CARD) != etag_of(CARD | {"name": "Other"})


def test_workers_whose_signatures_differ_name_it_alike() -> None:
    assert etag_of(signed("a")) == etag_of(signed("b"))
    assert etag_of(signed("a")).startswith('W/"')
    assert etag_of(signed("a")) != etag_of(signed("a", "another key"))


@pytest.mark.parametrize(
    ("wanted", "known"),
    [
        ("", False),
        ('"x"', False),
        ('"a"', True),
        ('W/"a"', True),
        ('"x", "a"', True),
        ("*", True),
        ("a", False),
    ],
)
def test_client_names_what_it_has(wanted: str, known: bool) -> None:
    assert names_tag(wanted, '"a"') is known
    assert names_tag(wanted, 'W/"a"') is known
