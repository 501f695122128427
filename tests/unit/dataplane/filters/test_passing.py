import msgspec
import pytest

from dataplane.filters.api import AnswerFilter, Cut, Filter, Passed
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.passing import added, as_one, cut_whole
from dataplane.filters.stage import Stage
from dataplane.llm.framing import Framing
from dataplane.runtime import config
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Operation

SSE = Form(Operation.CHAT, Framing.SSE)
ONE, TWO = Event(b"data: 1\n\n", SSE), Event(b"data: 2\n\n", SSE)
FAILED = LocalReply(502, "failed", ResponseDetail.FILTER_FAILED)
REFUSED = LocalReply(403, "no", ResponseDetail.FILTER_REFUSED)


def stage(fails_open: bool = False) -> Stage:
    return Stage(Filter(config.Filter("f", fails_open=fails_open)), AnswerFilter())


def test_events_that_came_at_once_are_one() -> None:
    (both,) = as_one([ONE, TWO])
    assert both.raw == ONE.raw + TWO.raw


def test_elements_of_an_array_stay_apart() -> None:
    form = Form(Operation.GENERATE_CONTENT, Framing.ELEMENTS)
    events = [Event(b"{}", form), Event(b"{}", form)]
    assert as_one(events) is events


@pytest.mark.parametrize(
    ("made", "goes_on"),
    [(TWO, [TWO]), ((), []), ([TWO, ONE], [TWO, ONE]), (FAILED, [ONE])],
    ids=["another", "none", "several", "failed open"],
)
def test_what_does_not_end_the_answer_goes_on(made: Passed, goes_on: list[Event]) -> None:
    passed: list[Event] = []
    assert added(passed, made, ONE, stage(fails_open=True)) is None
    assert passed == goes_on


@pytest.mark.parametrize("made", [Cut("enough"), REFUSED, FAILED], ids=["cut", "refused", "failed"])
def test_what_ends_the_answer_is_returned(made: Cut | LocalReply) -> None:
    passed: list[Event] = []
    assert added(passed, made, ONE, stage()) is made
    assert passed == []


def test_a_whole_answer_that_is_cut_says_nothing_and_why() -> None:
    said = {"choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}]}
    whole = Event(msgspec.json.encode(said), Form(Operation.CHAT, Framing.WHOLE))
    (left,) = cut_whole(Cut("enough"), whole).before
    (choice,) = left.json["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert "Hi" not in msgspec.json.encode(left.json).decode()
