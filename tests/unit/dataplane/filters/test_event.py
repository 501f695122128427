"""An event as a filter sees it."""

from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing
from dataplane.runtime.protocols import Operation

CHUNK = b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"4111"}}],"new":1.50}\n\n'


def test_an_event_says_its_text() -> None:
    assert Event(CHUNK, Form()).text == "4111"


def test_an_event_that_nobody_changed_keeps_its_bytes() -> None:
    event = Event(CHUNK, Form())
    (slot,) = event.slots
    slot.text = "4111"
    assert event.rewritten() is event


def test_a_text_is_replaced_where_it_stands() -> None:
    event = Event(CHUNK, Form())
    event.slots[0].text = "****"
    assert event.rewritten().raw == (
        b'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"****"}}],"new":1.5}\n\n'
    )


def test_comments_and_ends_say_nothing() -> None:
    assert Event(b": ping\n\n", Form()).text == ""
    assert Event(b": ping\n\n", Form()).ends == ()
    done = Event(b"data: [DONE]\n\n", Form())
    assert (done.text, done.data, done.json, done.ends) == ("", b"[DONE]", None, None)


def test_a_whole_answer_is_an_event_too() -> None:
    body = b'{"content":[{"type":"text","text":"Hi"}]}'
    event = Event(body, Form(Operation.MESSAGES, Framing.WHOLE))
    assert (event.is_whole, event.text, event.ends) == (True, "Hi", None)


def test_what_is_no_generation_has_no_text() -> None:
    event = Event(b'{"data":[]}', Form(Operation.EMBEDDINGS, Framing.WHOLE))
    assert (event.text, event.json) == ("", {"data": []})
