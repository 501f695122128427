from dataplane.agents.prompts import request_to, told_by
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.runtime.config import Agent
from dataplane.runtime.messages import Request


def chat() -> ChatRequest:
    parsed = parse_chat(b'{"messages":[{"role":"user","content":"hi"}]}')
    assert isinstance(parsed, ChatRequest)
    return parsed


def test_agent_is_called_under_its_prefix_with_the_clients_query() -> None:
    request = Request("POST", "/v1/chat/completions", (("x-a", "1"),), b"old", "beta=true")
    sent = request_to(Agent("a", "agent:a", "/deep"), chat(), request)
    assert sent == Request(
        "POST",
        "/deep/v1/chat/completions",
        (("x-a", "1"), ("content-type", "application/json")),
        chat().body,
        "beta=true",
    )


def test_what_an_agent_said_comes_before_the_question() -> None:
    assert [turn.text for turn in told_by(chat(), "a", "well").turns] == ["well", "hi"]


def test_silence_is_not_told() -> None:
    assert told_by(chat(), "a", "") == chat()
