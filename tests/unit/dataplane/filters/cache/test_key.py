import json
from typing import Any

import pytest

from dataplane.filters.cache.key import request_key
from dataplane.runtime.messages import Request

BODY = {"model": "m", "messages": [{"role": "user", "content": "u"}], "temperature": 0.5}


def key(
    body: Any = BODY, path: str = "/v1/chat/completions", owner: str = "", **header: str
) -> str:
    headers = tuple((name.replace("_", "-"), value) for name, value in header.items())
    return request_key(Request("POST", path, headers), "chat", body, owner, "kept")


def test_the_order_of_members_does_not_count() -> None:
    assert key(dict(reversed(BODY.items()))) == key()


@pytest.mark.parametrize("name", ["user", "metadata", "prompt_cache_key"])
def test_what_changes_no_answer_does_not_count(name: str) -> None:
    assert key({**BODY, name: "x"}) == key()


DIFFERENT = {
    "another model": {"model": "n"},
    "another temperature": {"temperature": 0.7},
    "a stream": {"stream": True},
    "tools": {"tools": []},
    "other words": {"messages": [{"role": "user", "content": "v"}]},
    "something unknown": {"of_the_future": 1},
    "a seed": {"seed": 1},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_everything_else_counts(change: dict[str, Any]) -> None:
    assert key({**BODY, **change}) != key()


def test_path_owner_and_beta_features_count() -> None:
    others = {key(path="/v1beta/models/x"), key(owner="tenant a"), key(anthropic_beta="x")}
    assert len(others | {key()}) == 4


def test_json_of_any_shape_can_be_a_body() -> None:
    assert key(json.loads('{"a":[1,2.5,null,true,"x",{}]}'))
