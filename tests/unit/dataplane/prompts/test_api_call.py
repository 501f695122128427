"""Calls of APIs: every value in its place, whatever characters it has."""

from urllib.parse import parse_qsl, unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataplane.prompts.api_call import api_request, rest_request
from dataplane.runtime.messages import Request
from dataplane.runtime.prompts import PromptTarget
from dataplane.runtime.secret import Secret


def target(path: str, method: str = "GET") -> PromptTarget:
    return PromptTarget("t", "T.", cluster="endpoint:a", path=path, method=method)


def made(path: str, method: str = "GET", **values: object) -> Request:
    request = api_request(target(path, method), values)
    assert isinstance(request, Request)
    return request


def test_get_has_the_rest_in_its_query() -> None:
    request = made("/w/{city}?lang=en", city="New York", days=3, all=True, names=["a"])
    assert (request.method, request.path, request.body) == ("GET", "/w/New%20York", b"")
    assert request.query == "lang=en&days=3&all=true&names=%5B%22a%22%5D"


def test_post_has_the_rest_in_its_body_with_types() -> None:
    request = made("/w/{city}?lang=en", "POST", city="Zürich", days=3, all=True)
    assert (request.path, request.query) == ("/w/Z%C3%BCrich", "lang=en")
    assert msgspec.json.decode(request.body) == {"days": 3, "all": True}
    assert request.header("content-type") == "application/json"


def test_query_of_the_path_may_have_places() -> None:
    request = made("/latest?base=USD&to={to}", to="E&U=R")
    assert (request.path, request.query) == ("/latest", "base=USD&to=E%26U%3DR")


def test_delete_has_no_body() -> None:
    request = made("/w", "DELETE", id=7)
    assert (request.method, request.query, request.body) == ("DELETE", "id=7", b"")


@pytest.mark.parametrize("step", [".", ".."])
def test_value_that_leads_elsewhere_is_refused(step: str) -> None:
    assert api_request(target("/files/{name}/text"), {"name": step}) == "name"
    assert isinstance(api_request(target("/files/{name}.txt"), {"name": step}), Request)
    assert isinstance(api_request(target("/files"), {"name": step}), Request)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_value_in_a_path_is_one_step_and_nothing_else(value: str) -> None:
    request = api_request(target("/a/{x}/b?q={x}"), {"x": value})
    if isinstance(request, str):
        assert value in (".", "..")
        return
    steps = request.path.split("/")
    assert (steps[:2], steps[3:]) == (["", "a"], ["b"])
    assert unquote(steps[2]) == value
    assert request.path.isascii()
    assert request.path.isprintable()
    assert " " not in request.path
    assert parse_qsl(request.query) == [("q", value)]


@given(st.dictionaries(st.text("abc", min_size=1), st.text(st.characters(codec="utf-8"))))
def test_query_reads_back_as_the_values(values: dict[str, str]) -> None:
    request = made("/a", **values)
    assert dict(parse_qsl(request.query, keep_blank_values=True)) == values


def test_operators_headers_win() -> None:
    one = PromptTarget(
        "t",
        "T.",
        method="POST",
        headers=(("Accept", Secret("text/csv")), ("authorization", Secret("Bearer k"))),
    )
    request = api_request(one, {})
    assert isinstance(request, Request)
    assert request.headers == (
        ("content-type", "application/json"),
        ("Accept", "text/csv"),
        ("authorization", "Bearer k"),
    )


def test_default_target_gets_all_that_was_said() -> None:
    request = rest_request(target("/rest?a=b"), [{"role": "user", "content": "Hello"}])
    assert (request.method, request.path, request.query) == ("POST", "/rest", "a=b")
    assert request.body == b'{"messages":[{"role":"user","content":"Hello"}]}'
    assert request.header("content-type") == "application/json"
