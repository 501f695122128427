"""Cards of agents."""

import pytest

from dataplane.agents.a2a.card import Card, Interface, read_card
from dataplane.agents.a2a.v03 import Form
from dataplane.agents.a2a.values import Json
from dataplane.agents.described import Unknown

NEW = {
    "name": "Locksmith",
    "description": "Finds keys.",
    "supportedInterfaces": [
        {"url": "grpc://x", "protocolBinding": "GRPC", "protocolVersion": "1.0"},
        {"url": "http://x/rest", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"},
        {"url": "http://x/rpc", "protocolBinding": "JSONRPC", "protocolVersion": "1.0.1"},
    ],
    "capabilities": {"streaming": True},
    "skills": [{"id": "k", "name": "Keys", "description": "Tells where.", "examples": ["Where?"]}],
}
OLD = {"name": "Old", "url": "http://x/a2a", "protocolVersion": "0.3.0", "skills": []}


def card(told: Json, prefix: str = "") -> Card:
    found = read_card(told, prefix)
    assert isinstance(found, Card)
    return found


def test_newest_json_rpc_is_preferred() -> None:
    made = card(OLD | NEW)
    assert made.interface == Interface(Form.V1, "JSONRPC", "/rpc")
    assert made.streams
    assert made.told() == "Finds keys. Tells where."
    assert made.examples() == ("Where?",)


def test_card_of_0_3() -> None:
    assert card(OLD).interface == Interface(Form.KINDS, "JSONRPC", "/a2a")
    rest = OLD | {"preferredTransport": "HTTP+JSON"}
    assert card(rest).interface == Interface(Form.PROTO, "HTTP+JSON", "/a2a")
    assert not card(OLD).streams


@pytest.mark.parametrize(
    ("url", "prefix", "path"),
    [
        ("http://169.254.169.254/latest", "", "/latest"),
        ("http://evil.example/agents/a/rpc", "/agents/a", "/agents/a/rpc"),
        ("http://localhost:9000/", "/agents/a", "/agents/a"),
        ("http://localhost:9000", "", "/"),
        ("http://[::1", "", "/"),
        ("http://x/a b", "", "/"),
        ("//evil.example/x", "/agents", "/agents/x"),
    ],
)
def test_card_says_a_path_and_never_a_host(url: str, prefix: str, path: str) -> None:
    assert card(OLD | {"url": url}, prefix).interface.path == path


@pytest.mark.parametrize(
    "told", [{}, {"name": "x"}, {"url": "http://x", "preferredTransport": "GRPC"}]
)
def test_what_is_no_card_says_why(told: Json) -> None:
    found = read_card(told, "")
    assert isinstance(found, Unknown)
    assert found.reason
