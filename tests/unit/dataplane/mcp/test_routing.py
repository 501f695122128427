import pytest

from dataplane.mcp.message import Message, Refused, encode, read
from dataplane.mcp.names import Member, Roster
from dataplane.mcp.routing import (
    All,
    InTurn,
    One,
    is_error_of,
    receivers,
    says_not_found,
    to_client,
    way,
)
from dataplane.runtime.mcp import McpServer

A = Member(McpServer("a", "mcp:a", deny=("secret",)), "a_")
B = Member(McpServer("b", "mcp:b"), "b_")
BOTH, ONE = Roster((A, B)), Roster((Member(McpServer("a", "mcp:a")),))


def message(method: str = "", **fields: object) -> Message:
    named = {"method": method} if method else {}
    found = read(encode({"jsonrpc": "2.0", **named, **fields}))
    assert isinstance(found, Message)
    return found


def asks(method: str, **params: object) -> Message:
    return message(method, id=1, params=params)


@pytest.mark.parametrize(
    ("method", "name"), [("tools/call", "b_t"), ("prompts/get", "b_t")], ids=["tool", "prompt"]
)
def test_name_leads_to_its_server(method: str, name: str) -> None:
    found = way(BOTH, asks(method, name=name, arguments={"n": 1}))
    assert isinstance(found, One)
    assert found.member is B
    assert bytes(found.message.members["params"]) == b'{"name":"t","arguments":{"n":1}}'


@pytest.mark.parametrize("name", ["c_t", "a_secret", 7])
def test_tool_that_is_not_offered_is_unknown(name: object) -> None:
    found = way(BOTH, asks("tools/call", name=name))
    assert isinstance(found, Refused)
    assert found.code == -32602


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("tools/list", All),
        ("logging/setLevel", All),
        ("resources/read", InTurn),
        ("tasks/get", Refused),
    ],
)
def test_what_several_servers_are_asked(method: str, kind: type) -> None:
    assert isinstance(way(BOTH, asks(method)), kind)


def test_single_server_gets_everything_unchanged() -> None:
    asked = asks("tasks/get", taskId="7")
    found = way(ONE, asked)
    assert isinstance(found, One)
    assert found.message is asked


def test_completion_goes_to_whose_the_prompt_is() -> None:
    found = way(BOTH, asks("completion/complete", ref={"type": "ref/prompt", "name": "a_p"}))
    assert isinstance(found, One)
    assert b'"name":"p"' in found.message.body
    other = way(BOTH, asks("completion/complete", ref={"type": "ref/resource", "uri": "x://{a}"}))
    assert isinstance(other, InTurn)


def test_request_of_a_server_comes_back_to_it() -> None:
    asked = message("roots/list", id=5, params={"_meta": {"progressToken": "p", "x": 1}})
    shown = to_client(BOTH, B, asked)
    assert shown.body == (
        b'{"jsonrpc":"2.0","method":"roots/list","id":"b:5",'
        b'"params":{"_meta":{"progressToken":"b:\\"p\\"","x":1}}}'
    )
    ((member, answer),) = receivers(BOTH, message(id="b:5", result={}))
    assert (member, answer.id) == (B, b"5")
    progress = message("notifications/progress", params={"progressToken": 'b:"p"'})
    ((member, told),) = receivers(BOTH, progress)
    assert (member, bytes(told.params["progressToken"])) == (B, b'"p"')


def test_cancellation_of_a_server_names_the_request_that_clients_know() -> None:
    shown = to_client(BOTH, A, message("notifications/cancelled", params={"requestId": 5}))
    assert b'"requestId":"a:5"' in shown.body


def test_what_is_nobodys_goes_to_nobody() -> None:
    assert receivers(BOTH, message(id=5, result={})) == []
    assert receivers(BOTH, message("notifications/progress", params={})) == []


def test_notifications_go_to_all() -> None:
    told = message("notifications/roots/list_changed")
    assert [member for member, _ in receivers(BOTH, told)] == [A, B]


def test_messages_of_a_single_server_are_not_touched() -> None:
    asked = message("roots/list", id=5)
    assert to_client(ONE, ONE.members[0], asked) is asked
    listed = message(id=1, result={"tools": [{"name": "t"}]})
    assert to_client(ONE, ONE.members[0], listed, "tools/list") is listed


@pytest.mark.parametrize(("code", "is_so"), [(-32002, True), (-32602, True), (-32603, False)])
def test_servers_say_that_they_have_no_such_resource(code: int, is_so: bool) -> None:
    answer = message(id=1, error={"code": code, "message": ""})
    assert says_not_found(answer) is is_so
    assert is_error_of(answer, [code])
    assert not says_not_found(message(id=1, result={}))
