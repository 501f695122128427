import pytest

from dataplane.mcp import stateless
from dataplane.mcp.message import Message, encode, members, read
from dataplane.mcp.stateless import CAPABILITIES_KEY, CLIENT_KEY, LEVEL_KEY, VERSION_KEY

META = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {"roots": {}}, CLIENT_KEY: {"name": "c"}}


def message(method: str, **params: object) -> Message:
    found = read(encode({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
    assert isinstance(found, Message)
    return found


def said(**headers: str) -> stateless.Header:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return named.get


CALL = message("tools/call", name="æ", _meta=META)
HEADERS = dict(stateless.headers(CALL))


def test_headers_say_what_the_body_says() -> None:
    assert HEADERS == {
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "=?base64?w6Y=?=",
    }
    assert stateless.refusal(HEADERS.get, CALL) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mcp-protocol-version", "2099-01-01"),
        ("mcp-method", "tools/list"),
        ("mcp-name", "a"),
        ("mcp-name", "=?base64?!?="),
    ],
)
def test_header_that_disagrees_is_refused(name: str, value: str) -> None:
    refused = stateless.refusal({**HEADERS, name: value}.get, CALL)
    assert refused is not None
    assert (refused.code, refused.status) == (-32020, 400)


def test_version_that_nobody_knows_is_told_those_that_are() -> None:
    strange = message("tools/list", _meta={**META, VERSION_KEY: "2099-01-01"})
    refused = stateless.refusal(
        said(mcp_protocol_version="2099-01-01", mcp_method="tools/list"), strange
    )
    assert refused is not None
    assert refused.code == -32022
    assert "2026-07-28" in refused.data["supported"]


def test_request_without_its_envelope_is_refused() -> None:
    refused = stateless.refusal(HEADERS.get, message("tools/call", name="a", _meta={}))
    assert refused is not None
    assert refused.code == -32602


@pytest.mark.parametrize(
    ("version", "method", "is_so"),
    [
        ("2026-07-28", "tools/list", True),
        ("2099-01-01", "tools/list", True),
        ("2025-11-25", "tools/list", False),
        ("2026-07-28", "initialize", False),
    ],
)
def test_generation_is_told_by_the_header(version: str, method: str, is_so: bool) -> None:
    told = stateless.is_stateless(said(mcp_protocol_version=version), message(method))
    assert told is is_so


def test_without_a_header_the_body_tells() -> None:
    assert stateless.is_stateless(said(), CALL)
    assert not stateless.is_stateless(said(), message("tools/list"))


@pytest.mark.parametrize("word", ["a", "", " a", "=?base64?YQ==?=", "æ", "a\nb"])
def test_any_value_fits_into_a_header(word: str) -> None:
    assert stateless.wrapped(word).isascii()
    assert stateless.unwrapped(stateless.wrapped(word)) == word


def test_session_becomes_an_envelope_and_back() -> None:
    asked = members(stateless.initialization(members(encode(META))))
    told = stateless.stamped(message("tools/call", name="a", x=1.0), asked, "info")
    meta = members(told.params["_meta"])
    assert bytes(meta[CAPABILITIES_KEY]) == b'{"roots":{}}'
    assert bytes(meta[LEVEL_KEY]) == b'"info"'
    assert stateless.plain(told, b'"n"').body == (
        b'{"jsonrpc":"2.0","id":"n","method":"tools/call","params":{"name":"a","x":1.0}}'
    )


def test_progress_has_the_token_of_the_session() -> None:
    told = stateless.plain(message("x", _meta={**META, "progressToken": 1, "y": 2}), b'"n"')
    assert bytes(told.params["_meta"]) == b'{"progressToken":"n","y":2}'


def test_result_says_what_it_is() -> None:
    made = stateless.completed("tools/list", {"tools": []}, {"name": "s"})
    assert made == {
        "ttlMs": 0,
        "cacheScope": "private",
        "resultType": "complete",
        "tools": [],
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "s"}},
    }
    assert list(stateless.bare(members(encode(made)))) == ["tools", "_meta"]
    assert not stateless.wants_input(members(encode(made)))


def test_question_becomes_a_result() -> None:
    made = stateless.input_required("k", message("roots/list"), "s")
    assert stateless.wants_input(members(encode(made)))
    assert encode(made["inputRequests"]) == b'{"k":{"method":"roots/list","params":{}}}'


def test_subscriber_hears_only_what_it_wants() -> None:
    wanted = members(b'{"toolsListChanged":true,"resourceSubscriptions":["x"]}')
    for method, params, is_heard in (
        ("notifications/tools/list_changed", {}, True),
        ("notifications/prompts/list_changed", {}, False),
        ("notifications/resources/updated", {"uri": "x"}, True),
        ("notifications/resources/updated", {"uri": "y"}, False),
    ):
        assert (stateless.heard(wanted, message(method, **params), b"7") is not None) is is_heard


def test_discovery_becomes_initialization() -> None:
    told = members(b'{"capabilities":{"tools":{}},"instructions":"Do."}')
    assert encode(stateless.discovered(told, name="s")) == (
        b'{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},'
        b'"serverInfo":{"name":"s","version":"0"},"instructions":"Do."}'
    )
