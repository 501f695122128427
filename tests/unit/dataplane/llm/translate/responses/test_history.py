"""How a remembered conversation and a new request become one."""

import json
from typing import Any

import msgspec
import pytest

from dataplane.llm.translate.responses import history

CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'}


def _raw(*items: dict[str, Any]) -> list[msgspec.Raw]:
    return [msgspec.Raw(json.dumps(item).encode()) for item in items]


def _body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_a_turn_names_what_it_continues() -> None:
    body = _body(model="m", input="x", previous_response_id="resp_1", store=False)
    assert history.turn(body) == history.Turn("resp_1", stored=False, model="m")


def test_a_turn_that_says_nothing_begins_and_is_stored() -> None:
    body = _body(input="x", previous_response_id=None, store=None)
    assert history.turn(body) == history.Turn("", stored=True, model="")


@pytest.mark.parametrize("body", [b"", b"[]", b'{"store":3}', b"[" * 100_000])
def test_what_is_no_request_is_no_turn(body: bytes) -> None:
    assert history.turn(body) is None


def test_what_was_said_before_comes_first_and_unchanged() -> None:
    said = _raw({"role": "user", "content": "one"}, CALL)
    body = _body(previous_response_id="resp_1", input=[{"type": "function_call_output"}], top_p=1)
    assert json.loads(history.continued(body, said)) == {
        "previous_response_id": "resp_1",
        "input": [{"role": "user", "content": "one"}, CALL, {"type": "function_call_output"}],
        "top_p": 1,
    }


def test_a_request_for_others_does_not_name_what_only_we_know() -> None:
    body = _body(previous_response_id="resp_1", input="x")
    assert json.loads(history.cut_loose(body)) == {"input": "x"}


def test_items_that_are_only_named_tell_their_response() -> None:
    items = [
        {"type": "item_reference", "id": "msg_0a1b_0"},
        {"id": "rs_0a1b_1"},
        {"type": "item_reference", "id": "msg_68a1f00d"},
        {"type": "message", "id": "msg_0c_0", "role": "user", "content": "x"},
        CALL,
        {"type": 3},
    ]
    named = {"msg_0a1b_0": "resp_0a1b", "rs_0a1b_1": "resp_0a1b"}
    assert history.references(_body(input=items)) == named


@pytest.mark.parametrize("body", [_body(input="x"), _body(input=[CALL]), _body(input='"id"')])
def test_requests_that_name_nothing_have_no_references(body: bytes) -> None:
    assert history.references(body) == {}


def test_named_items_stand_where_they_were_named() -> None:
    message = {"type": "message", "id": "msg_0a_0", "role": "assistant", "content": "one"}
    body = _body(model="m", input=[{"id": "msg_0a_0"}, {"type": "item_reference", "id": "x"}, CALL])
    found = history.resolved(body, history.by_id(_raw(message, CALL)))
    assert json.loads(found) == {
        "model": "m",
        "input": [message, {"type": "item_reference", "id": "x"}, CALL],
    }


def test_a_text_is_a_message_of_the_user() -> None:
    merged = json.loads(history.continued(_body(input='"q"'), []))
    assert merged["input"] == [{"type": "message", "role": "user", "content": '"q"'}]


def test_no_input_adds_nothing() -> None:
    assert json.loads(history.continued(b"{}", _raw(CALL)))["input"] == [CALL]


@pytest.mark.parametrize("given", [3, {"a": 1}, True])
def test_an_input_of_another_kind_is_an_error(given: object) -> None:
    with pytest.raises(ValueError, match="array"):
        history.own_items(_body(input=given))


def test_an_outcome_has_the_output_as_it_was() -> None:
    response = _body(id="resp_2", status="completed", output=[CALL])
    assert history.outcome(response) == history.Outcome("resp_2", _raw(CALL), complete=True)


def test_a_failed_response_cannot_be_continued() -> None:
    found = history.outcome(_body(id="resp_2", status="failed", output=[]))
    assert found is not None
    assert not found.complete


@pytest.mark.parametrize("response", [b"", b"{}", b'{"id":1,"output":[]}'])
def test_what_is_no_response_has_no_outcome(response: bytes) -> None:
    assert history.outcome(response) is None
