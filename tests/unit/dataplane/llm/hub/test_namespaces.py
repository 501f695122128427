from dataplane.llm.hub.namespaces import FlatNames, defines_custom
from dataplane.llm.hub.request import Request, Tool, ToolChoice
from dataplane.runtime.protocols import Protocol

TOOLS = [
    Tool("read"),
    Tool("read", namespace="files"),
    Tool("write", namespace="files"),
    Tool("read", namespace="mcp__db__"),
]


def test_a_name_that_is_the_only_one_stays() -> None:
    names = FlatNames(TOOLS)
    assert names.of("files", "write") == "write"
    assert names.of("", "read") == "read"


def test_equal_names_are_told_apart_by_their_namespace() -> None:
    names = FlatNames(TOOLS)
    assert names.of("files", "read") == "files__read"
    assert names.of("mcp__db__", "read") == "mcp__db__read"
    assert [names.tool(flat) for flat in ("read", "files__read", "mcp__db__read")] == [
        TOOLS[0],
        TOOLS[1],
        TOOLS[3],
    ]


def test_call_of_a_tool_that_is_not_offered_keeps_its_name() -> None:
    names = FlatNames(TOOLS)
    assert names.of("gone", "x") == "x"
    assert names.tool("x") is None


def test_a_choice_among_several_leaves_out_the_others() -> None:
    names = FlatNames(TOOLS)
    assert names.offered(TOOLS, ToolChoice("tools", ["write", "files__read"])) == TOOLS[1:3]
    assert names.offered(TOOLS, ToolChoice("tools", ["write"], may=True)) == [TOOLS[2]]


def test_every_other_choice_leaves_out_none() -> None:
    names = FlatNames(TOOLS)
    for choice in (None, ToolChoice("required"), ToolChoice("tools", ["write"])):
        assert names.offered(TOOLS, choice) == TOOLS


def test_custom_tools_are_known_to_openai_clients_only() -> None:
    tools = [Tool("shell", kind="custom"), Tool("f")]
    request = Request("m", False, Protocol.CHAT, [], tools=tools)
    assert defines_custom(request, "shell")
    assert not defines_custom(request, "f")
    request.protocol = Protocol.MESSAGES
    assert not defines_custom(request, "shell")
