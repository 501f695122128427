import msgspec
import pytest

from dataplane.agents.spoken import InOrder, Saying, Spoken, joined, spoken, texts_of
from dataplane.llm.chat_answer import Unreadable, answer_text
from dataplane.llm.hub.answer import Finish
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.messages import HttpReply
from dataplane.runtime.protocols import Protocol
from tests.support.agents import completion, events

BODY = b'{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}'


def said(agent: str, text: str) -> Spoken:
    found = spoken(agent, HttpReply(200, body=msgspec.json.encode(completion(text))))
    assert isinstance(found, Spoken)
    return found


def saying(body: bytes = BODY) -> Saying:
    return Saying(body, "m", "1", 7)


def test_answer_is_read_whole() -> None:
    one = said("a", "Rain.")
    assert (one.agent, one.text, one.calls_tools) == ("a", "Rain.", False)
    assert one.answer.usage is not None
    assert (one.answer.usage.input, one.answer.usage.output) == (3, 5)


def test_answer_that_streams_is_the_same() -> None:
    stream = HttpReply(
        200, (("content-type", "text/event-stream"),), b"".join(events(["Ra", "in."]))
    )
    found = spoken("a", stream)
    assert isinstance(found, Spoken)
    assert found.text == "Rain."
    assert found.answer.choices[0].finish is Finish.STOP


@pytest.mark.parametrize("kind", ["text/html", "image/png"])
def test_what_calls_itself_something_else_is_no_answer(kind: str) -> None:
    body = msgspec.json.encode(completion("Rain."))
    found = spoken("a", HttpReply(200, (("Content-Type", kind + "; charset=x"),), body))
    assert found == Unreadable(f"its content-type is {kind}")


def test_answers_are_joined_in_their_order_with_the_usage_of_all() -> None:
    answer = joined([said("a", "Rain."), said("b", ""), said("c", "None.")])
    body = saying().whole(answer)
    assert answer_text(HttpReply(200, body=body)) == "Rain.\n\nNone."
    assert msgspec.json.decode(body)["usage"]["total_tokens"] == 24


def test_one_answer_stays_what_it_is() -> None:
    one = said("a", "Rain.")
    assert joined([one]) is one.answer


def text_of(stream: bytes) -> str:
    text = answer_text(HttpReply(200, (("content-type", "text/event-stream"),), stream))
    assert isinstance(text, str)
    return text


def test_stream_that_grew_is_that_of_the_whole_answer() -> None:
    answer = joined([said("a", "Rain."), said("b", "None.")])
    grown = saying()
    told = grown.more("Rain.") + grown.more("\n\n") + grown.more("None.") + grown.end(answer)
    assert text_of(told) == text_of(saying().end(answer)) == "Rain.\n\nNone."
    assert told.endswith(b"data: [DONE]\n\n")
    assert b'"total_tokens":16' in told


def test_usage_is_told_to_who_asked_for_it() -> None:
    answer = said("a", "Rain.").answer
    odd = b'{"stream_options":"x"}'
    assert b'"usage"' not in saying(odd).streamed(answer)


def test_who_speaks_at_once_is_heard_in_order() -> None:
    order = InOrder(3)
    assert order.say(1, "b") == ""
    assert order.say(0, "a") == "a"
    assert order.done(2) == ""
    assert order.done(0) == "\n\nb"
    assert order.say(1, "b") == "b"
    assert order.done(1) == ""


def test_nothing_stands_between_those_who_said_nothing() -> None:
    order = InOrder(4)
    heard = [order.done(0), order.say(1, "a"), order.done(1), order.done(2), order.say(3, "b")]
    assert "".join(heard) == "a\n\nb"


def test_words_are_heard_event_by_event() -> None:
    reader, is_text = CODECS[Protocol.CHAT].stream_reader(), False
    heard = []
    for event in events(["Rain ", "today."]):
        texts, is_text = texts_of(reader.feed(event), is_text)
        heard += texts
    assert heard == ["Rain ", "today."]
