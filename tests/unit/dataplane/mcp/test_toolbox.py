from dataplane.mcp import toolbox
from dataplane.mcp.message import encode, members

AGENTS = [("weather", "Tells the weather."), ("flights", "Books flights.")]


def names(agents: toolbox.Agents) -> list[str]:
    return [tool["name"] for tool in toolbox.tools(agents)["tools"]]


def test_agents_and_who_decides_among_them_are_tools() -> None:
    assert names(AGENTS) == ["weather", "flights", "ask"]
    assert names(AGENTS[:1]) == ["weather"]
    assert names([("ask", "Answers."), *AGENTS]) == ["ask", "weather", "flights"]


def test_call_is_a_conversation_of_one_message() -> None:
    params = members(encode({"name": "weather", "arguments": {"message": "Rain?"}}))
    assert toolbox.chat("weather", toolbox.asked_for(params)) == {
        "model": "weather",
        "messages": [{"role": "user", "content": "Rain?"}],
        "stream": True,
    }
    assert toolbox.asked_for({}) == ""


def test_answer_that_broke_off_is_an_error_with_what_was_said() -> None:
    assert toolbox.said("Rain") == {"content": [{"type": "text", "text": "Rain"}]}
    assert toolbox.said("Ra", "It broke off.") == {
        "content": [{"type": "text", "text": "Ra"}, {"type": "text", "text": "It broke off."}],
        "isError": True,
    }


def test_description_is_that_of_both_generations() -> None:
    told = toolbox.initialized(members(b'{"protocolVersion":"2025-06-18"}'))
    assert told["protocolVersion"] == "2025-06-18"
    assert "2026-07-28" in toolbox.described()["supportedVersions"]
