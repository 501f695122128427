"""What an A2A agent says, as a chat completion."""

import json
from typing import Any

import pytest

from dataplane.agents.a2a.card import Interface
from dataplane.agents.a2a.hearing import RAW, Hearing, read_event, read_task
from dataplane.agents.a2a.v03 import Form
from dataplane.agents.a2a.values import Json
from dataplane.llm.chat_answer import answer_text
from dataplane.llm.hub.answer import Failure
from dataplane.runtime.messages import HttpReply

RPC = Interface(Form.V1, "JSONRPC", "/")
OLD_RPC = Interface(Form.KINDS, "JSONRPC", "/")
REST = Interface(Form.V1, "HTTP+JSON", "/")
IDS = {"taskId": "t", "contextId": "c"}


def status(state: str, said: str = "") -> Json:
    told: Json = {"state": f"TASK_STATE_{state}"}
    if said:
        told["message"] = {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": said}]}
    return {"statusUpdate": IDS | {"status": told}}


def task(state: str, **more: Any) -> Json:
    return {
        "task": {"id": "t", "contextId": "c", "status": {"state": f"TASK_STATE_{state}"}} | more
    }


def artifact(said: str, name: str = "a", *, append: bool = False) -> Json:
    made: Json = {"artifact": {"artifactId": name, "parts": [{"text": said}]}}
    return {"artifactUpdate": IDS | made | ({"append": True} if append else {})}


def message(said: str) -> Json:
    return {"message": {"messageId": "m", "role": "ROLE_AGENT", "parts": [{"text": said}]}}


def heard(*events: Json) -> tuple[Hearing, str]:
    """The fold, and the words that a chat client reads."""
    hearing = Hearing("1", 0, "locksmith")
    out = b"".join(hearing.feed(event) for event in events)
    if not hearing.over or hearing.failure is not None:
        return hearing, out.decode()
    found = answer_text(HttpReply(200, (("content-type", "text/event-stream"),), out))
    assert isinstance(found, str)
    assert (
        found == hearing.answer == json.loads(hearing.whole())["choices"][0]["message"]["content"]
    )
    return hearing, found


ANSWERS: dict[str, tuple[tuple[Json, ...], str]] = {
    "message": ((message("Hello."),), "Hello."),
    "whole task": (
        (task("COMPLETED", artifacts=[{"artifactId": "a", "parts": [{"text": "Here."}]}]),),
        "Here.",
    ),
    "pieces of an artifact": (
        (
            task("SUBMITTED"),
            status("WORKING", "Looking."),
            artifact("Under "),
            artifact("the mat.", append=True),
            status("COMPLETED"),
        ),
        "Under the mat.",
    ),
    "two artifacts": (
        (artifact("One."), artifact("Two.", "b"), status("COMPLETED")),
        "One.\n\nTwo.",
    ),
    "an artifact that is told again, grown": (
        (artifact("Under "), artifact("Under the mat."), status("COMPLETED")),
        "Under the mat.",
    ),
    "pieces, then the whole task": (
        (
            artifact("Here."),
            task("COMPLETED", artifacts=[{"artifactId": "a", "parts": [{"text": "Here."}]}]),
        ),
        "Here.",
    ),
    "only a status": ((task("SUBMITTED"), status("COMPLETED", "Done.")), "Done."),
    "the last word of the history": (
        (
            task(
                "COMPLETED",
                history=[{"role": "ROLE_AGENT", "messageId": "m", "parts": [{"text": "Yes."}]}],
            ),
        ),
        "Yes.",
    ),
    "a question": ((task("WORKING"), status("INPUT_REQUIRED", "Which door?")), "Which door?"),
    "words and a question": (
        (artifact("Two doors."), status("INPUT_REQUIRED", "Which?")),
        "Two doors.\n\nWhich?",
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_answer_is_what_was_said(what: str) -> None:
    events, words = ANSWERS[what]
    hearing, said = heard(*events)
    assert said == words
    assert hearing.over


@pytest.mark.parametrize(("state", "code"), [("FAILED", 424), ("CANCELED", 424), ("REJECTED", 422)])
def test_task_that_came_to_nothing_is_an_error(state: str, code: int) -> None:
    hearing, out = heard(artifact("Under"), status(state, "No key fits."))
    assert hearing.failure is not None
    assert hearing.failure.status == code
    assert "No key fits." in out
    assert "[DONE]" not in out


def test_agent_that_wants_a_login_is_an_error_unless_it_says_how() -> None:
    hearing, _ = heard(status("AUTH_REQUIRED"))
    assert hearing.failure is not None
    assert heard(status("AUTH_REQUIRED", "Log in at x."))[1] == "Log in at x."


def test_task_that_still_works_is_no_answer_yet() -> None:
    hearing, out = heard(task("SUBMITTED"), artifact("Under"))
    assert not hearing.over
    assert "[DONE]" not in out
    assert (hearing.task_id, hearing.context_id) == ("t", "c")


def test_nothing_follows_the_end() -> None:
    hearing, _ = heard(message("Hello."))
    assert hearing.feed(message("Again.")) == b""


def test_events_go_along_for_clients_of_a2a() -> None:
    hearing = Hearing("1", 0, "locksmith", raw=True)
    out = hearing.feed(status("WORKING", "Looking.")) + hearing.feed(status("FAILED", "No."))
    chunks = [
        json.loads(line[6:]) for line in out.decode().split("\n\n") if line.startswith("data: {")
    ]
    events = [one[RAW]["event"] for one in chunks if RAW in one]
    assert events == [status("WORKING", "Looking."), status("FAILED", "No.")]
    assert out.endswith(b"data: [DONE]\n\n")


READ: dict[str, tuple[Interface, Json]] = {
    "1.0": (RPC, {"jsonrpc": "2.0", "id": 1, "result": message("Hi")}),
    "0.3": (
        OLD_RPC,
        {
            "result": {
                "kind": "message",
                "messageId": "m",
                "role": "agent",
                "parts": [{"kind": "text", "text": "Hi"}],
            }
        },
    ),
    "rest": (REST, message("Hi")),
}


@pytest.mark.parametrize("form", READ)
def test_event_is_read_in_every_form(form: str) -> None:
    interface, body = READ[form]
    assert read_event(json.dumps(body).encode(), interface) == message("Hi")


def test_error_is_told_with_its_words() -> None:
    body = b'{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"No task."}}'
    failure = read_event(body, RPC)
    assert isinstance(failure, Failure)
    assert (failure.status, failure.message, failure.code) == (400, "No task.", "-32001")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"result":{"x":1}}'])
def test_what_is_no_answer_is_a_failure(body: bytes) -> None:
    for interface in (RPC, OLD_RPC, REST):
        assert isinstance(read_event(body, interface), Failure)
        assert isinstance(read_task(body, interface), Failure)
