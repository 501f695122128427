import json
from typing import Any

import pytest

from dataplane.filters.api import Context, Continue
from dataplane.filters.prompt.filter import PromptFilter
from dataplane.runtime.config import Filter
from dataplane.runtime.messages import LocalReply, Request
from dataplane.runtime.protocols import Operation

SETTINGS = {
    "system": {"prepend": "Be kind.", "append": "Answer in Dutch."},
    "messages": {"prepend": [{"role": "user", "content": "Hi."}]},
}


def given(operation: Operation, body: Any) -> Any:
    spec = Filter("voice", kind="prompt", settings=json.dumps(SETTINGS))
    request = Request("POST", "/", (("content-length", "9"),), json.dumps(body).encode())
    verdict = PromptFilter(spec).on_request(request, Context(operation))
    assert isinstance(verdict, Continue)
    assert verdict.request.header("content-length") is None
    return json.loads(verdict.request.body)


def test_a_chat_request_gets_instructions_and_messages() -> None:
    made = given(Operation.CHAT, {"model": "m", "messages": [{"role": "user", "content": "u"}]})
    assert made == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be kind.\n\nAnswer in Dutch."},
            {"role": "user", "content": "Hi."},
            {"role": "user", "content": "u"},
        ],
    }


def test_what_is_no_object_is_refused() -> None:
    request = Request("POST", "/", (), b"[")
    verdict = PromptFilter(Filter("voice", kind="prompt", settings="{}")).on_request(
        request, Context(Operation.CHAT)
    )
    assert isinstance(verdict, LocalReply)
    assert verdict.status == 400


@pytest.mark.parametrize("operation", [Operation.EMBEDDINGS, Operation.COMPLETIONS])
def test_what_has_no_place_for_instructions_passes(operation: Operation) -> None:
    assert given(operation, {"input": "x"}) == {"input": "x"}
