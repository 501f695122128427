import json
from typing import Any

import pytest

from dataplane.filters.api import AnswerFilter, Context, Continue, asks
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.pii.filter import PiiFilter
from dataplane.llm.framing import Framing
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import Recall, Recalled, Remember
from dataplane.runtime.messages import LocalReply, Request
from dataplane.runtime.protocols import Operation
from tests.support.playbook import play

MAIL = "anna@mail.example"
CARD = "4111 1111 1111 1111"


def pii(**settings: Any) -> PiiFilter:
    return PiiFilter(Filter("pii", kind="pii", settings=json.dumps(settings)))


def request(*said: str) -> Request:
    messages = [{"role": "user", "content": text} for text in said]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    return Request("POST", "/v1/chat/completions", (), body)


def asked(filter_: PiiFilter, *said: str) -> tuple[Context, list[str]]:
    context = Context(Operation.CHAT)
    verdict = filter_.on_request(request(*said), context)
    assert isinstance(verdict, Continue)
    messages = json.loads(verdict.request.body)["messages"]
    return context, [message["content"] for message in messages]


def whole(text: str) -> Event:
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
    return Event(json.dumps(answer).encode(), Form(Operation.CHAT, Framing.WHOLE))


def piece(text: str, finish: str | None = None) -> Event:
    chunk = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}
    return Event(f"data: {json.dumps(chunk)}\n\n".encode(), Form(Operation.CHAT, Framing.SSE))


def heard(answer: AnswerFilter | None, *events: Event) -> str | LocalReply:
    assert answer is not None
    text = ""
    for passed in (*(answer.on_event(one) for one in events), answer.on_end(complete=True)):
        if isinstance(passed, LocalReply):
            return passed
        assert isinstance(passed, list)
        text += "".join(one.text for one in passed)
    return text


def test_values_become_placeholders_the_same_all_through() -> None:
    _, said = asked(
        pii(), f"I am {MAIL}, card {CARD}", f"once more: {MAIL.upper()} and b@c.example"
    )
    assert said == ["I am [EMAIL_1], card [CARD_1]", "once more: [EMAIL_1] and [EMAIL_2]"]


def test_a_conversation_that_grows_keeps_its_placeholders() -> None:
    _, first = asked(pii(), f"I am {MAIL}")
    _, second = asked(pii(), f"I am {MAIL}", "and b@c.example")
    assert second[0] == first[0]


def test_a_whole_answer_gets_its_values_back() -> None:
    context, _ = asked(pii(), f"I am {MAIL}")
    answer = pii().on_answer(request(), context)
    assert heard(answer, whole("Hello [EMAIL_1]!")) == f"Hello {MAIL}!"


def test_a_stream_gets_its_values_back_however_it_is_cut() -> None:
    context, _ = asked(pii(), f"I am {MAIL}")
    answer = pii().on_answer(request(), context)
    events = [piece(text) for text in ("Hello [", "EMAIL", "_1", "]", "!")]
    assert heard(answer, *events, piece("", "stop")) == f"Hello {MAIL}!"


def test_without_a_find_nobody_looks_at_the_answer() -> None:
    context, _ = asked(pii(), "hello")
    assert pii().on_answer(request(), context) is None


def test_placeholders_stay_where_they_are_not_to_be_restored() -> None:
    context, _ = asked(pii(restore=False), f"I am {MAIL}")
    assert pii(restore=False).on_answer(request(), context) is None


def test_refusal_names_kinds_and_no_value() -> None:
    refused = pii(requests="refuse").on_request(request(f"{MAIL} {CARD}"), Context(Operation.CHAT))
    assert isinstance(refused, LocalReply)
    assert refused.status == 400
    assert "card, email" in refused.message
    assert MAIL not in refused.message


def test_own_patterns_are_found() -> None:
    own = [{"name": "case", "pattern": r"CASE-\d+"}]
    _, said = asked(pii(kinds=[], patterns=own), f"see CASE-7 of {MAIL}")
    assert said == [f"see [CASE_1] of {MAIL}"]


def test_what_the_model_says_of_its_own_is_redacted_before_it_is_seen() -> None:
    filter_ = pii(answers="redact")
    context, _ = asked(filter_, f"I am {MAIL}")
    answer = filter_.on_answer(request(), context)
    events = [piece(text) for text in ("[EMAIL_1], write to bo", "b@c.exa", "mple now, ple", "ase")]
    assert heard(answer, *events) == f"{MAIL}, write to [EMAIL] now, please"


def test_an_answer_with_it_is_refused() -> None:
    filter_ = pii(answers="refuse", requests="keep")
    answer = filter_.on_answer(request(), Context(Operation.CHAT))
    refused = heard(answer, piece("it is bob@c.exa"), piece("mple, of course"))
    assert isinstance(refused, LocalReply)
    assert "bob" not in refused.message


def test_arguments_of_calls_get_their_values_back_as_json() -> None:
    own = [{"name": "quoted", "pattern": r'"[^"]+"'}]
    filter_ = pii(kinds=[], patterns=own)
    context, said = asked(filter_, 'say "hi"')
    assert said == ["say [QUOTED_1]"]
    function = {"name": "f", "arguments": '{"x":"[QUOTED_1]"}'}
    message = {"tool_calls": [{"id": "1", "function": function}]}
    body = json.dumps({"choices": [{"index": 0, "message": message}]}).encode()
    answer = filter_.on_answer(request(), context)
    assert answer is not None
    passed = answer.on_event(Event(body, Form(Operation.CHAT, Framing.WHOLE)))
    assert isinstance(passed, list)
    (call,) = passed[0].json["choices"][0]["message"]["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"x": '"hi"'}


def turn(said: str, **more: Any) -> Request:
    body = json.dumps({"model": "m", "input": said, **more}).encode()
    return Request("POST", "/v1/responses", (("authorization", "Bearer a"),), body)


def of_turn(asked_: Request, *script: Any, **settings: Any) -> tuple[str, AnswerFilter | None]:
    """What the model hears, and who looks at its answer."""
    filter_, context = pii(**settings), Context(Operation.RESPONSES)
    made = filter_.on_request(asked_, context)
    verdict = play(made, *script) if asks(made) else made
    assert isinstance(verdict, Continue)
    return json.loads(verdict.request.body)["input"], filter_.on_answer(asked_, context)


CREATED = {"type": "response.created", "response": {"object": "response", "id": "resp_1"}}


def remembered(answer: AnswerFilter | None) -> Remember:
    """What is put into the store once the answer tells its id."""
    assert answer is not None
    raw = f"data: {json.dumps(CREATED)}\n\n".encode()
    made = answer.on_event(Event(raw, Form(Operation.RESPONSES, Framing.SSE)))
    assert asks(made)
    effect = next(made)
    assert isinstance(effect, Remember)
    with pytest.raises(StopIteration):
        made.send(Recalled())
    return effect


def test_what_the_provider_remembers_is_restored_in_the_next_turn() -> None:
    _, answer = of_turn(turn(f"I am {MAIL}."))
    kept = remembered(answer)
    assert MAIL.encode() not in kept.value
    script = (Recall(kept.key), Recalled(kept.value))
    said, _ = of_turn(turn(f"b@c.example, {MAIL}", previous_response_id="resp_1"), *script)
    assert said == "[EMAIL_2], [EMAIL_1]"


def test_where_that_is_forgotten_no_placeholder_is_given_out_twice() -> None:
    _, answer = of_turn(turn(f"I am {MAIL}."))
    kept = remembered(answer)
    script = (Recall(kept.key), Recalled(None))
    said, _ = of_turn(turn("b@c.example", previous_response_id="resp_1"), *script)
    assert said.startswith("[EMAIL_")
    assert said != "[EMAIL_1]"


@pytest.mark.parametrize(
    ("asked_", "settings"),
    [(turn(MAIL, store=False), {}), (turn(MAIL), {"remember_seconds": 0}), (turn("Hello"), {})],
    ids=["the client keeps it", "the operator does not want it", "nothing to remember"],
)
def test_nothing_is_remembered_that_nobody_can_go_on_with(
    asked_: Request, settings: dict[str, Any]
) -> None:
    _, answer = of_turn(asked_, **settings)
    if answer is not None:
        raw = f"data: {json.dumps(CREATED)}\n\n".encode()
        assert not asks(answer.on_event(Event(raw, Form(Operation.RESPONSES, Framing.SSE))))
