import pytest

from dataplane.routing.match import match_model, upstream_model
from dataplane.runtime.config import Listener, ListenerKind, ModelTarget, Route
from dataplane.runtime.messages import LocalReply, ResponseDetail

ROUTE = Route("m/a", "m", ModelTarget(("a",)), ("a",))


def listener(default: Route | None = None) -> Listener:
    return Listener("m", ListenerKind.MODEL, "", 0, by_model={"a": ROUTE}, default_route=default)


def test_known_model_has_its_route() -> None:
    assert match_model(listener(), "a") is ROUTE


def test_no_model_takes_the_default_route() -> None:
    assert match_model(listener(ROUTE), None) is ROUTE


def test_no_model_and_no_default_is_a_400() -> None:
    refusal = match_model(listener(), None)
    assert isinstance(refusal, LocalReply)
    assert (refusal.status, refusal.detail) == (400, ResponseDetail.MODEL_REQUIRED)


def test_unknown_model_is_a_404_that_names_no_other() -> None:
    refusal = match_model(listener(ROUTE), "x" * 1000)
    assert isinstance(refusal, LocalReply)
    assert (refusal.status, refusal.detail) == (404, ResponseDetail.MODEL_NOT_FOUND)
    assert "a" not in refusal.message.partition("`")[2].rpartition("`")[0]
    assert len(refusal.message) < 300


EXACT = Route("m/x", "m", ModelTarget(("openai/gpt-4o",)), ("openai/gpt-4o", "gpt-4o"))
WILDCARD = Route("m/w", "m", ModelTarget(("openai/*",)), ("openai/*",))
BOTH = Listener(
    "m",
    ListenerKind.MODEL,
    "",
    0,
    by_model=dict.fromkeys(EXACT.models, EXACT),
    by_prefix={"openai": WILDCARD},
)


@pytest.mark.parametrize(
    ("model", "route"),
    [
        pytest.param("openai/gpt-4o", EXACT, id="a known name wins over a wildcard"),
        pytest.param("openai/gpt-5", WILDCARD, id="a wildcard serves any model of its prefix"),
        pytest.param("openai/ft:gpt/my", WILDCARD, id="a model may have slashes"),
        pytest.param("azure/gpt-4o", EXACT, id="an unknown prefix is left out"),
    ],
)
def test_a_name_with_a_prefix_has_its_route(model: str, route: Route) -> None:
    assert match_model(BOTH, model) is route


@pytest.mark.parametrize("model", ["openai", "openai/", "gpt-5", "azure/gpt-5", "/", "", "x/"])
def test_what_no_wildcard_and_no_name_covers_is_a_404(model: str) -> None:
    refusal = match_model(BOTH, model)
    assert isinstance(refusal, LocalReply)
    assert refusal.status == 404


def test_a_wildcard_asks_for_what_is_after_its_prefix() -> None:
    assert upstream_model("", "openai/ft:gpt/my") == "ft:gpt/my"


def test_a_provider_with_a_model_asks_for_that() -> None:
    assert upstream_model("gpt-4o-2024", "smart") == "gpt-4o-2024"
    assert upstream_model("gpt-4o-2024", None) == "gpt-4o-2024"
