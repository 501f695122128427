import pytest

from dataplane.mcp.names import Member, Roster
from dataplane.runtime.mcp import McpServer


def server(name: str, allow: tuple[str, ...] = (), deny: tuple[str, ...] = ()) -> McpServer:
    return McpServer(name, f"mcp:{name}", allow=allow, deny=deny)


A, B, BARE = Member(server("a"), "a_"), Member(server("b"), "b."), Member(server("bare"))
ROSTER = Roster((A, B, BARE))


@pytest.mark.parametrize(
    ("name", "led"),
    [
        ("a_get", (A, "get")),
        ("b.get", (B, "get")),
        ("get", (BARE, "get")),
        ("a_", (BARE, "a_")),
        ("a_a_get", (A, "a_get")),
    ],
)
def test_prefix_says_whose_a_name_is(name: str, led: tuple[Member, str]) -> None:
    assert ROSTER.leads(name) == led


def test_without_a_bare_server_some_names_lead_nowhere() -> None:
    assert Roster((A, B)).leads("get") is None


def test_what_would_lead_elsewhere_is_not_shown() -> None:
    assert ROSTER.shown(A, "get") == "a_get"
    assert ROSTER.shown(BARE, "get") == "get"
    assert ROSTER.shown(BARE, "a_get") is None


@pytest.mark.parametrize(
    ("allow", "deny", "offered"),
    [
        ((), (), ["get", "get_secret", "put"]),
        (("get*",), (), ["get", "get_secret"]),
        ((), ("*secret",), ["get", "put"]),
        (("get*",), ("*secret",), ["get"]),
    ],
)
def test_rules_say_what_is_offered(
    allow: tuple[str, ...], deny: tuple[str, ...], offered: list[str]
) -> None:
    member = Member(server("a", allow, deny))
    assert [tool for tool in ("get", "get_secret", "put") if member.offers(tool)] == offered


def test_single_server_is_the_only_one() -> None:
    assert Roster((A,)).only is A
    assert ROSTER.only is None
    assert ROSTER.of("b") is B
    assert ROSTER.of("c") is None
