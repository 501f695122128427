import json
from typing import Any, TypeVar

import pytest

from dataplane.filters.api import Again, AnswerFilter, Context, UnusableFilterError, asks
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.json_schema.filter import JsonSchemaFilter
from dataplane.llm.framing import Framing
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import Flag, Recalled, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from tests.support.agents import completion, events

T = TypeVar("T")
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


def answer(**settings: Any) -> AnswerFilter:
    spec = Filter("form", kind="json_schema", settings=json.dumps({"schema": SCHEMA, **settings}))
    made = JsonSchemaFilter(spec).on_answer(Request("POST", "/"), Context(Operation.CHAT))
    assert made is not None
    return made


def whole(text: str) -> list[Event]:
    body = json.dumps(completion(text)).encode()
    return [Event(body, Form(Operation.CHAT, Framing.WHOLE))]


def stream(*pieces: str) -> list[Event]:
    return [Event(raw, Form(Operation.CHAT, Framing.SSE)) for raw in events(pieces)]


def heard(
    made: AnswerFilter, said: list[Event], complete: bool = True, flags: list[str] | None = None
) -> str | LocalReply | Again:
    """What is passed on; the words that it has log and metrics say go into `flags`."""
    text = ""
    for step in (*map(made.on_event, said), made.on_end(complete)):
        passed = run(step, flags) if asks(step) else step
        if isinstance(passed, (LocalReply, Again)):
            return passed
        text += "".join(one.text for one in ([passed] if isinstance(passed, Event) else passed))  # type: ignore[union-attr]
    return text


def run(steps: Steps[T], flags: list[str] | None) -> T:
    try:
        effect = next(steps)
        while True:
            assert isinstance(effect, Flag)
            if flags is not None:
                flags.append(f"{effect.filter};{effect.word}")
            effect = steps.send(Recalled())
    except StopIteration as end:
        result: T = end.value
        return result


@pytest.mark.parametrize("said", [whole('{"n":1}'), stream('{"n"', ":1}")], ids=["whole", "stream"])
def test_what_fits_passes(said: list[Event]) -> None:
    assert heard(answer(), said) == '{"n":1}'


@pytest.mark.parametrize(
    "said",
    [whole('Sure: {"n":1}.'), stream("```json\n", '{"n"', ":1}", "\n```")],
    ids=["whole", "stream"],
)
def test_what_can_be_repaired_is(said: list[Event]) -> None:
    assert heard(answer(), said) == '{"n":1}'


@pytest.mark.parametrize(
    "said", [whole('{"n":"x"}'), stream('{"n"', ':"x"}')], ids=["whole", "stream"]
)
def test_what_does_not_fit_is_refused_without_its_words(said: list[Event]) -> None:
    refused = heard(answer(), said)
    assert isinstance(refused, LocalReply)
    assert (refused.status, refused.detail) == (502, ResponseDetail.FILTER_REFUSED)
    assert refused.message.endswith("does not fit the schema: at $['n'], by properties/n/type.")


def test_what_is_no_json_is_refused() -> None:
    refused = heard(answer(), whole("I cannot."))
    assert isinstance(refused, LocalReply)
    assert "is not JSON" in refused.message


def test_nothing_is_repaired_where_that_is_not_wanted() -> None:
    assert isinstance(heard(answer(repair=False), whole('Sure: {"n":1}.')), LocalReply)


def test_a_stream_may_be_seen_before_its_end_is_known() -> None:
    made = answer(streams="tell")
    first, *rest = stream('{"n"', ':"x"}')
    assert made.on_event(first) is first
    assert isinstance(heard(made, rest), LocalReply)


def test_what_broke_off_is_handed_on_as_far_as_it_came() -> None:
    assert heard(answer(), stream('{"n"')[:1], complete=False) == '{"n"'


def test_an_answer_without_text_passes() -> None:
    assert heard(answer(), stream()) == ""


def test_a_schema_that_leads_elsewhere_is_none() -> None:
    spec = Filter("form", kind="json_schema", settings='{"schema":{"$ref":"http://127.0.0.1/x"}}')
    with pytest.raises(UnusableFilterError, match="not part of it"):
        JsonSchemaFilter(spec)


def test_what_does_not_fit_may_be_passed_on_and_says_so() -> None:
    made, flags = answer(on_mismatch="flag"), list[str]()
    assert heard(made, stream('{"n"', ':"x"}'), flags=flags) == '{"n":"x"}'
    assert made.told == (("x-outrider-flagged", "form;schema"),)
    assert flags == ["form;failed"]


ASKED = {"model": "m", "messages": [{"role": "user", "content": "How many?"}]}


def retrying(context: Context, **settings: Any) -> AnswerFilter:
    told = json.dumps({"schema": SCHEMA, "retries": 1, **settings})
    request = Request("POST", "/v1/chat/completions", (), json.dumps(ASKED).encode())
    made = JsonSchemaFilter(Filter("form", kind="json_schema", settings=told))
    found = made.on_answer(request, context)
    assert found is not None
    return found


def test_the_model_is_told_what_is_wrong() -> None:
    flags: list[str] = []
    again = heard(retrying(Context()), stream('{"n"', ':"x"}'), flags=flags)
    assert isinstance(again, Again)
    body = json.loads(again.request.body)
    assert body["messages"][0] == ASKED["messages"][0]
    assert body["messages"][1] == {"role": "assistant", "content": '{"n":"x"}'}
    said = body["messages"][2]
    assert said["role"] == "user"
    assert """at $['n']: "x" is not of type "integer\"""" in said["content"]
    assert json.dumps(SCHEMA, separators=(",", ":")) in said["content"]
    assert flags == ["form;retried"]


@pytest.mark.parametrize("on_mismatch", ["refuse", "flag"])
def test_it_is_asked_as_often_as_that_is_wanted(on_mismatch: str) -> None:
    context = Context()
    first = heard(retrying(context, on_mismatch=on_mismatch), whole("No."))
    assert isinstance(first, Again)
    last = heard(retrying(context, on_mismatch=on_mismatch), whole("No."))
    assert isinstance(last, LocalReply) if on_mismatch == "refuse" else last == "No."


def test_what_the_client_has_seen_is_not_asked_for_again() -> None:
    made = retrying(Context(), streams="tell")
    first, *rest = stream('{"n"', ':"x"}')
    assert made.on_event(first) is first
    assert isinstance(heard(made, rest), LocalReply)


def test_what_broke_off_is_not_asked_for_again() -> None:
    assert heard(retrying(Context()), stream("No.")[:1], complete=False) == "No."
