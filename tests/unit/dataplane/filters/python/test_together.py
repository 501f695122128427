"""Python filters that follow one another: what happens is what would if each were asked alone."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from dataplane.filters.api import Context, Continue
from dataplane.filters.chain import chained, run_request_chain
from dataplane.filters.python import author
from dataplane.filters.python.filter import PythonFilter
from dataplane.runtime.config import Filter
from dataplane.runtime.effects import Await, Awaited, CallFailed
from dataplane.runtime.messages import LocalReply, Request, ResponseDetail
from tests.support.playbook import play

BODY = b'{"messages":[{"role":"user","content":"Hi"}]}'
CHAT = Request("POST", "/", (), BODY)
LATE = CallFailed(ResponseDetail.FILTER_TIMEOUT, "no answer within 1 s", timed_out=True)
heard: list[str] = []
"""What filters were asked, in order."""


class Does:
    """Hears the question and does what its settings say."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._does = settings["does"]

    def on_request(self, asked: author.Asked, exchange: author.Exchange) -> Any:
        return self.do(asked)

    def do(self, asked: author.Asked) -> Any:
        does = self._does
        heard.append(does)
        if does == "refuse":
            return author.Refuse("no")
        if does == "raise":
            asked.json["spoilt"] = True
            raise ValueError
        if does == "nonsense":
            return 7
        if does == "change":
            asked.slots[0].text += "!"
        if does == "read":
            heard[-1] = f"read {asked.question}"
        return None


class Waits(Does):
    """The same as a coroutine that waits for nobody."""

    async def on_request(self, asked: author.Asked, exchange: author.Exchange) -> Any:
        return self.do(asked)


class Sleeps(Does):
    """The same, after a while."""

    async def on_request(self, asked: author.Asked, exchange: author.Exchange) -> Any:
        await asyncio.sleep(0)
        return self.do(asked)


def made(*words: str, kind: str = "Does", fails_open: bool = False) -> list[PythonFilter]:
    """One filter for each word; `*` in front of it: it sleeps."""
    heard.clear()
    found = []
    for at, word in enumerate(words):
        name = "Sleeps" if word.startswith("*") else kind
        settings = {"class": f"{__name__}:{name}", "settings": {"does": word.strip("*")}}
        text = msgspec.json.encode(settings).decode()
        spec = Filter(f"f{at}", kind="python", timeout_s=1.0, settings=text, fails_open=fails_open)
        found.append(PythonFilter(spec))
    return found


def asked(filters: list[PythonFilter], *script: Any) -> object:
    chain = chained(tuple(one.id for one in filters), filters)
    assert len(chain.asked) == 1
    return play(run_request_chain(chain.asked, CHAT, Context()), *script)


KINDS = pytest.mark.parametrize("kind", ["Does", "Waits"])


@KINDS
def test_those_who_say_nothing_change_nothing(kind: str) -> None:
    assert asked(made("look", "look", "look", kind=kind)) == Continue(CHAT)
    assert heard == ["look"] * 3


@KINDS
def test_each_sees_what_the_one_before_it_made(kind: str) -> None:
    found = asked(made("read", "change", "read", "look", "change", "read", kind=kind))
    assert isinstance(found, Continue)
    assert found.request.body == BODY.replace(b"Hi", b"Hi!!")
    assert heard == ["read Hi", "change", "read Hi!", "look", "change", "read Hi!!"]


@KINDS
@pytest.mark.parametrize(
    ("word", "detail"),
    [
        ("refuse", ResponseDetail.FILTER_REFUSED),
        ("raise", ResponseDetail.FILTER_FAILED),
        ("nonsense", ResponseDetail.FILTER_FAILED),
    ],
)
def test_nobody_is_asked_after_who_ends_it(word: str, detail: ResponseDetail, kind: str) -> None:
    found = asked(made("look", word, "look", kind=kind))
    assert isinstance(found, LocalReply)
    assert (found.detail, found.filter) == (detail, "f1")
    assert heard == ["look", word]


@KINDS
def test_who_fails_open_is_passed_over_with_all_it_has_done(kind: str) -> None:
    filters = made("change", "raise", "read", kind=kind, fails_open=True)
    found = asked(filters)
    assert isinstance(found, Continue)
    assert found.request.body == BODY.replace(b"Hi", b"Hi!")
    assert [one.passed_over for one in filters] == [0, 1, 0]
    assert heard == ["change", "raise", "read Hi!"]


def test_those_behind_one_who_waits_are_asked_when_it_has_answered() -> None:
    steps = run_request_chain(
        chained((), filters := made("change", "*look", "read", kind="Waits")).asked,
        CHAT,
        Context(),
    )
    effect = next(steps)
    assert isinstance(effect, Await)
    assert effect.timeout_s == filters[1]._timeout_s
    assert heard == ["change"]
    coroutine = effect.start()
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)
    with pytest.raises(StopIteration) as over:
        steps.send(Awaited(ended.value.value))
    verdict = over.value.value
    assert isinstance(verdict, Continue)
    assert verdict.request.body == BODY.replace(b"Hi", b"Hi!")
    assert heard == ["change", "look", "read Hi!"]


@pytest.mark.parametrize("fails_open", [False, True])
def test_who_waits_for_too_long_has_failed(fails_open: bool) -> None:
    filters = made("look", "*look", "look", kind="Waits", fails_open=fails_open)
    steps = run_request_chain(chained((), filters).asked, CHAT, Context())
    effect = next(steps)
    assert isinstance(effect, Await)
    effect.start().close()
    with pytest.raises(StopIteration) as over:
        steps.send(LATE)
    found = over.value.value
    if fails_open:
        assert found == Continue(CHAT)
        assert filters[1].passed_over == 1
        return
    assert isinstance(found, LocalReply)
    assert (found.status, found.filter) == (504, "f1")


def test_those_of_another_kind_stand_between() -> None:
    first, second, third = made("look", "look", "look")
    bare = PythonFilter.__new__(PythonFilter)
    bare.together, bare.in_task, bare.wants_answers = None, False, False
    chain = chained((), [first, second, bare, third])
    assert chain.asked[1:] == (bare, third)
    assert len(chain.asked) == 3
