"""One answer on its way through a chain."""

from collections.abc import Callable

import pytest

from dataplane.filters.answers import AnswerFlow
from dataplane.filters.api import (
    Again,
    AnswerFilter,
    Cut,
    Filter,
    Head,
    Maybe,
    Passed,
    steps_to,
)
from dataplane.filters.event import Event
from dataplane.filters.out import NOTHING, Out
from dataplane.filters.stage import Stage
from dataplane.runtime import config
from dataplane.runtime.effects import AskAgain, CallFailed, CallHttp, Effect, Reply, Steps
from dataplane.runtime.messages import HttpReply, LocalReply, Request, ResponseDetail
from dataplane.runtime.protocols import Operation
from tests.support.playbook import play

STREAM = Head(200, (("content-type", "text/event-stream"),))
WHOLE = Head(200, (("content-type", "application/json"),))
ASK = CallHttp("c", Request("POST", "/"))
REFUSAL = LocalReply(403, "no", ResponseDetail.FILTER_REFUSED)
FAILURE = LocalReply(502, "broken", ResponseDetail.FILTER_FAILED)


class Scripted(AnswerFilter):
    """Does with events what a function says."""

    def __init__(self, does: Callable[[Event], Maybe[Passed]], last: Passed = ()) -> None:
        self._does = does
        self._last = last

    def on_event(self, event: Event) -> Maybe[Passed]:
        return self._does(event)

    def on_end(self, complete: bool) -> Passed:
        return self._last


def at_word(word: bytes, made: Passed) -> Scripted:
    return Scripted(lambda event: made if word in event.raw else event)


def played(made: Maybe[Out], *script: Effect | Reply) -> Out:
    return play(steps_to(made), *script)


def flow(
    *answers: AnswerFilter, operation: Operation = Operation.CHAT, fails_open: bool = False
) -> AnswerFlow:
    one = Filter(config.Filter("f", fails_open=fails_open))
    return AnswerFlow([Stage(one, answer) for answer in answers], operation, streams=True)


def passed(flow: AnswerFlow, head: Head, *pieces: bytes) -> list[Out]:
    outs = [played(flow.head(head)), *(played(flow.data(piece)) for piece in pieces)]
    return [*outs, played(flow.end(True))]


def test_events_pass_as_they_are_and_the_head_with_the_first() -> None:
    outs = passed(flow(Scripted(lambda e: e)), STREAM, b"data: 1\n\ndata", b": 2\n\n")
    assert outs == [NOTHING, Out(STREAM, b"data: 1\n\n"), Out(data=b"data: 2\n\n"), NOTHING]


def test_a_whole_answer_goes_out_at_its_end() -> None:
    outs = passed(flow(Scripted(lambda e: e)), WHOLE, b'{"a"', b":1}")
    assert outs == [NOTHING, NOTHING, NOTHING, Out(WHOLE, b'{"a":1}', is_whole=True)]


def test_nobody_who_looks_at_events_means_bytes_pass() -> None:
    only_head = Scripted(lambda e: e)
    only_head.wants_events = False
    one = flow(only_head)
    outs = passed(one, WHOLE, b'{"a"', b":1}")
    assert one.passes
    assert outs == [NOTHING, Out(WHOLE, b'{"a"'), Out(data=b":1}"), NOTHING]


def test_each_filter_sees_what_the_one_before_it_made() -> None:
    twice = Scripted(lambda e: (e, e))
    last = Scripted(lambda e: e.with_data(e.data + b"!"))
    outs = passed(flow(twice, last), STREAM, b"data: 1\n\n")
    assert outs[1].data == b"data: 1!\n\ndata: 1!\n\n"


def test_a_filter_may_ask() -> None:
    def asks(event: Event) -> Steps[Passed]:
        reply = yield ASK
        assert isinstance(reply, HttpReply)
        return event.with_data(reply.body)

    one = flow(Scripted(asks))
    played(one.head(STREAM))
    assert played(one.data(b"data: 1\n\n"), ASK, HttpReply(200, body=b"2")).data == b"data: 2\n\n"


def test_a_refusal_ends_the_answer() -> None:
    outs = passed(flow(at_word(b"2", REFUSAL)), STREAM, b"data: 1\n\n", b"data: 2\n\n")
    assert outs[2].ending == REFUSAL


def test_a_filter_that_fails_open_lets_events_pass() -> None:
    outs = passed(flow(at_word(b"2", FAILURE), fails_open=True), STREAM, b"data: 2\n\n")
    assert (outs[1].data, outs[1].ending) == (b"data: 2\n\n", None)


def test_what_later_filters_hold_goes_out_before_a_cut() -> None:
    held = Event(b"data: held\n\n", flow().form)
    cut = Cut("enough", (Event(b"data: last\n\n", flow().form),))
    later = Scripted(lambda e: e, last=[held])
    outs = passed(flow(at_word(b"2", cut), later), STREAM, b"data: 1\n\ndata: 2\n\n")
    assert outs[1].data == b"data: 1\n\ndata: last\n\ndata: held\n\n"
    assert outs[1].ending == cut


@pytest.mark.parametrize("before", [True, False])
def test_a_whole_answer_that_is_cut_says_so(before: bool) -> None:
    body = b'{"choices":[{"message":{"content":"secret"},"finish_reason":"stop"}]}'
    less = body.replace(b"secret", b"less")

    def cuts(event: Event) -> Cut:
        return Cut("enough", (event.with_data(less),) if before else ())

    out = passed(flow(Scripted(cuts)), WHOLE, body)[-1]
    assert out.is_whole
    assert out.data == (less if before else body.replace(b"secret", b"")).replace(
        b'"stop"', b'"content_filter"'
    )


def test_errors_of_providers_are_seen_by_who_wants_them() -> None:
    quiet, loud = at_word(b"1", REFUSAL), at_word(b"1", REFUSAL)
    loud.wants_errors = True
    error = Head(500, WHOLE.headers)
    assert passed(flow(quiet), error, b"1")[1] == Out(error, b"1")
    assert passed(flow(loud), error, b"1")[-1].ending == REFUSAL


def test_a_head_may_be_changed_or_refused() -> None:
    class Teapot(Scripted):
        def on_head(self, head: Head) -> Head | LocalReply:
            return REFUSAL if head.status == 500 else Head(418, head.headers)

    one = Teapot(lambda e: e)
    assert passed(flow(one), WHOLE, b"{}")[-1].head == Head(418, WHOLE.headers)
    assert played(flow(one).head(Head(500))).ending == REFUSAL


def test_what_is_compressed_cannot_be_looked_into() -> None:
    head = Head(200, (*STREAM.headers, ("content-encoding", "gzip")))
    ending = played(flow(Scripted(lambda e: e)).head(head)).ending
    assert isinstance(ending, LocalReply)
    assert ending.status == 502


def test_an_array_of_events_stays_one() -> None:
    one = flow(Scripted(lambda e: e), operation=Operation.GENERATE_CONTENT)
    outs = passed(one, WHOLE, b'[{"a":1}', b',{"b":2}]')
    assert b"".join(out.data for out in outs) == b'[{"a":1},\r\n{"b":2}]\n'


def test_what_broke_off_is_not_made_whole() -> None:
    one = flow(Scripted(lambda e: e))
    played(one.head(WHOLE))
    played(one.data(b'{"a"'))
    assert played(one.end(False)) == NOTHING


class Once(AnswerFilter):
    """Holds an answer, and wants another in place of the word "bad"."""

    told = (("x-seen", "yes"),)

    def __init__(self) -> None:
        self._held: list[Event] = []

    def on_event(self, event: Event) -> Passed:
        self._held.append(event)
        return ()

    def on_end(self, complete: bool) -> Maybe[Passed | Again]:
        return Again(ASK.request, self._otherwise()) if self._bad else self._held

    @property
    def _bad(self) -> bool:
        return any(b"BAD" in one.raw for one in self._held)

    def _otherwise(self) -> Steps[Passed]:
        return REFUSAL
        yield


class Shouting(AnswerFilter):
    """Counts what it is shown; each answer has one of its own."""

    made = 0

    def __init__(self) -> None:
        Shouting.made += 1

    def on_event(self, event: Event) -> Passed:
        return event.with_data(event.data.upper())


def held() -> AnswerFlow:
    """A chain that may want another answer."""
    one = Filter(config.Filter("f"))

    def made() -> list[Stage]:
        return [Stage(one, Shouting()), Stage(one, Once())]

    return AnswerFlow(made(), Operation.CHAT, True, made)


def test_another_answer_passes_all_filters_from_the_first() -> None:
    one = held()
    play(steps_to(one.head(STREAM)))
    assert play(steps_to(one.data(b"data: bad\n\n"))) == NOTHING
    other = HttpReply(200, (("content-type", "text/event-stream"),), b"data: a\n\ndata: b\n\n")
    made = Shouting.made
    out = play(steps_to(one.end(True)), AskAgain(ASK.request), other)
    assert out.data == b"data: A\n\ndata: B\n\n"
    assert out.head is not None
    assert out.head.header("x-seen") == "yes"
    assert Shouting.made == made + 1


@pytest.mark.parametrize(
    "reply",
    [CallFailed(ResponseDetail.UPSTREAM_RESET, "gone"), HttpReply(500)],
    ids=["nobody answers", "an error"],
)
def test_without_another_answer_the_first_one_counts(reply: CallFailed | HttpReply) -> None:
    one = held()
    play(steps_to(one.head(STREAM)))
    play(steps_to(one.data(b"data: bad\n\n")))
    assert play(steps_to(one.end(True)), AskAgain(ASK.request), reply).ending is REFUSAL
