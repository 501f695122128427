"""A chat answer told as the events of a task."""

import json
from itertools import count
from typing import Any

import pytest
from a2a.types import StreamResponse
from google.protobuf.json_format import ParseDict

from dataplane.agents.a2a.hearing import RAW, Hearing
from dataplane.agents.a2a.telling import Folded, Telling, trimmed
from dataplane.agents.a2a.values import Json, kind_of, state_of
from tests.support.agents import completion, events
from tests.unit.dataplane.agents.a2a.test_hearing import artifact, message, status, task

ASKED = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "Where?"}]}
STREAM = b"".join(events(["Under ", "the mat."]))


WAITING = {
    "id": "t-1",
    "contextId": "c",
    "status": {"state": "TASK_STATE_INPUT_REQUIRED"} | message("Which?"),
    "history": [ASKED],
}


def telling(waiting: Json | None = None, *, asks: bool = False) -> Telling:
    ids = count(1)
    at = "2026-01-01T00:00:00Z"
    return Telling(ASKED, "c", lambda: f"id-{next(ids)}", lambda: at, waiting, lambda: asks)


def told(data: bytes, size: int = 1 << 20) -> list[Json]:
    one = telling()
    made: list[Json] = []
    for at in range(0, len(data), size):
        made += one.feed(data[at : at + size])
    for event in made:
        ParseDict(event, StreamResponse())
    return made


def folded(made: list[Json]) -> Json:
    fold = Folded()
    for event in made:
        fold.feed(event)
    return fold.result() or {}


def words(made: Json) -> str:
    return "".join(part["text"] for one in made["task"]["artifacts"] for part in one["parts"])


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_stream_is_a_task_that_works_and_completes(size: int) -> None:
    made = told(STREAM, size)
    assert [kind_of(event) for event in made] == [
        "task",
        "statusUpdate",
        "artifactUpdate",
        "artifactUpdate",
        "statusUpdate",
    ]
    assert state_of(made[-1]) == "TASK_STATE_COMPLETED"
    assert made[0]["task"]["history"][0]["parts"] == [{"text": "Where?"}]
    assert [event["artifactUpdate"].get("append") for event in made[2:4]] == [None, True]
    assert words(folded(made)) == "Under the mat."


def test_whole_answer_is_told_alike() -> None:
    made = telling().whole(json.dumps(completion("Under the mat.")).encode())
    assert words(folded(made)) == "Under the mat."
    assert state_of(made[-1]) == "TASK_STATE_COMPLETED"


def test_error_before_a_word_begins_no_task() -> None:
    one = telling()
    assert one.feed(b'data: {"error":{"message":"No.","code":"x"}}\n\n') == []
    assert one.error == {"message": "No.", "code": "x"}
    assert not one.begun


def test_error_after_words_is_a_task_that_failed() -> None:
    one = telling()
    made = one.feed(events(["Under"])[0])
    made += one.feed(b'data: {"error":{"message":"It broke."}}\n\n')
    assert state_of(made[-1]) == "TASK_STATE_FAILED"
    assert made[-1]["statusUpdate"]["status"]["message"]["parts"] == [{"text": "It broke."}]
    assert one.feed(STREAM) == []


def test_task_can_be_cancelled_once_it_has_begun() -> None:
    one = telling()
    assert one.cancel() == []
    one.feed(events(["Under"])[0])
    (event,) = one.cancel()
    assert state_of(event) == "TASK_STATE_CANCELED"
    assert one.cancel() == []


def test_question_is_the_status_of_a_task_that_waits() -> None:
    made = telling(asks=True).feed(STREAM)
    assert [kind_of(event) for event in made] == ["task", "statusUpdate", "statusUpdate"]
    assert state_of(made[-1]) == "TASK_STATE_INPUT_REQUIRED"
    told = made[-1]["statusUpdate"]["status"]["message"]
    assert (told["parts"], told["role"]) == ([{"text": "Under the mat."}], "ROLE_AGENT")
    assert (told["taskId"], told["contextId"]) == (made[0]["task"]["id"], "c")


def test_task_that_waits_goes_on_with_its_history() -> None:
    made = telling(WAITING).feed(STREAM)
    assert made[0]["task"]["id"] == "t-1"
    assert state_of(made[0]) == "TASK_STATE_WORKING"
    history = made[0]["task"]["history"]
    assert [one["parts"][0]["text"] for one in history] == ["Where?", "Which?", "Where?"]
    assert state_of(made[-1]) == "TASK_STATE_COMPLETED"


@pytest.mark.parametrize("has_asked", [False, True])
def test_task_that_waits_fails_with_the_agents_that_were_asked(has_asked: bool) -> None:
    one = telling(WAITING)
    made = one.fail({"message": "No."}, has_asked=has_asked)
    assert [state_of(event)[11:] for event in made] == ["WORKING", "FAILED"] * has_asked
    assert (one.error is None) == has_asked


def test_task_that_waits_is_cancelled_whatever_has_been_said() -> None:
    made = telling(WAITING).cancel()
    assert [state_of(event)[11:] for event in made] == ["WORKING", "CANCELED"]


def test_calls_of_tools_are_data() -> None:
    call = {"index": 0, "id": "1", "function": {"name": "open", "arguments": "{}"}}
    chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
    made = told(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")
    (part,) = made[2]["artifactUpdate"]["artifact"]["parts"]
    assert part["data"]["tool_calls"][0]["name"] == "open"


def test_answer_that_was_cut_by_a_limit_says_so() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "Un"}, "finish_reason": "length"}]}
    made = told(b"data: " + json.dumps(chunk).encode() + b"\n\ndata: [DONE]\n\n")
    assert made[-1]["statusUpdate"]["metadata"] == {"finish_reason": "length"}


def raw(*given: Json) -> bytes:
    hearing = Hearing("1", 0, "locksmith", raw=True)
    return b"".join(hearing.feed(event) for event in given)


FLOWS = {
    "message": [message("Hello.")],
    "task": [
        task("SUBMITTED"),
        status("WORKING", "Looking."),
        artifact("Here."),
        status("COMPLETED"),
    ],
    "question": [task("WORKING"), artifact("Two."), status("INPUT_REQUIRED", "Which?")],
    "failure": [task("WORKING"), status("FAILED", "No.")],
}


@pytest.mark.parametrize("flow", FLOWS)
def test_an_agents_own_events_are_passed_on_as_they_are(flow: str) -> None:
    assert told(raw(*FLOWS[flow])) == FLOWS[flow]


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "REJECTED"])
def test_task_of_ours_ends_as_that_of_its_agent(state: str) -> None:
    """Which has begun later, so that the client knows ours alone."""
    one = telling()
    one.begin()
    (event,) = one.feed(raw(task("WORKING"), status(state, "No.")))
    assert state_of(event)[11:] == state
    assert event["statusUpdate"]["status"]["message"]["parts"] == [{"text": "No."}]


def test_progress_is_a_status_of_a_task_that_works() -> None:
    one = telling()
    said = {"event": "answered", "run": "r", "step": 1, "agent": "weather", "text": "Rain."}
    made = one.aside(b"data: %b\n\n" % json.dumps({"choices": [], "outrider": said}).encode())
    assert [state_of(event)[11:] for event in made] == ["SUBMITTED", "WORKING", "WORKING"]
    told = made[-1]["statusUpdate"]
    assert told["metadata"] == {"outrider": said}
    assert told["status"]["message"]["parts"] == [{"text": "Rain."}]
    made += one.feed(STREAM)
    for event in made:
        ParseDict(event, StreamResponse())
    assert "metadata" not in folded(made)["task"]
    assert words(folded(made)) == "Under the mat."


def changed(data: bytes) -> bytes:
    """What a filter makes of chunks."""
    lines = []
    for line in data.decode().split("\n\n"):
        if line.startswith("data: {"):
            chunk: Any = json.loads(line[6:])
            delta = chunk["choices"][0]["delta"]
            if delta.get("content"):
                delta["content"] = "***"
            line = "data: " + json.dumps(chunk)
        lines.append(line)
    return "\n\n".join(lines).encode()


def test_words_that_a_filter_changed_are_changed_in_the_agents_events() -> None:
    whole = task("COMPLETED", artifacts=[{"artifactId": "b", "parts": [{"text": "Secret."}]}])
    given = [artifact("Secret."), status("INPUT_REQUIRED", "Secret?")]
    for flow in (given, [message("Secret.")], [whole]):
        data = raw(*flow)
        assert RAW.encode() in data
        assert "Secret" not in json.dumps(told(changed(data)))
        assert "***" in json.dumps(told(changed(data)))


def test_fold_joins_pieces_and_keeps_messages() -> None:
    assert folded([message("Hello.")]) == message("Hello.")
    assert folded([]) == {}
    made = folded([artifact("Under "), artifact("the mat.", append=True), status("COMPLETED")])
    assert made["task"]["artifacts"][0]["parts"] == [{"text": "Under the mat."}]
    assert made["task"]["status"]["state"] == "TASK_STATE_COMPLETED"
    again = folded([artifact("Under "), artifact("Elsewhere.")])
    assert words(again) == "Elsewhere."


def test_history_is_as_long_as_it_is_wanted() -> None:
    one = {"id": "t", "history": [{"n": 1}, {"n": 2}]}
    assert trimmed(one, None) == one
    assert trimmed(one, 1)["history"] == [{"n": 2}]
    assert "history" not in trimmed(one, 0)
