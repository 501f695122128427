"""Unmodified Node clients, current and one major version before, to a provider of every protocol.

Each program of `node/` runs once for all providers; each test looks at one thing it told.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from dataplane.runtime.protocols import Protocol
from tests.support.interop import Session, played
from tests.support.node import command
from tests.support.vendors.conversation import (
    CACHED,
    CALLS,
    CITY,
    FAILURE,
    FIRST,
    HELLO,
    INPUT,
    OUTPUT,
    RED,
    THOUGHT,
)

PROGRAMS = Path(__file__).parent / "node"
WEATHER = "Bergen 9 C; Tromsø -4 C"

THINKING = {
    "responses": Protocol.RESPONSES,
    "anthropic": Protocol.MESSAGES,
    "google": Protocol.GEMINI,
}
"""Vercel's packages that ask for thoughts, and what they speak."""


@dataclass(frozen=True, slots=True)
class Client:
    """A program and what its client calls things."""

    program: str
    stop: str
    tool_stop: str
    fails: str
    """The class of what is thrown for a provider's 429."""
    kind: str = "-"
    """The provider package of Vercel's `ai`."""
    more: tuple[str, ...] = ()
    """Tasks that not every program has."""
    older: bool = True
    """Whether there is a major version before."""

    def tasks(self) -> tuple[str, ...]:
        always = ("chat", "stream", "tools", "tools-streamed", "structured", "image")
        return (*always, "fail", "fail-streamed", *self.more)


def vercel(kind: str, older: bool = True) -> Client:
    # The packages for chat and Bedrock read thoughts of models of certain names only.
    thinks = ("think", "think-streamed") if kind in THINKING else ()
    return Client("vercel", "stop", "tool-calls", "APICallError", kind, thinks, older)


CLIENTS = {
    "openai-chat": Client(
        *("openai_chat", "stop", "tool_calls", "RateLimitError"),
        more=("stream-helper", "tools-run"),
    ),
    "openai-responses": Client(
        *("openai_responses", "completed", "completed", "RateLimitError"),
        more=("stream-helper", "stored"),
    ),
    "anthropic": Client(
        *("anthropic", "end_turn", "tool_use", "RateLimitError"), more=("tools-run", "count")
    ),
    "google": Client("genai", "STOP", "STOP", "ApiError", more=("tools-run", "count")),
    "aws": Client("aws", "end_turn", "tool_use", "ThrottlingException", older=False),
    "vercel-chat": vercel("chat"),
    "vercel-responses": vercel("responses"),
    "vercel-anthropic": vercel("anthropic"),
    "vercel-google": vercel("google"),
    "vercel-bedrock": vercel("bedrock", older=False),
}
AGES = [
    (name, age)
    for name, client in CLIENTS.items()
    for age in (("current", "older") if client.older else ("current",))
]


@cache
def session(name: str, age: str) -> Session:
    client = CLIENTS[name]
    return played(command(PROGRAMS, f"{client.program}.mjs"), age, client.kind)


def each(*tasks: str) -> pytest.MarkDecorator:
    """Every client that has one of these tasks, with every provider."""
    return pytest.mark.parametrize(
        ("name", "age", "target", "task"),
        [
            pytest.param(name, age, target.value, task, marks=pytest.mark.group(f"node-{name}"))
            for name, age in AGES
            for target in Protocol
            for task in tasks
            if task in CLIENTS[name].tasks()
            # Between a client and its own vendor everything passes untouched.
            and (not task.startswith("think") or THINKING[CLIENTS[name].kind] is not target)
        ],
    )


def told(name: str, age: str, target: str, task: str) -> dict[str, object]:
    one = session(name, age).told[target][task]
    if "error" in one:
        pytest.fail(f"{one['error']}: {one['message']}\n{one['trace']}")
    return one


@pytest.mark.interop
@each("chat", "stream", "stream-helper")
def test_answer_is_read(name: str, age: str, target: str, task: str) -> None:
    one = told(name, age, target, task)
    assert one["text"] == HELLO
    assert one["stop"] == CLIENTS[name].stop
    assert one.get("usage", [INPUT, CACHED, OUTPUT]) == [INPUT, CACHED, OUTPUT]
    assert one.get("pieces", 2) != 1


@pytest.mark.interop
@each("tools", "tools-streamed")
def test_tools_are_called_and_their_results_are_read(
    name: str, age: str, target: str, task: str
) -> None:
    one = told(name, age, target, task)
    assert one["first"] == FIRST
    assert one["calls"] == [list(call) for call in CALLS]
    assert one["tool_stop"] == CLIENTS[name].tool_stop
    assert one["text"] == WEATHER
    assert one["stop"] == CLIENTS[name].stop


@pytest.mark.interop
@each("think", "think-streamed")
def test_thoughts_are_read_and_go_back_signed(name: str, age: str, target: str, task: str) -> None:
    one = told(name, age, target, task)
    assert one["thought"] == THOUGHT
    assert one["calls"] == [list(call) for call in CALLS]
    assert one["text"] == WEATHER


@pytest.mark.interop
@each("tools-run", "stored")
def test_tools_are_run_by_the_sdk_and_conversations_are_kept(
    name: str, age: str, target: str, task: str
) -> None:
    assert told(name, age, target, task)["text"] == WEATHER


@pytest.mark.interop
@each("structured")
def test_answers_have_the_form_that_was_asked_for(
    name: str, age: str, target: str, task: str
) -> None:
    assert told(name, age, target, task)["parsed"] == CITY


@pytest.mark.interop
@each("image")
def test_images_are_seen(name: str, age: str, target: str, task: str) -> None:
    assert told(name, age, target, task)["text"] == RED
    seen = session(name, age).vendors.asked[Protocol(target)]
    assert [kind for one in seen for kind, _ in one.images] == ["image/png"]


@pytest.mark.interop
@each("count")
def test_tokens_are_counted(name: str, age: str, target: str, task: str) -> None:
    counted = told(name, age, target, task)["counted"]
    assert isinstance(counted, int)
    assert counted > 0


@pytest.mark.interop
@each("fail", "fail-streamed")
def test_failures_are_the_clients_own(name: str, age: str, target: str, task: str) -> None:
    one = session(name, age).told[target][task]
    assert one.get("error") == CLIENTS[name].fails, one
    assert one["status"] == 429
    assert FAILURE in one["message"]


@pytest.mark.interop
@each("chat")
def test_providers_had_nothing_to_refuse(name: str, age: str, target: str, task: str) -> None:
    assert session(name, age).vendors.wrong.get(Protocol(target), []) == []
