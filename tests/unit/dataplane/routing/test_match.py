from dataplane.routing.match import match_model
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
