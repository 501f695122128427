"""Values of a peer, read with tolerance."""

import pytest

from dataplane.agents.a2a import values


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_json_are_none(body: bytes) -> None:
    assert values.decoded(body) is None


def test_fields_of_the_wrong_type_count_as_absent() -> None:
    assert values.mapping([1]) == {}
    assert values.text(1) == ""
    assert values.objects({"a": 1}) == []
    assert values.objects([1, {"a": 1}]) == [{"a": 1}]
    assert values.strings(["a", 1]) == ["a"]


def test_event_is_known_by_its_key() -> None:
    event = {"task": {"id": "t", "contextId": "c", "status": {"state": values.WORKING}}}
    assert values.kind_of(event) == "task"
    assert values.task_id_of(event) == "t"
    assert values.context_id_of(event) == "c"
    assert values.state_of(event) == values.WORKING
    assert values.kind_of({"task": 1}) == ""


def test_words_of_parts() -> None:
    parts = [{"text": "a"}, {"url": "http://x/y", "filename": "y"}, {"data": 1}, {"raw": "aGk="}]
    assert values.words(parts) == "a[y](http://x/y)1"


def test_words_can_be_replaced_and_files_stay() -> None:
    parts = [{"text": "secret"}, {"raw": "aGk="}, {"text": "more"}]
    assert values.with_words(parts, "***") == [{"text": "***"}, {"raw": "aGk="}]
    assert values.with_words(parts, "") == [{"raw": "aGk="}]
