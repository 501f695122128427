import pytest

from dataplane.filters.api import Context, Continue, Head, UnusableFilterError
from dataplane.filters.builtin import made
from dataplane.filters.headers.filter import HeadersFilter
from dataplane.runtime.config import Filter
from dataplane.runtime.messages import Request

LABELS = Filter(
    "labels", kind="headers", settings='{"set":{"X-Team":"search","Host":"x"},"remove":["x-debug"]}'
)
HEADERS = (("x-debug", "1"), ("x-team", "other"), ("host", "h"), ("accept", "*/*"))
CHANGED = (("host", "h"), ("accept", "*/*"), ("X-Team", "search"))


def test_headers_of_a_request_are_set_and_removed() -> None:
    verdict = HeadersFilter(LABELS).on_request(Request("POST", "/", HEADERS, b"{}"), Context())
    assert verdict == Continue(Request("POST", "/", CHANGED, b"{}"))


def test_headers_of_an_answer_likewise() -> None:
    answer = HeadersFilter(LABELS).on_answer(Request("POST", "/"), Context())
    assert answer.on_head(Head(200, HEADERS)) == Head(200, CHANGED)
    assert not answer.wants_events


def test_what_is_ours_is_not_touched() -> None:
    spec = Filter("x", kind="headers", settings='{"remove":["x-outrider-key","content-length"]}')
    kept = (("x-outrider-key", "k"), ("content-length", "2"))
    verdict = HeadersFilter(spec).on_request(Request("POST", "/", kept, b"{}"), Context())
    assert verdict == Continue(Request("POST", "/", kept, b"{}"))


@pytest.mark.parametrize("settings", ["[]", '{"sett":{}}', '{"set":{"a":1}}', "{"])
def test_settings_that_are_none_are_refused(settings: str) -> None:
    with pytest.raises(UnusableFilterError, match="its settings cannot be used"):
        made(Filter("labels", kind="headers", settings=settings))
