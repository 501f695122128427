"""What is kept of a response, and how it is shown again."""

import json
from typing import Any

import msgspec
import pytest

from dataplane.llm import kept
from dataplane.runtime.messages import LocalReply, ResponseDetail

RESPONSE = {"id": "resp_1", "object": "response"}
INPUT: list[dict[str, Any]] = [
    {"role": "user", "content": "one"},
    {"type": "message", "id": "msg_own", "role": "assistant", "content": "two"},
    {"type": "function_call_output", "call_id": "c", "output": "three"},
]


def _kept(*items: dict[str, Any]) -> kept.Kept:
    raw = [msgspec.Raw(json.dumps(item).encode()) for item in items]
    return kept.Kept(msgspec.Raw(json.dumps(RESPONSE).encode()), raw, raw)


def _page(query: str) -> dict[str, Any]:
    reply = kept.input_items(_kept(*INPUT), "resp_1", query)
    assert reply.status == 200, reply
    page: dict[str, Any] = json.loads(reply.body or b"")
    return page


def test_what_is_stored_comes_back_as_it_was() -> None:
    one = _kept(*INPUT)
    assert kept.decode(kept.encode(one)) == one


@pytest.mark.parametrize("stored", [b"", b"{}", b"[1]", b"\xff", b'{"response":1}'])
def test_what_others_have_stored_is_nothing(stored: bytes) -> None:
    assert kept.decode(stored) is None


def test_a_response_is_retrieved_as_it_was_sent() -> None:
    assert json.loads(kept.retrieved(_kept()).body or b"") == RESPONSE


def test_items_are_listed_newest_first_with_ids_and_typed_content() -> None:
    assert _page("")["data"] == [
        {
            "type": "function_call_output",
            "call_id": "c",
            "output": "three",
            "id": "fco_1_2",
            "status": "completed",
        },
        {
            "type": "message",
            "id": "msg_own",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "two", "annotations": []}],
            "status": "completed",
        },
        {
            "role": "user",
            "content": [{"type": "input_text", "text": "one"}],
            "type": "message",
            "id": "msg_1_0",
            "status": "completed",
        },
    ]


def test_pages_follow_one_another() -> None:
    first = _page("limit=2&order=asc")
    second = _page(f"limit=2&order=asc&after={first['last_id']}")
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [i["id"] for i in first["data"] + second["data"]] == ["msg_1_0", "msg_own", "fco_1_2"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=never"])
def test_a_page_that_cannot_be_is_a_400(query: str) -> None:
    assert kept.input_items(_kept(*INPUT), "resp_1", query).status == 400


def test_a_deleted_response_says_so() -> None:
    assert json.loads(kept.deleted("resp_1").body or b"")["deleted"] is True


@pytest.mark.parametrize(
    ("reply", "status", "detail"),
    [
        (kept.unknown("resp_" + "x" * 200), 404, ResponseDetail.RESPONSE_NOT_FOUND),
        (kept.not_cancelled(), 400, ResponseDetail.INVALID_BODY),
    ],
)
def test_what_cannot_be_done_is_refused(
    reply: LocalReply, status: int, detail: ResponseDetail
) -> None:
    assert (reply.status, reply.detail, len(reply.message) < 200) == (status, detail, True)
