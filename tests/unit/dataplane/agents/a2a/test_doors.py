"""Where listeners answer in A2A."""

import pytest

from dataplane.agents.a2a.doors import base_of, is_door, rest_path
from dataplane.runtime.messages import Request


def test_doors() -> None:
    for path in ("/a2a", "/a2a/message:send", "/.well-known/agent-card.json"):
        assert is_door(path)
    assert not is_door("/a2ab")
    assert rest_path("/a2a") == ""
    assert rest_path("/a2a/v1/tasks/t") == "/v1/tasks/t"


@pytest.mark.parametrize(
    ("host", "forwarded", "tls", "base"),
    [
        ("gate:8443", "", True, "https://gate:8443"),
        ("gate", "https", False, "https://gate"),
        ("gate", "javascript", False, "http://gate"),
        ("evil/<x>", "", False, "http://localhost"),
        ("[::1]:80", "", False, "http://[::1]:80"),
    ],
)
def test_base_is_where_the_caller_reaches_us(
    host: str, forwarded: str, tls: bool, base: str
) -> None:
    request = Request("GET", "/", (("host", host), ("x-forwarded-proto", forwarded)))
    assert base_of(request.header, tls=tls) == base
