"""Answers that a service outside sees."""

import pytest

from dataplane.filters.answers import AnswerFlow
from dataplane.filters.api import Filter, Head, Maybe, steps_to
from dataplane.filters.asking import MAX_HELD_BYTES, AskedAnswer, Changed, How
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.out import Out
from dataplane.filters.stage import Stage
from dataplane.runtime import config
from dataplane.runtime.effects import CallHttp, Effect, Reply, Steps
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from tests.support.playbook import play

STREAM = Head(200, (("content-type", "text/event-stream"),))
WHOLE = Head(200, (("content-type", "application/json"),))
ONE, TWO = b"data: 1\n\n", b"data: 2\n\n"


def asks(data: bytes) -> CallHttp:
    return CallHttp("c", Request("POST", "/", (), data))


def ask(data: bytes, form: Form, head: Head | None) -> Steps[bytes | Changed | LocalReply]:
    assert head is None  # nobody has asked for it
    reply = yield asks(data)
    assert isinstance(reply, HttpReply)
    if reply.status == 200:
        return reply.body
    failed = reply.status >= 500
    detail = ResponseDetail.FILTER_FAILED if failed else ResponseDetail.FILTER_REFUSED
    return LocalReply(reply.status, "no", detail)


def played(made: Maybe[Out], *script: Effect | Reply) -> Out:
    return play(steps_to(made), *script)


def flow(head: Head, fails_open: bool = False, **how: object) -> AnswerFlow:
    one = Filter(config.Filter("f", fails_open=fails_open))
    answer = AskedAnswer(ask, How(**how), "f", one.lets_pass)  # type: ignore[arg-type]
    made = AnswerFlow([Stage(Filter(config.Filter("f")), answer)], Operation.CHAT, True)
    played(made.head(head))
    return made


def says(*asked: bytes, said: bytes = b"data: X\n\n", status: int = 200) -> list[CallHttp | Reply]:
    script: list[CallHttp | Reply] = []
    for one in asked:
        script += [asks(one), HttpReply(status, body=said)]
    return script


def test_all_events_that_came_at_once_are_one_question() -> None:
    one = flow(STREAM)
    assert played(one.data(ONE + TWO), *says(ONE + TWO)).data == b"data: X\n\n"
    assert played(one.data(ONE), *says(ONE)).data == b"data: X\n\n"
    assert played(one.end(True)) == Out()


def test_a_window_collects_first_and_the_end_is_asked_about_too() -> None:
    one = flow(STREAM, window=20)
    assert [played(one.data(ONE)), played(one.data(TWO))] == [Out(), Out()]
    assert played(one.data(ONE), *says(ONE + TWO + ONE)).data == b"data: X\n\n"
    played(one.data(TWO))
    assert played(one.end(True), *says(TWO)).data == b"data: X\n\n"


def test_a_stream_may_be_asked_about_as_a_whole() -> None:
    one = flow(STREAM, answers="whole")
    assert played(one.data(ONE)) == played(one.data(TWO)) == Out()
    assert played(one.end(True), *says(ONE + TWO)) == Out(STREAM, b"data: X\n\n")


def test_an_answer_that_is_not_streamed_is_always_whole() -> None:
    one = flow(WHOLE, window=100)
    played(one.data(b"{"))
    played(one.data(b"}"))
    assert played(one.end(True), *says(b"{}", said=b"[]")).data == b"[]"


def test_what_fails_open_goes_on_as_it_was_all_of_it() -> None:
    one = flow(STREAM, fails_open=True, answers="whole")
    played(one.data(ONE + TWO))
    assert played(one.end(True), *says(ONE + TWO, status=500)).data == ONE + TWO


def test_a_refusal_is_one_whatever_the_failure_mode() -> None:
    one = flow(STREAM, fails_open=True)
    ending = played(one.data(ONE), *says(ONE, status=451)).ending
    assert isinstance(ending, LocalReply)
    assert ending.status == 451


@pytest.mark.parametrize(
    ("said", "sent"),
    [(b"", b""), (b"data: 3", b"data: 3\n\n"), (ONE + b"data: 4\n", ONE + b"data: 4\n\n")],
)
def test_what_goes_on_is_whole_events(said: bytes, sent: bytes) -> None:
    assert played(flow(STREAM).data(ONE), *says(ONE, said=said)).data == sent


def test_too_much_is_not_held() -> None:
    answer = AskedAnswer(ask, How("whole"), "f", lambda _: False)
    made = answer.on_event(Event(b"x" * MAX_HELD_BYTES, Form()))
    assert isinstance(made, LocalReply)
    assert made.status == 502


def test_what_fails_open_for_being_too_large_goes_on_in_its_order() -> None:
    passed: list[LocalReply] = []

    def lets_pass(reply: LocalReply) -> bool:
        passed.append(reply)
        return True

    answer = AskedAnswer(ask, How("whole"), "f", lets_pass)
    small, large, last = (Event(data, Form()) for data in (ONE, b"x" * MAX_HELD_BYTES, TWO))
    assert answer.on_event(small) == ()
    assert answer.on_event(large) == [small, large]
    assert answer.on_event(last) is last
    assert answer.on_end(True) == ()
    assert [reply.detail for reply in passed] == [ResponseDetail.FILTER_FAILED]
