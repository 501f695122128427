"""Answers that tell of the target that was called."""

import json

from dataplane.filters.api import Context
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.llm.framing import Framing
from dataplane.prompts.state import Remembered
from dataplane.prompts.telling import Telling
from dataplane.runtime.messages import Request

CALLED = Remembered("weather", "call_7", "{}", "rain")
REQUEST = Request("POST", "/v1/chat/completions")
WORDS = b'data: {"choices":[{"index":0,"delta":{"content":"It"}}]}\n\n'


def test_stream_tells_once_and_before_the_first_words() -> None:
    answer = Telling(CALLED, "abc", 7, with_messages=True).on_answer(REQUEST, Context())
    event = Event(WORDS, Form())
    first = answer.on_event(event)
    assert isinstance(first, list)
    assert [b"Arch-Function" in one.raw for one in first] == [True, True, False]
    assert first[-1] is event
    assert answer.on_event(event) is event


def test_whole_answer_has_it_in_its_metadata() -> None:
    answer = Telling(CALLED, "abc", 7, with_messages=True).on_answer(REQUEST, Context())
    made = answer.on_event(Event(b'{"choices":[]}', Form(framing=Framing.WHOLE)))
    assert isinstance(made, Event)
    assert "x-arch-state" in json.loads(made.raw)["metadata"]
