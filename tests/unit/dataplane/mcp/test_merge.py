from dataplane.mcp import merge, tokens
from dataplane.mcp.message import Members, encode, members
from dataplane.mcp.names import Member, Roster
from dataplane.runtime.mcp import McpServer

A, B = Member(McpServer("a", "mcp:a"), "a_"), Member(McpServer("b", "mcp:b"))
ROSTER = Roster((A, B))


def told(**fields: object) -> Members:
    return members(encode(fields))


def test_list_of_several_is_one_with_their_names() -> None:
    page = merge.one_list(
        ROSTER,
        "tools/list",
        [
            (A, told(tools=[{"name": "t", "x": 1.0}], nextCursor="2")),
            (B, told(tools=[{"name": "t"}, {"name": "a_t"}])),
        ],
        {"c": "gone"},
    )
    assert encode(page["tools"]) == b'[{"name":"a_t","x":1.0},{"name":"t"}]'
    assert tokens.cursors(page["nextCursor"]) == {"a": "2"}
    assert page["_meta"] == {"io.outrider/unavailable": {"c": "gone"}}


def test_resource_of_two_servers_is_the_firsts() -> None:
    one, two = told(resources=[{"uri": "x", "n": 1}]), told(resources=[{"uri": "x", "n": 2}])
    page = merge.one_list(ROSTER, "resources/list", [(A, one), (B, two)], {})
    assert encode(page) == b'{"resources":[{"uri":"x","n":1}]}'


def test_own_list_keeps_what_else_is_said() -> None:
    page = merge.own_list(ROSTER, A, "prompts/list", told(prompts=[{"name": "p"}], x=[1]))
    assert encode(page) == b'{"prompts":[{"name":"a_p"}],"x":[1]}'


def test_plain_lists_are_not_touched() -> None:
    rules = Member(McpServer("a", "mcp:a", deny=("x",)))
    assert merge.is_plain(B, "tools/list")
    assert merge.is_plain(A, "resources/list")
    assert not merge.is_plain(A, "prompts/list")
    assert not merge.is_plain(rules, "tools/list")
    assert merge.is_plain(rules, "prompts/list")


def test_capabilities_are_what_several_can_do_together() -> None:
    one = told(capabilities={"tools": {"listChanged": True}, "tasks": {}, "logging": {}})
    two = told(capabilities={"tools": {}, "resources": {"subscribe": True, "listChanged": False}})
    assert merge.capabilities([one, two], is_partial=False) == {
        "tools": {"listChanged": True},
        "logging": {},
        "resources": {"subscribe": True},
    }


def test_of_who_is_missing_everything_is_expected() -> None:
    assert merge.capabilities([told(capabilities={})], is_partial=True) == {
        name: {"listChanged": True} for name in ("tools", "prompts", "resources")
    }


def test_instructions_say_whose_they_are() -> None:
    words = merge.instructions([(A, told(instructions="One.")), (B, told()), (B, told(x=1))])
    assert words == "a_*: One."
