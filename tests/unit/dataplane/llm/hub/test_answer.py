import pytest

from dataplane.llm.hub.answer import Failure, failure_kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request"), (401, "authentication"), (429, "rate_limit"), (502, "server")],
)
def test_kind_of_a_failure_follows_from_its_status(status: int, kind: str) -> None:
    assert failure_kind(Failure(status, "x")) == kind


def test_kind_that_was_told_wins() -> None:
    assert failure_kind(Failure(400, "x", "too_large")) == "too_large"
