"""Version 0.3 and 1.0 say the same. The SDK's types are the oracle for both."""

from typing import Any

import pytest
from a2a.compat.v0_3 import types
from a2a.types import StreamResponse
from google.protobuf.json_format import ParseDict

from dataplane.agents.a2a.v03 import (
    Form,
    new_configuration,
    new_event,
    new_message,
    new_state,
    old_event,
    old_message,
    old_state,
    old_task,
)

PARTS = [
    {"text": "Here.", "metadata": {"lang": "en"}},
    {"raw": "aGk=", "mediaType": "text/plain", "filename": "hi.txt"},
    {"url": "https://example.com/a.png", "mediaType": "image/png"},
    {"data": {"n": 1}},
]
MESSAGE = {"messageId": "m", "contextId": "c", "taskId": "t", "role": "ROLE_AGENT", "parts": PARTS}
STATUS = {
    "state": "TASK_STATE_INPUT_REQUIRED",
    "message": MESSAGE,
    "timestamp": "2026-01-01T00:00:00Z",
}
EVENTS: dict[str, dict[str, Any]] = {
    "task": {
        "id": "t",
        "contextId": "c",
        "status": STATUS,
        "artifacts": [{"artifactId": "a", "name": "n", "parts": PARTS}],
        "history": [MESSAGE | {"role": "ROLE_USER"}],
        "metadata": {"k": "v"},
    },
    "message": MESSAGE,
    "statusUpdate": {"taskId": "t", "contextId": "c", "status": STATUS},
    "artifactUpdate": {
        "taskId": "t",
        "contextId": "c",
        "artifact": {"artifactId": "a", "parts": PARTS},
        "append": True,
        "lastChunk": True,
    },
}
OLD: dict[str, Any] = {
    "task": types.Task,
    "message": types.Message,
    "statusUpdate": types.TaskStatusUpdateEvent,
    "artifactUpdate": types.TaskArtifactUpdateEvent,
}


@pytest.mark.parametrize("kind", EVENTS)
def test_what_we_write_is_what_the_sdk_reads(kind: str) -> None:
    ParseDict({kind: EVENTS[kind]}, StreamResponse())
    OLD[kind].model_validate(old_event({kind: EVENTS[kind]}, Form.KINDS))


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("kind", EVENTS)
def test_nothing_is_lost_on_the_way_back(kind: str, form: Form) -> None:
    event = {kind: EVENTS[kind]}
    made = old_event(event, form)
    assert (made if form is Form.V1 else new_event(made)) == event


@pytest.mark.parametrize("state", ["canceled", "input-required", "auth-required", "working"])
def test_states_have_their_names(state: str) -> None:
    assert old_state(new_state(state), Form.KINDS) == state
    assert types.TaskState(state)


def test_protobufs_cancelled_has_two_l() -> None:
    assert old_state("TASK_STATE_CANCELED", Form.PROTO) == "TASK_STATE_CANCELLED"
    assert new_state("TASK_STATE_CANCELLED") == "TASK_STATE_CANCELED"


def test_update_that_ends_a_task_is_final() -> None:
    done = {"statusUpdate": {"taskId": "t", "status": {"state": "TASK_STATE_COMPLETED"}}}
    assert old_event(done, Form.KINDS)["final"] is True
    working = {"statusUpdate": {"taskId": "t", "status": {"state": "TASK_STATE_WORKING"}}}
    assert old_event(working, Form.KINDS)["final"] is False


def test_what_is_no_event_is_nothing() -> None:
    assert new_event({"hello": "world"}) == {}
    assert new_event({"kind": "task", "status": 3})["task"]["status"]["state"]
    assert new_message({"parts": "no"}) == {"role": "ROLE_AGENT", "parts": []}


def test_data_that_is_no_object_is_wrapped_for_0_3() -> None:
    made = old_message({"role": "ROLE_USER", "parts": [{"data": [1]}]}, Form.KINDS)
    assert made["parts"] == [{"kind": "data", "data": {"value": [1]}}]


def test_task_of_1_0_stays_what_it_is() -> None:
    assert old_task(EVENTS["task"], Form.V1) is EVENTS["task"]


def test_only_a_client_that_does_not_block_wants_an_answer_at_once() -> None:
    assert new_configuration({"blocking": False}) == {"returnImmediately": True}
    assert new_configuration({"blocking": True}) == {}
