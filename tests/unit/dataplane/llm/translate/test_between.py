"""A request between two protocols: what is refused, what is dropped."""

import json

from dataplane.llm.translate.between import Translation, translate_request
from dataplane.runtime.dialect import PLAIN
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Protocol

ASK = {"model": "nick", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}


def translated(body: object, drop: bool = False) -> Translation | LocalReply:
    raw = json.dumps(body).encode()
    asked = ("nick", False)
    return translate_request(Protocol.MESSAGES, Protocol.CHAT, raw, asked, "m-1", PLAIN, drop)


def test_provider_hears_its_own_name_of_the_model_and_the_client_its_own() -> None:
    made = translated(ASK)
    assert isinstance(made, Translation)
    assert json.loads(made.body)["model"] == "m-1"
    assert made.request.model == "nick"
    assert made.dropped == ()


def test_what_cannot_be_said_is_a_400_that_names_it() -> None:
    made = translated(ASK | {"odd": 1})
    assert isinstance(made, LocalReply)
    assert (made.status, made.detail) == (400, ResponseDetail.UNTRANSLATABLE)
    assert "`odd`" in made.message


def test_what_cannot_be_said_is_dropped_and_named_when_the_operator_says_so() -> None:
    made = translated(ASK | {"odd": 1}, drop=True)
    assert isinstance(made, Translation)
    assert made.dropped == ("odd",)


def test_body_that_is_no_request_is_refused() -> None:
    made = translated([])
    assert isinstance(made, LocalReply)
    assert made.status == 400
