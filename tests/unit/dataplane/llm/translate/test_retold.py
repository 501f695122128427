"""One answer told in another protocol, whatever its form."""

import json

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.hub.request import Request
from dataplane.llm.translate import retold
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.retold import Entire, Head, Retold
from dataplane.runtime.protocols import Protocol
from tests.support.agents import completion, events

STREAM = b"".join(events(["Under ", "the mat."]))
WHOLE = json.dumps(completion("Under the mat.")).encode()


def telling(*, stream: bool) -> Retold:
    """From chat to Messages."""
    echo = Echo(Request("m", stream, Protocol.MESSAGES, []), 0, "1")
    target = CODECS[Protocol.MESSAGES]
    return Retold(CODECS[Protocol.CHAT], target, echo, target.stream_writer(echo))


def told(head: Head, body: bytes, *, stream: bool, size: int = 1 << 20) -> bytes | Entire:
    one = telling(stream=stream)
    one.head(head)
    out = b"".join(one.feed(body[at : at + size]) for at in range(0, len(body), size))
    rest = one.finish()
    if isinstance(rest, Entire):
        assert not out
        return rest
    return out + rest


def text(entire: bytes | Entire) -> str:
    assert isinstance(entire, Entire)
    said: str = json.loads(entire.body)["content"][0]["text"]
    return said


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_chunking_changes_nothing(size: int) -> None:
    at_once = told(Head(200, True), STREAM, stream=True)
    assert told(Head(200, True), STREAM, stream=True, size=size) == at_once
    assert isinstance(at_once, bytes)
    assert at_once.rstrip().endswith(b'{"type":"message_stop"}')


def test_stream_that_was_not_asked_for_becomes_a_whole_answer() -> None:
    assert text(told(Head(200, True), STREAM, stream=False)) == "Under the mat."


def test_whole_answer_becomes_the_stream_that_was_asked_for() -> None:
    out = told(Head(200, False), WHOLE, stream=True)
    assert isinstance(out, bytes)
    assert b"Under the mat." in out
    assert b"event: message_stop" in out


def test_error_keeps_its_status_and_words() -> None:
    out = told(Head(422, False), b'{"error":{"message":"no"}}', stream=True)
    assert isinstance(out, Entire)
    assert out.status == 422
    assert json.loads(out.body)["error"]["message"] == "no"


FAULTS = {
    "not json": (Head(200, False), b"<html>", False),
    "compressed": (Head(200, False, True), WHOLE, False),
    "redirect": (Head(302, False), b"", False),
    "empty stream": (Head(200, True), b"", True),
    "collected stream that breaks off": (Head(200, True), STREAM[:200], False),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_answer_is_an_error_of_the_target(fault: str) -> None:
    head, body, stream = FAULTS[fault]
    out = told(head, body, stream=stream)
    assert isinstance(out, Entire)
    assert out.status == 502
    assert json.loads(out.body)["type"] == "error"


def test_answer_that_is_too_large_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retold, "MAX_COLLECTED_BYTES", 10)
    out = told(Head(200, False), WHOLE, stream=False, size=4)
    assert isinstance(out, Entire)
    assert out.status == 502


def test_error_before_any_word_is_a_whole_answer() -> None:
    out = told(Head(200, True), b'data: {"error":{"message":"no"}}\n\n', stream=True)
    assert isinstance(out, Entire)
    assert b"no" in out.body


def test_begun_stream_ends_with_the_error_event() -> None:
    one = telling(stream=True)
    one.head(Head(200, True))
    assert b"Under" in one.feed(events(["Under"])[0])
    rest = one.finish()
    assert isinstance(rest, bytes)
    assert b"event: error" in rest
    assert one.failure is not None


def test_stream_is_cut_with_its_reason_once() -> None:
    one = telling(stream=True)
    one.head(Head(200, True))
    assert one.cut(Failure(502, "early")) == b""
    one.feed(events(["Under"])[0])
    assert b"gone" in one.cut(Failure(502, "gone"))
    assert one.cut(Failure(502, "again")) == b""
    assert one.feed(STREAM) == b""
