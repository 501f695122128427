"""What a caller may ask for: the route counts, not the word."""

import pytest

from dataplane.runtime.config import Listener, ListenerKind, ModelTarget, Route
from dataplane.runtime.principal import Principal
from dataplane.server.auth.scope import forbidden, permits, permitted


def route(name: str, *words: str, default: bool = False) -> Route:
    return Route(f"m/{name}", "m", ModelTarget((name,)), words, default)


ROUTES = (
    route("openai/gpt-4o", "openai/gpt-4o", "gpt-4o", default=True),
    route("anthropic/claude", "anthropic/claude", "claude"),
    route("mistral/*", "mistral/*"),
    route("fast", "fast"),
    route("both", "both/one"),
)
LISTENER = Listener(
    "m",
    ListenerKind.MODEL,
    "127.0.0.1",
    0,
    routes=ROUTES,
    by_model={word: one for one in ROUTES for word in one.models if "*" not in word},
    by_prefix={"mistral": ROUTES[2]},
    default_route=ROUTES[0],
)


@pytest.mark.parametrize(
    ("scope", "model", "allowed"),
    [
        ("openai/gpt-4o", "openai/gpt-4o", True),
        ("openai/gpt-4o", "gpt-4o", True),
        ("gpt-4o", "openai/gpt-4o", True),
        ("openai/*", "gpt-4o", True),
        ("openai/*", None, True),
        ("anthropic/*", None, False),
        ("openai/*", "claude", False),
        ("openai/*", "fast", False),
        ("fast", "fast", True),
        ("fast", "gpt-4o", False),
        ("mistral/*", "mistral/large", True),
        ("mistral/large", "mistral/large", True),
        ("mistral/large", "mistral/small", False),
        # `openai/claude` is `claude` when nothing else is meant by it
        ("openai/*", "openai/claude", False),
        ("anthropic/*", "openai/claude", True),
        ("openai/*", "openai/fast", False),
        ("openai/*", "openai/nothing", False),
        ("openai/*", "nothing", False),
    ],
)
def test_scope_holds_for_what_a_word_leads_to(scope: str, model: str | None, allowed: bool) -> None:
    assert permits(LISTENER, frozenset((scope,)), model) is allowed


def test_caller_without_a_scope_may_ask_for_everything() -> None:
    assert permitted(LISTENER, Principal("a"), ("x", "y")) == ("x", "y")
    assert permitted(LISTENER, None, ("x",)) == ("x",)


def test_models_that_do_not_exist_are_refused_as_those_that_do() -> None:
    scoped = Principal("a", models=frozenset(("fast",)))
    assert permitted(LISTENER, scoped, ("claude", "nothing", "fast")) == ["fast"]
    there, absent = forbidden("claude"), forbidden("nothing")
    assert there.message.replace("claude", "nothing") == absent.message
    assert (there.status, there.detail) == (absent.status, absent.detail)
