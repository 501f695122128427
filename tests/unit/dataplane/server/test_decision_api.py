"""The routing decision API: its paths and its answers."""

import json

import pytest

from dataplane.routing.binding import Binding
from dataplane.runtime.protocols import Operation
from dataplane.server.chosen import Chosen
from dataplane.server.decision_api import decision_reply
from dataplane.server.surface import Ask, look
from dataplane.sessions.key import Session

SESSION = Session("mine", "key", explicit=True)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/routing/v1/chat/completions", Operation.CHAT),
        ("/routing/v1/messages", Operation.MESSAGES),
        ("/routing/v1/responses", Operation.RESPONSES),
    ],
)
def test_paths_name_the_api_whose_body_comes(path: str, operation: Operation) -> None:
    ask = look("POST", path, "beta=true")
    assert isinstance(ask, Ask)
    assert (ask.operation, ask.decides, ask.query) == (operation, True, "beta=true")


@pytest.mark.parametrize("path", ["/routing/v1/embeddings", "/routing/v1/models", "/routing"])
def test_nothing_else_is_decided(path: str) -> None:
    assert look("POST", path) is None


def test_answer_has_planos_form() -> None:
    chosen = Chosen(("a", "b"), "code", "because", SESSION, Binding("a"), pinned=True)
    reply = decision_reply(chosen, "t" * 32)
    assert reply.body is not None
    assert json.loads(reply.body) == {
        "models": ["a", "b"],
        "route": "code",
        "trace_id": "t" * 32,
        "session_id": "mine",
        "pinned": True,
        "switched": False,
        "reason": "because",
    }


def test_without_a_preference_the_answer_is_none() -> None:
    reply = decision_reply(Chosen(("base",), session=SESSION, binding=Binding("base")), "t")
    assert reply.body is not None
    told = json.loads(reply.body)
    assert (told["models"], told["route"]) == (["none"], None)
    assert "session_id" not in json.loads(decision_reply(Chosen(), "t").body or b"{}")
