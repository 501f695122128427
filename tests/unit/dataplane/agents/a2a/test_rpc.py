"""What is asked in A2A, in each of its forms."""

import json
from typing import Any

import pytest

from dataplane.agents.a2a.rpc import (
    Asked,
    Code,
    Fault,
    Op,
    fault_body,
    method_of,
    read_rest,
    read_rpc,
    result,
)
from dataplane.agents.a2a.v03 import Form

NEW = {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": "Hi"}]}
OLD = {
    "kind": "message",
    "messageId": "m",
    "role": "user",
    "parts": [{"kind": "text", "text": "Hi"}],
}
PROTO = {"messageId": "m", "role": "ROLE_USER", "content": [{"text": "Hi"}]}


def rpc(method: str, params: object, **more: object) -> Asked | Fault:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params} | more
    return read_rpc(json.dumps(body).encode(), "")


def rest(method: str, path: str, body: object = None, query: str = "") -> Asked | Fault | None:
    return read_rest(method, path, query, json.dumps(body).encode(), "")


ASKED: dict[str, Any] = {
    "1.0 rpc": rpc("SendMessage", {"message": NEW}),
    "0.3 rpc": rpc("message/send", {"message": OLD}),
    "1.0 rest": rest("POST", "/message:send", {"message": NEW}),
    "0.3 rest": rest("POST", "/v1/message:send", {"message": PROTO}),
    "0.3 rest with kinds": rest("POST", "/v1/message:send", {"message": OLD}),
}


@pytest.mark.parametrize("form", ASKED)
def test_message_is_the_same_in_every_form(form: str) -> None:
    asked = ASKED[form]
    assert isinstance(asked, Asked)
    assert (asked.op, asked.message) == (Op.SEND, NEW)


@pytest.mark.parametrize("form", ASKED)
def test_answer_is_in_the_form_of_the_question(form: str) -> None:
    asked = ASKED[form]
    task = {"id": "t", "contextId": "c", "status": {"state": "TASK_STATE_COMPLETED"}}
    made = json.loads(result(asked, {"task": task}))
    if "rpc" in form:
        assert made["id"] == 7
        made = made["result"]
    if asked.form is Form.KINDS:
        assert (made["kind"], made["status"]["state"]) == ("task", "completed")
    else:
        assert made["task"]["id"] == "t"


FAULTS: dict[str, tuple[Asked | Fault | None, Code]] = {
    "no json": (read_rpc(b"{", ""), Code.PARSE),
    "a batch": (read_rpc(b"[]", ""), Code.INVALID_REQUEST),
    "no version": (rpc("SendMessage", {}, jsonrpc="1.0"), Code.INVALID_REQUEST),
    "no method": (rpc("Dance", {}), Code.NO_METHOD),
    "params": (rpc("SendMessage", []), Code.INVALID_PARAMS),
    "no message": (rpc("SendMessage", {}), Code.INVALID_PARAMS),
    "no parts": (rpc("SendMessage", {"message": NEW | {"parts": []}}), Code.INVALID_PARAMS),
    "no id": (rpc("SendMessage", {"message": NEW | {"messageId": ""}}), Code.INVALID_PARAMS),
    "strange part": (
        rpc("SendMessage", {"message": NEW | {"parts": [{"x": 1}]}}),
        Code.INVALID_PARAMS,
    ),
    "agent's role": (
        rpc("SendMessage", {"message": NEW | {"role": "ROLE_AGENT"}}),
        Code.INVALID_PARAMS,
    ),
    "long id": (
        rpc("SendMessage", {"message": NEW | {"contextId": "c" * 201}}),
        Code.INVALID_PARAMS,
    ),
    "no task": (rpc("GetTask", {}), Code.INVALID_PARAMS),
    "push": (
        rpc(
            "SendMessage",
            {
                "message": NEW,
                "configuration": {"taskPushNotificationConfig": {"url": "http://10.0.0.1"}},
            },
        ),
        Code.NO_PUSH,
    ),
    "push of 0.3": (
        rpc(
            "message/send",
            {
                "message": OLD,
                "configuration": {"pushNotificationConfig": {"url": "http://10.0.0.1"}},
            },
        ),
        Code.NO_PUSH,
    ),
    "rest": (rest("POST", "/message:send", []), Code.PARSE),
}


@pytest.mark.parametrize("what", FAULTS)
def test_fault_has_its_code(what: str) -> None:
    found, code = FAULTS[what]
    assert isinstance(found, Fault)
    assert found.code is code
    assert json.loads(fault_body(found))["error"]["message"]


def test_version_that_nobody_speaks_is_refused() -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "t"}})
    found = read_rpc(body.encode(), "2.0")
    assert isinstance(found, Fault)
    assert found.code is Code.VERSION
    assert isinstance(read_rpc(body.encode(), "1.0"), Asked)


@pytest.mark.parametrize(
    ("method", "path", "op"),
    [
        ("GET", "/tasks/t%2F1", Op.GET),
        ("GET", "/v1/tasks/t", Op.GET),
        ("POST", "/tasks/t:cancel", Op.CANCEL),
        ("GET", "/tasks/t:subscribe", Op.SUBSCRIBE),
        ("POST", "/v1/tasks/t:subscribe", Op.SUBSCRIBE),
        ("GET", "/extendedAgentCard", Op.CARD),
        ("GET", "/v1/card", Op.CARD),
        ("GET", "/tasks", Op.LIST),
        ("POST", "/tasks/t/pushNotificationConfigs", Op.PUSH),
        ("DELETE", "/tasks/t/pushNotificationConfigs/p", Op.PUSH),
    ],
)
def test_rest_paths(method: str, path: str, op: Op) -> None:
    asked = rest(method, path, query="historyLength=2")
    assert isinstance(asked, Asked)
    assert asked.op is op


@pytest.mark.parametrize("path", ["/nowhere", "/message:dance", "/v1", "/tasks/a/b"])
def test_nothing_is_at_other_paths(path: str) -> None:
    assert rest("POST", path) is None


def test_rest_fault_has_googles_shape() -> None:
    told = json.loads(fault_body(Fault(Code.NO_TASK, "None.", "HTTP+JSON")))["error"]
    assert (told["code"], told["status"]) == (404, "NOT_FOUND")
    assert told["details"][0]["reason"] == "TASK_NOT_FOUND"


def test_methods_have_their_names() -> None:
    assert method_of(Op.STREAM, Form.V1) == "SendStreamingMessage"
    assert method_of(Op.CANCEL, Form.KINDS) == "tasks/cancel"
    assert method_of(Op.CANCEL, Form.PROTO) == "tasks/cancel"


def test_list_of_tasks_is_in_the_form_of_the_question() -> None:
    status = {"state": "TASK_STATE_COMPLETED"}
    task = {"id": "t", "contextId": "c", "status": status, "history": [NEW]}
    page = {"tasks": [task], "nextPageToken": "", "pageSize": 50, "totalSize": 1}
    new, old = rest("GET", "/tasks", query="pageSize=7"), rest("GET", "/v1/tasks")
    assert isinstance(new, Asked)
    assert isinstance(old, Asked)
    assert new.listing.size == 7
    assert json.loads(result(new, page)) == page
    (told,) = json.loads(result(old, page))["tasks"]
    assert told["history"][0]["content"] == [{"text": "Hi"}]


@pytest.mark.parametrize(
    "asked", [rpc("ListTasks", {"pageSize": 0}), rest("GET", "/tasks", query="status=x")]
)
def test_list_that_cannot_be_made_is_refused(asked: Asked | Fault | None) -> None:
    assert isinstance(asked, Fault)
    assert asked.code is Code.INVALID_PARAMS
