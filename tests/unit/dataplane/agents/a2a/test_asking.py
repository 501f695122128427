"""A chat request as a message of A2A."""

import json
from typing import Any

import pytest

from dataplane.agents.a2a.asking import Place, about, candidates, digest, question, send
from dataplane.agents.a2a.card import Card, Interface
from dataplane.agents.a2a.rpc import Asked, Op
from dataplane.agents.a2a.v03 import Form
from dataplane.llm.chat import ChatRequest, parse_chat
from dataplane.runtime.messages import Request


def chat(*messages: dict[str, Any]) -> ChatRequest:
    made = parse_chat(json.dumps({"messages": messages}).encode())
    assert isinstance(made, ChatRequest)
    return made


USER = {"role": "user", "content": "Where is the key?"}
SAID = {"role": "assistant", "content": "Which one?"}
MORE = {"role": "user", "content": "The cellar's."}


def test_first_question_is_the_message() -> None:
    made = question(chat(USER), Place(), "m", None)
    assert made == {
        "messageId": "m",
        "role": "ROLE_USER",
        "parts": [{"text": "Where is the key?"}],
    }


def test_agent_that_knows_the_conversation_hears_only_what_is_new() -> None:
    made = question(chat(USER, SAID, MORE), Place("c", "t", 2), "m", None)
    assert made["parts"] == [{"text": "The cellar's."}]
    assert (made["contextId"], made["taskId"]) == ("c", "t")


def test_agent_that_does_not_hears_all_of_it() -> None:
    made = question(chat(USER, SAID, MORE), Place(), "m", None)
    assert made["parts"][0]["text"] == "user: Where is the key?\n\nassistant: Which one?"
    assert made["parts"][1] == {"text": "The cellar's."}


def test_what_other_agents_have_said_is_told_with_their_names() -> None:
    between = {"role": "assistant", "name": "weather", "content": "It rains."}
    made = question(chat(USER, SAID, between, MORE), Place("c", "", 2), "m", None)
    assert made["parts"][0]["text"] == "weather: It rains."


def test_pictures_go_along() -> None:
    parts = [
        {"type": "text", "text": "This?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
    ]
    made = question(chat({"role": "user", "content": parts}), Place(), "m", None)
    assert made["parts"] == [
        {"text": "This?"},
        {"raw": "aGk=", "mediaType": "image/png"},
        {"url": "https://x/y.png"},
    ]


def given(*parts: Any) -> Asked:
    told = {"messageId": "x", "role": "ROLE_USER", "parts": list(parts), "metadata": {"k": 1}}
    return Asked(Op.STREAM, Form.V1, "JSONRPC", 1, told, {"acceptedOutputModes": ["text/plain"]})


def test_client_of_a2a_is_passed_on_with_its_files() -> None:
    parts = ({"text": "Where is the key?"}, {"raw": "aGk=", "filename": "x"})
    made = question(chat(USER), Place(), "m", given(*parts))
    assert made["parts"] == list(parts)
    assert made["metadata"] == {"k": 1}
    assert made["messageId"] == "x"


def test_words_that_a_filter_changed_stay_changed() -> None:
    made = question(chat(USER), Place(), "m", given({"text": "Secret"}, {"raw": "aGk="}))
    assert made["parts"] == [{"text": "Where is the key?"}, {"raw": "aGk="}]


def card(form: Form, binding: str) -> Card:
    return Card("n", "d", (), Interface(form, binding, "/rpc"), streams=True, raw={})


HEADERS = (("accept", "*/*"), ("a2a-version", "9"), ("x-own", "y"))


@pytest.mark.parametrize(
    ("form", "binding", "path", "method"),
    [
        (Form.V1, "JSONRPC", "/rpc", "SendStreamingMessage"),
        (Form.KINDS, "JSONRPC", "/rpc", "message/stream"),
        (Form.V1, "HTTP+JSON", "/rpc/message:stream", None),
        (Form.PROTO, "HTTP+JSON", "/rpc/v1/message:stream", None),
    ],
)
def test_call_is_in_the_agents_form(
    form: Form, binding: str, path: str, method: str | None
) -> None:
    told = question(chat(USER), Place(), "m", None)
    asked = Request("POST", "/x", HEADERS, b"")
    made = send(card(form, binding), asked, told, None, "r", stream=True)
    body = json.loads(made.body)
    assert made.path == path
    assert body.get("method") == method
    assert made.header("x-own") == "y"
    assert made.header("accept") == "text/event-stream"
    assert made.header("a2a-version") == ("1.0" if form is Form.V1 else "0.3")
    assert [name for name, _ in made.headers].count("accept") == 1


def test_push_notifications_are_never_passed_on() -> None:
    asked = given({"text": "x"})
    assert asked.configuration is not None
    asked.configuration["taskPushNotificationConfig"] = {"url": "http://10.0.0.1"}
    request = Request("POST", "/x", (), b"")
    made = send(card(Form.V1, "JSONRPC"), request, {}, asked, "r", stream=False)
    assert json.loads(made.body)["params"]["configuration"] == {
        "acceptedOutputModes": ["text/plain"]
    }


def test_calls_about_a_task() -> None:
    rest, rpc = card(Form.V1, "HTTP+JSON"), card(Form.KINDS, "JSONRPC")
    got = about(rest, (), Op.GET, "a/b", "r")
    assert (got.method, got.path, got.body) == ("GET", "/rpc/tasks/a%2Fb", b"")
    cancelled = about(rest, (), Op.CANCEL, "t", "r")
    assert (cancelled.method, cancelled.path) == ("POST", "/rpc/tasks/t:cancel")
    body = json.loads(about(rpc, (), Op.CANCEL, "t", "r").body)
    assert (body["method"], body["params"]) == ("tasks/cancel", {"id": "t"})


def test_conversation_is_known_up_to_an_answer() -> None:
    turns = chat(USER, SAID, MORE).turns
    assert candidates(turns) == [(2, digest(turns[:2]))]
    assert candidates(turns[:1]) == []
    assert digest(turns[:2]) != digest(turns[:1])
