"""Unmodified Python clients, through the gateway, to a provider of every protocol.

Each program of `clients/` runs once for all providers; each test looks at one thing it told.
"""

import base64
from dataclasses import dataclass, replace
from functools import cache

import pytest

from dataplane.runtime.protocols import Protocol
from tests.interop.clients.session import DOT, LINK, SYSTEM
from tests.interop.clients.session import HELLO as HELLO_WORD
from tests.interop.clients.session import STREAM as STREAM_WORD
from tests.interop.clients.session import TOOLS as TOOLS_WORD
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
    Asked,
)
from tests.support.vendors.gemini import SIGNATURE

USAGE = [INPUT, CACHED, OUTPUT]
CALLS = [["get_weather", {"city": "Tromsø"}], ["get_weather", {"city": "Bergen"}]]
WEATHER = "Bergen 9 C; Tromsø -4 C"
LEGACY = ("openai==1.109.1", "anthropic==0.71.0", "google-genai==1.46.0", "boto3==1.40.0")


@dataclass(frozen=True, slots=True)
class Client:
    """A program and what its client calls things."""

    program: str
    stop: str
    tool_stop: str
    fails: str
    """The exception for a provider's 429."""
    refuses: str
    """The exception for our 400."""
    arguments: tuple[str, ...] = ()
    environment: str = ""
    requirements: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()


def legacy(client: Client) -> Client:
    """The same with a major version before."""
    return replace(client, environment="legacy", requirements=LEGACY)


OPENAI_CHAT = Client("openai_chat", "stop", "tool_calls", "RateLimitError", "BadRequestError")
OPENAI_RESPONSES = Client(
    "openai_responses", "completed", "completed", "RateLimitError", "BadRequestError"
)
ANTHROPIC = Client(
    "anthropic_messages", "end_turn", "tool_use", "RateLimitError", "BadRequestError"
)
GOOGLE = Client("google_genai", "STOP", "STOP", "ClientError", "ClientError", ("v1beta",))
BOTO3 = Client("bedrock", "end_turn", "tool_use", "ThrottlingException", "ValidationException")
CLIENTS = {
    "openai-chat": OPENAI_CHAT,
    "openai-responses": OPENAI_RESPONSES,
    "anthropic": ANTHROPIC,
    "google-genai-v1beta": GOOGLE,
    "google-genai-v1": replace(GOOGLE, arguments=("v1",)),
    "boto3": BOTO3,
    "openai-chat-1": legacy(OPENAI_CHAT),
    "openai-responses-1": legacy(OPENAI_RESPONSES),
    "anthropic-0": legacy(ANTHROPIC),
    "google-genai-1": legacy(GOOGLE),
    "google-genai-2": replace(GOOGLE, environment="genai2", requirements=("google-genai==2.34.0",)),
    # Before structured output.
    "boto3-1.40": replace(legacy(BOTO3), lacks=frozenset(["structured"])),
}
COMMON = {"chat", "stream", "tools", "tools-streamed", "structured", "image", "fail"} | {
    "fail-streamed"
}
TASKS = {
    "openai_chat": COMMON | {"stream-helper", "json-mode", "image-link"},
    "openai_responses": COMMON | {"stream-helper", "tools-kept", "json-mode", "image-link"},
    "anthropic_messages": COMMON | {"stream-helper", "image-link", "count"},
    "google_genai": COMMON
    | {"tools-automatic", "structured-by-schema", "json-mode", "image-link", "count"},
    "bedrock": COMMON,
}
TARGETS = [protocol.value for protocol in Protocol]
FORGETFUL: tuple[str, ...] = ()
"""Clients that send back no more of a thought than they know."""
NO_FORM = {
    "openai_chat": "`response_format`",
    "openai_responses": "`text.format`",
    "google_genai": "`generationConfig.responseMimeType`",
}
NO_LINK = {
    "openai_chat": "`messages[1]: image at a URL`",
    "openai_responses": "`input[0]: image at a URL`",
    "anthropic_messages": "`messages[0]: image at a URL`",
    "google_genai": "`contents[0]: image at a URL`",
}
REFUSED = {
    ("json-mode", "messages"): NO_FORM,
    ("json-mode", "converse"): NO_FORM,
    ("image-link", "converse"): NO_LINK,
}
"""What a provider's protocol has no word for: the 400 names the field in the client's words."""


@cache
def session_of(name: str) -> Session:
    client = CLIENTS[name]
    python = environment(client.environment, client.requirements)
    return session(python, client.program, *client.arguments)


def each(*tasks: str) -> pytest.MarkDecorator:
    """Every client that has one of these tasks, with every provider."""
    return pytest.mark.parametrize(
        ("name", "target", "task"),
        [
            pytest.param(name, target, task, marks=pytest.mark.xdist_group(f"clients-{name}"))
            for name, client in CLIENTS.items()
            for target in TARGETS
            for task in tasks
            if task in TASKS[client.program] - client.lacks
        ],
    )


def told(name: str, target: str, task: str) -> dict[str, object]:
    """What the program told, unless it had to be refused."""
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
@each("chat", "stream", "stream-helper", "stream-async")
def test_answer_is_read(name: str, target: str, task: str) -> None:
    one, client = told(name, target, task), CLIENTS[name]
    assert one["text"] == HELLO
    assert one.get("stop", client.stop) == client.stop
    assert one.get("usage", USAGE) == USAGE
    assert one.get("pieces", 2) != 1
    word = HELLO_WORD if task == "chat" else STREAM_WORD
    assert {one.system for one in asked(name, target, word)} == {SYSTEM}


@pytest.mark.interop
@each("tools", "tools-streamed", "tools-automatic", "tools-kept")
def test_tools_are_called_and_their_results_are_read(name: str, target: str, task: str) -> None:
    one, client = told(name, target, task), CLIENTS[name]
    assert one.get("first", FIRST) == FIRST
    assert one["calls"] == CALLS
    assert one.get("tool_stop", client.tool_stop) == client.tool_stop
    assert one["text"] == WEATHER
    if target == Protocol.GEMINI.value and name not in FORGETFUL:
        loops = [one for one in asked(name, target, TOOLS_WORD) if one.results]
        assert {one.signatures for one in loops} == {(SIGNATURE,)}
    assert one.get("stop", client.stop) == client.stop


@pytest.mark.interop
@each("structured", "structured-by-schema", "json-mode")
def test_answers_have_the_form_that_was_asked_for(name: str, target: str, task: str) -> None:
    if (task, target) in REFUSED:
        assert_refused(name, target, task)
        return
    assert told(name, target, task)["parsed"] == CITY


@pytest.mark.interop
@each("image", "image-link")
def test_images_are_seen(name: str, target: str, task: str) -> None:
    if (task, target) in REFUSED:
        assert_refused(name, target, task)
        return
    assert told(name, target, task)["text"] == RED
    seen = [one.images for one in asked(name, target, "zz-image")]
    dot = ("image/png", base64.b64decode(DOT))
    assert ((("url", LINK.encode()) if task == "image-link" else dot),) in seen


@pytest.mark.interop
@each("fail", "fail-streamed")
def test_failures_are_the_clients_own(name: str, target: str, task: str) -> None:
    one = session_of(name).told[target][task]
    assert one.get("error") == CLIENTS[name].fails, one
    assert one["status"] == 429
    assert FAILURE in one["message"]


@pytest.mark.interop
@each("chat")
def test_providers_had_nothing_to_refuse(name: str, target: str, task: str) -> None:
    assert session_of(name).vendors.wrong.get(Protocol(target), []) == []


@pytest.mark.interop
@each("count")
def test_tokens_are_counted(name: str, target: str, task: str) -> None:
    assert 1 <= int(str(told(name, target, task)["tokens"])) <= INPUT
