"""Unmodified Python clients, through the gateway, to a provider of every protocol.

Each program of `clients/` runs once for all providers; each test looks at one thing it told.
"""

import base64
from functools import cache
from typing import Any

import pytest

from dataplane.runtime.protocols import Protocol
from tests.interop.clients import session as words
from tests.interop.python_clients import CLIENTS, REFUSED, TASKS
from tests.support.interop import Session, environment, session
from tests.support.vendors.conversation import (
    CACHED,
    CITY,
    FAILURE,
    FIRST,
    HELLO,
    INPUT,
    OUTPUT,
    RED,
    THOUGHT,
    Asked,
)
from tests.support.vendors.gemini import SIGNATURE
from tests.support.vendors.server import VENDORS

TARGETS = [protocol.value for protocol in Protocol]
USAGE = [INPUT, CACHED, OUTPUT]
CALLS = [["get_weather", {"city": "Tromsø"}], ["get_weather", {"city": "Bergen"}]]
WEATHER = "Bergen 9 C; Tromsø -4 C"
FORGETFUL = (
    *("agents-chat", "langchain-chat", "pydantic-ai-chat", "pydantic-ai-responses"),
    *("pydantic-ai-bedrock", "litellm-bedrock"),
    "litellm-chat",  # in streams
)
"""Clients that do not send back what they were told of a thought (they know it of some models)."""


@cache
def session_of(name: str) -> Session:
    client = CLIENTS[name]
    python = environment(client.environment, client.requirements)
    return session(python, client.program, *client.arguments)


def each(*tasks: str) -> pytest.MarkDecorator:
    """Every client that has one of these tasks, with every provider."""
    cases = []
    for name, client in CLIENTS.items():
        marks = [pytest.mark.group(f"clients-{name}")]
        if client.full:
            marks.append(pytest.mark.full)
        known = TASKS[client.program] - client.lacks
        cases += [
            pytest.param(name, target, task, marks=marks)
            for target in TARGETS
            for task in tasks
            if task in known
        ]
    return pytest.mark.parametrize(("name", "target", "task"), cases)


def told(name: str, target: str, task: str) -> dict[str, Any]:
    """What the program told, unless its client raised something."""
    one = session_of(name).told[target][task]
    if "error" in one:
        pytest.fail(f"{one['error']}: {one['message']}\n{one['trace']}")
    return one


def asked(name: str, target: str, word: str) -> list[Asked]:
    """What the provider was asked with this word in it."""
    seen = session_of(name).vendors.asked.get(Protocol(target), [])
    return [one for one in seen if word in one.text]


def assert_refused(name: str, target: str, task: str) -> None:
    one, client = session_of(name).told[target][task], CLIENTS[name]
    assert one.get("error") == client.refuses, one
    assert one["status"] == 400
    assert REFUSED[task, target][client.program] in one["message"]


@pytest.mark.interop
@each("chat", "stream", "stream-helper")
def test_answer_is_read(name: str, target: str, task: str) -> None:
    one, client = told(name, target, task), CLIENTS[name]
    assert one["text"] == HELLO
    assert one.get("stop", client.stop) == client.stop
    assert one.get("usage", USAGE) == USAGE
    assert one.get("pieces", 2) != 1
    word = words.HELLO if task == "chat" else words.STREAM
    if (name, target) != ("litellm-google", "gemini"):  # passed on, and it has it in the text
        assert {one.system for one in asked(name, target, word)} == {words.SYSTEM}


@pytest.mark.interop
@each("tools", "tools-streamed", "tools-automatic", "tools-kept")
def test_tools_are_called_and_their_results_are_read(name: str, target: str, task: str) -> None:
    one, client = told(name, target, task), CLIENTS[name]
    assert one.get("first", FIRST) == FIRST
    assert one["calls"] == CALLS
    assert one.get("tool_stop", client.tool_stop) == client.tool_stop
    assert one["text"] == WEATHER
    assert one.get("stop", client.stop) == client.stop
    if target == Protocol.GEMINI.value and name not in FORGETFUL:
        loops = [one for one in asked(name, target, words.TOOLS) if one.results]
        assert {one.signatures for one in loops} == {(SIGNATURE,)}


@pytest.mark.interop
@each("thinking", "thinking-streamed")
def test_thoughts_are_read_and_come_back_signed(name: str, target: str, task: str) -> None:
    one = told(name, target, task)
    # In chat, nobody can ask Google and OpenAI to show thoughts.
    hidden = CLIENTS[name].program == "openai_chat" and target in ("gemini", "responses")
    assert one["thought"] == ("" if hidden else THOUGHT)
    assert one["first"] == FIRST
    assert one["calls"] == CALLS
    assert one["text"] == WEATHER
    loops = [one for one in asked(name, target, words.THINK) if one.results]
    signed = target != "chat" and (target == "gemini" or not hidden)
    assert {one.signatures for one in loops} == {
        (VENDORS[Protocol(target)].SIGNATURE,) if signed else ()
    }


@pytest.mark.interop
@each("structured", "structured-by-schema", "structured-by-call", "structured-streamed")
def test_answers_have_the_form_that_was_asked_for(name: str, target: str, task: str) -> None:
    assert told(name, target, task)["parsed"] == CITY


@pytest.mark.interop
@each("json-mode")
def test_answers_are_json(name: str, target: str, task: str) -> None:
    if (task, target) in REFUSED:
        assert_refused(name, target, task)
    else:
        assert told(name, target, task)["parsed"] == CITY


@pytest.mark.interop
@each("image")
def test_images_are_seen(name: str, target: str, task: str) -> None:
    one = told(name, target, task)
    assert one.get("text", RED) == RED
    seen = {one.images for one in asked(name, target, words.IMAGE)}
    assert (("image/png", base64.b64decode(words.DOT)),) in seen


@pytest.mark.interop
@each("file")
def test_documents_are_read(name: str, target: str, task: str) -> None:
    assert told(name, target, task)["text"] == RED
    (seen,) = asked(name, target, words.FILE)
    assert seen.images == (("application/pdf", base64.b64decode(words.PDF)),)


@pytest.mark.interop
@each("image-link")
def test_images_at_an_address_are_seen(name: str, target: str, task: str) -> None:
    if (task, target) in REFUSED:
        assert_refused(name, target, task)
    else:
        assert told(name, target, task)["text"] == RED
        seen = [one.images for one in asked(name, target, words.IMAGE)]
        assert (("url", words.LINK.encode()),) in seen


@pytest.mark.interop
@each("fail", "fail-streamed")
def test_failures_are_the_clients_own(name: str, target: str, task: str) -> None:
    one = session_of(name).told[target][task]
    assert one.get("error") == CLIENTS[name].fails, one
    assert one["status"] in (429, None)
    assert FAILURE in one["message"]


LIMIT_REACHED = {"openai_chat": "length", "openai_responses": "incomplete"} | {
    "anthropic_messages": "max_tokens",
    "google_genai": "MAX_TOKENS",
    "bedrock": "max_tokens",
}


@pytest.mark.interop
@each("limited")
def test_limits_are_said_and_what_they_did(name: str, target: str, task: str) -> None:
    if CLIENTS[name].program in REFUSED.get((task, target), ()):
        assert_refused(name, target, task)
        return
    one = told(name, target, task)
    assert one["text"] == HELLO
    assert one["stop"] == LIMIT_REACHED[CLIENTS[name].program]
    (seen,) = asked(name, target, words.LONG)
    assert seen.limit == words.LIMIT
    without = CLIENTS[name].program == "openai_responses"
    assert seen.stops == (() if without else (words.STOP,))


@pytest.mark.interop
@each("cut")
def test_streams_that_break_off_never_look_whole(name: str, target: str, task: str) -> None:
    one = session_of(name).told[target][task]
    assert "error" in one, one
    own = {"openai_chat": "chat", "openai_responses": "responses", "bedrock": "converse"} | {
        "anthropic_messages": "messages",
        "google_genai": "gemini",
    }
    # google-genai 1.x passes over events that are errors; it notices that the connection is cut.
    if own[CLIENTS[name].program] != target and name != "google-genai-1":
        assert "upstream failed" in one["message"], one


@pytest.mark.interop
@each("nobody")
def test_models_that_nobody_has_are_the_clients_own_error(
    name: str, target: str, task: str
) -> None:
    one = session_of(name).told[target][task]
    assert one.get("error") == CLIENTS[name].missing, one
    assert one["status"] == 404


@pytest.mark.interop
@each("models")
def test_models_are_listed(name: str, target: str, task: str) -> None:
    assert sorted(told(name, target, task)["models"]) == sorted(TARGETS)


@pytest.mark.interop
@each("structured")
def test_providers_had_nothing_to_refuse(name: str, target: str, task: str) -> None:
    assert session_of(name).vendors.wrong.get(Protocol(target), []) == []


@pytest.mark.interop
@each("count")
def test_tokens_are_counted(name: str, target: str, task: str) -> None:
    assert 1 <= told(name, target, task)["tokens"] <= INPUT
