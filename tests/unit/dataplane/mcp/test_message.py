import pytest
from msgspec import Raw

from dataplane.mcp import message as rpc
from dataplane.mcp.message import Code, Message, Refused, read

CALL = (
    b'{"jsonrpc":"2.0", "id":"a", "method":"tools/call",'
    b' "params":{"name":"t", "big":123456789012345678901234567890, "f":1.0, "n":null}, "x":[1]}'
)


def message(body: bytes) -> Message:
    found = read(body)
    assert isinstance(found, Message)
    return found


def test_what_is_changed_leaves_the_rest_as_it_came() -> None:
    call = message(CALL)
    params = {**call.params, "name": "other"}
    assert call.replaced(params=params).body == (
        b'{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"other",'
        b'"big":123456789012345678901234567890,"f":1.0,"n":null},"x":[1]}'
    )


@pytest.mark.parametrize(
    ("body", "is_request", "id_"),
    [
        (CALL, True, b'"a"'),
        (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', False, None),
        (b'{"jsonrpc":"2.0","id":-7,"result":{}}', False, b"-7"),
    ],
    ids=["request", "notification", "response"],
)
def test_kinds_of_messages(body: bytes, is_request: bool, id_: bytes | None) -> None:
    found = message(body)
    assert (found.is_request, found.id) == (is_request, id_)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.PARSE_ERROR),
        (b'{"jsonrpc":"2.0"', Code.PARSE_ERROR),
        (b'{"a":' + b"[" * 100_000, Code.PARSE_ERROR),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', Code.INVALID_REQUEST),
        (b'{"id":1,"method":"ping"}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1}', Code.INVALID_REQUEST),
    ],
)
def test_what_is_no_message_is_refused(body: bytes, code: Code) -> None:
    found = read(body)
    assert isinstance(found, Refused)
    assert (found.code, found.status) == (code, 400)


def test_params_that_are_no_object_are_none() -> None:
    assert message(b'{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}').params == {}


def test_messages_of_ours() -> None:
    refused = Refused(Code.UNSUPPORTED_VERSION, "no", data={"supported": []})
    assert rpc.error(None, refused) == (
        b'{"jsonrpc":"2.0","id":null,'
        b'"error":{"code":-32022,"message":"no","data":{"supported":[]}}}'
    )
    assert rpc.result(b"1", {"a": Raw(b" 1 ")}) == b'{"jsonrpc":"2.0","id":1,"result":{"a": 1 }}'
    assert rpc.request(b"0", "ping") == b'{"jsonrpc":"2.0","id":0,"method":"ping"}'
    assert rpc.notification("n", {}) == b'{"jsonrpc":"2.0","method":"n","params":{}}'
