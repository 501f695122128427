"""Python filters: what authors' methods return is what happens, whatever they return."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from dataplane.filters.api import AnswerFilter, Context, Continue, Cut, Head, UnusableFilterError
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.python import author
from dataplane.filters.python.filter import PythonFilter, awaited
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import Await, Awaited, CallFailed, Reply, Steps
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail

HERE = __name__
CHAT = Request("POST", "/", (), b'{"messages":[{"role":"user","content":"Hi"}]}')
EVENT = Event(b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', Form())
TIMEOUT = CallFailed(ResponseDetail.FILTER_TIMEOUT, "no answer within 1 s", timed_out=True)


class Does(author.Filter):
    """What the settings of the module say."""

    does: Callable[..., Any] = staticmethod(lambda *_: None)

    def on_request(self, asked: author.Asked, exchange: author.Exchange) -> Any:
        return Does.does(asked)

    def on_head(self, head: Head, exchange: author.Exchange) -> Any:
        return Does.does(head)

    def on_event(self, event: Event, exchange: author.Exchange) -> Any:
        return Does.does(event)

    def on_end(self, complete: bool, exchange: author.Exchange) -> Any:
        return Does.does(complete)


class Waits(Does):
    """The same, later."""

    async def on_request(self, asked: author.Asked, exchange: author.Exchange) -> Any:
        return Does.does(asked)

    async def on_event(self, event: Event, exchange: author.Exchange) -> Any:
        return Does.does(event)


class Sleeps(Does):
    """Waits for somebody."""

    async def on_request(self, asked: author.Asked, exchange: author.Exchange) -> Any:
        await asyncio.sleep(0)


class Speaks:
    """Only texts."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._say = settings.get("say")

    def on_text(self, text: str, exchange: author.Exchange, last: bool) -> Any:
        if self._say == "raise":
            raise ValueError
        return {"refuse": author.Refuse("no"), "cut": Cut("c"), "number": 3, "none": None}.get(
            str(self._say), "Ho"
        )


class Bare:
    """Has nothing."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        pass


class Late(Bare):
    """Texts cannot wait."""

    async def on_text(self, text: str, exchange: author.Exchange, last: bool) -> str:
        return text


def made(name: str, **settings: Any) -> PythonFilter:
    told = msgspec.json.encode({"class": f"{HERE}:{name}", "settings": settings}).decode()
    return PythonFilter(Filter("mine", kind="python", timeout_s=1.0, settings=told))


def does(result: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Does, "does", staticmethod(result))


def ran(steps: Any, reply: Reply | None = None) -> object:
    """The end of steps that ask for one coroutine; it is run unless a reply is given."""
    if not hasattr(steps, "send"):
        return steps
    run: Steps[object] = steps
    effect = next(run)
    assert isinstance(effect, Await)
    coroutine = effect.start()
    if reply is None:
        try:
            reply = Awaited(asyncio.run(_await(coroutine)))
        except Exception as problem:
            reply = Awaited(raised=problem)
    else:
        coroutine.close()
    try:
        run.send(reply)
    except StopIteration as end:
        return end.value
    raise AssertionError("asked for more")


async def _await(coroutine: Any) -> object:
    return await coroutine


BOTH = pytest.mark.parametrize("name", ["Does", "Waits"])


@BOTH
def test_nothing_returned_is_nothing_changed(name: str) -> None:
    assert ran(made(name).on_request(CHAT, Context())) == Continue(CHAT)
    answer = made(name).on_answer(CHAT, Context())
    assert ran(answer.on_event(EVENT)) is EVENT
    assert answer.on_head(Head(200)) == Head(200)
    assert answer.on_end(True) == ()


@BOTH
def test_a_refusal_is_an_error_of_the_authors_status(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    does(lambda *_: author.Refuse("not today", 451), monkeypatch)
    refusal = LocalReply(
        451, "Filter 'mine' refused the request: not today", ResponseDetail.FILTER_REFUSED
    )
    assert ran(made(name).on_request(CHAT, Context())) == refusal
    answer = made(name).on_answer(CHAT, Context())
    assert ran(answer.on_event(EVENT)) == refusal
    assert answer.on_head(Head(200)) == refusal
    assert answer.on_end(True) == refusal


@BOTH
@pytest.mark.parametrize("result", [lambda *_: 3, lambda *_: 1 // 0], ids=["nonsense", "raises"])
def test_whatever_is_wrong_is_the_filters_failure(
    name: str, result: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    does(result, monkeypatch)
    failure = LocalReply(502, "Filter 'mine' failed.", ResponseDetail.FILTER_FAILED)
    assert ran(made(name).on_request(CHAT, Context())) == failure
    answer = made(name).on_answer(CHAT, Context())
    assert ran(answer.on_event(EVENT)) == failure
    assert answer.on_head(Head(200)) == failure
    assert answer.on_end(True) == failure


def test_one_that_takes_too_long_has_timed_out() -> None:
    reply = ran(made("Sleeps").on_request(CHAT, Context()), TIMEOUT)
    assert isinstance(reply, LocalReply)
    assert (reply.status, reply.detail) == (504, ResponseDetail.FILTER_TIMEOUT)


def test_a_request_is_changed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    does(lambda asked: setattr(asked.slots[0], "text", "Ho"), monkeypatch)
    verdict = made("Does").on_request(CHAT, Context())
    assert isinstance(verdict, Continue)
    assert b'"Ho"' in verdict.request.body


@pytest.mark.parametrize("name", ["Does", "Waits"])
@pytest.mark.parametrize("result", [[], [EVENT, EVENT], EVENT, Cut("c")])
def test_events_become_what_is_returned(
    name: str, result: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    does(lambda *_: result, monkeypatch)
    assert ran(made(name).on_answer(CHAT, Context()).on_event(EVENT)) is result


@pytest.mark.parametrize(
    ("say", "kind"),
    [("refuse", LocalReply), ("raise", LocalReply), ("number", LocalReply), ("cut", Cut)],
)
def test_texts_may_refuse_cut_or_fail(say: str, kind: type) -> None:
    assert isinstance(made("Speaks", say=say).on_answer(CHAT, Context()).on_event(EVENT), kind)


@pytest.mark.parametrize(("say", "text"), [("none", "Hi"), ("more", "Ho")])
def test_texts_become_what_is_returned(say: str, text: str) -> None:
    answer: AnswerFilter = made("Speaks", say=say).on_answer(CHAT, Context())
    (event,) = answer.on_event(EVENT)  # type: ignore[misc]
    assert isinstance(event, Event)
    assert event.text == text


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere.at_all:X", "ModuleNotFoundError"),
        (f"{HERE}:Missing", "AttributeError"),
        (f"{HERE}:Bare", "has none of the methods"),
        (f"{HERE}:Late", "may not be async"),
        (f"{HERE}:Deaf", r"on_request takes \(asked\) and is called with 2"),
        (f"{HERE}:Short", r"on_text takes \(text, exchange\) and is called with 3"),
    ],
)
def test_a_class_that_cannot_be_used_is_refused_with_the_config(path: str, why: str) -> None:
    with pytest.raises(UnusableFilterError, match=why):
        PythonFilter(Filter("mine", kind="python", settings=f'{{"class":"{path}"}}'))


class Deaf:
    def __init__(self, settings: object) -> None:
        pass

    def on_request(self, asked: author.Asked) -> None:
        pass


class Short:
    def __init__(self, settings: object) -> None:
        pass

    def on_text(self, text: str, exchange: Context) -> None:
        pass


class Breaks:
    def __init__(self, settings: object) -> None:
        raise ValueError("in a line of the author's")


@pytest.mark.parametrize(
    ("path", "traces"), [("nowhere.at_all:X", 0), (f"{HERE}:Missing", 0), (f"{HERE}:Breaks", 1)]
)
def test_only_what_breaks_in_the_authors_own_lines_is_traced(
    path: str, traces: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(UnusableFilterError):
        PythonFilter(Filter("mine", kind="python", settings=f'{{"class":"{path}"}}'))
    assert [record.exc_info is not None for record in caplog.records] == [True] * traces


def test_a_coroutine_that_nobody_wants_any_more_is_closed() -> None:
    ended: list[str] = []

    async def never() -> None:
        ended.append("begun")

    coroutine = never()
    steps = awaited("f", lambda: coroutine, 1.0)
    assert isinstance(next(steps), Await)
    steps.close()
    with pytest.raises(RuntimeError, match="already awaited"):
        coroutine.send(None)
    assert ended == []
