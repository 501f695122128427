import json
from typing import Any

import pytest

from dataplane.filters.pii.remembered import Place, Remembered, id_in, series_of, turn_of

WHAT = Remembered({"[EMAIL_1]": "anna@mail.example"}, "AB12CD")
RESPONSE = {"object": "response", "id": "resp_1"}
PLACE = Place("pii", "tenant acme", "resp_1")


def test_who_names_the_response_again_can_read_it() -> None:
    assert Place("pii", "tenant acme", "resp_1").open(PLACE.seal(WHAT)) == WHAT


def test_neither_values_nor_ids_are_in_the_store() -> None:
    sealed = PLACE.seal(WHAT)
    assert b"anna" not in sealed
    assert b"EMAIL" not in sealed
    assert "resp_1" not in PLACE.key
    assert "acme" not in PLACE.key


@pytest.mark.parametrize(
    "other",
    [
        Place("pii", "tenant other", "resp_1"),
        Place("pii", "tenant acme", "resp_2"),
        Place("other", "tenant acme", "resp_1"),
    ],
    ids=["tenant", "response", "filter"],
)
def test_nobody_else_can(other: Place) -> None:
    assert other.key != PLACE.key
    assert other.open(PLACE.seal(WHAT)) is None


@pytest.mark.parametrize("found", [None, b"", b"short", b"x" * 99])
def test_what_is_not_ours_is_nothing(found: bytes | None) -> None:
    assert PLACE.open(found) is None


def test_an_id_that_is_given_twice_seals_other_values_under_another_nonce() -> None:
    one, other = PLACE.seal(WHAT), PLACE.seal(Remembered({"[EMAIL_1]": "bob@mail.example"}))
    assert one[:12] != other[:12]


def test_a_series_is_of_one_response() -> None:
    assert series_of("resp_1") == series_of("resp_1") != series_of("resp_2")


@pytest.mark.parametrize(
    ("told", "id_"),
    [
        (RESPONSE, "resp_1"),
        (
            {"type": "response.created", "response": {"object": "response", "id": "resp_1"}},
            "resp_1",
        ),
        ({"type": "response.output_text.delta", "item_id": "msg_1", "delta": "x"}, ""),
        ({"object": "chat.completion", "id": "chatcmpl-1"}, ""),
        (None, ""),
    ],
    ids=["whole", "event", "another event", "another api", "no json"],
)
def test_an_answer_tells_its_id(told: Any, id_: str) -> None:
    assert id_in(told) == id_


def test_a_request_tells_what_it_continues() -> None:
    body = json.dumps({"previous_response_id": "resp_1", "store": False}).encode()
    assert (turn_of(body).previous_response_id, turn_of(body).store) == ("resp_1", False)
    assert turn_of(b"[1]").previous_response_id is None
