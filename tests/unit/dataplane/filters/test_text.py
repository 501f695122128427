"""Answers as texts."""

import msgspec
import pytest

from dataplane.filters.api import Cut
from dataplane.filters.event import Event
from dataplane.filters.form import Form
from dataplane.filters.text import Said, TextAnswer, windowed
from dataplane.llm.framing import Framing
from dataplane.llm.texts.slot import Part
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.protocols import Operation


class Shout(TextAnswer):
    """Says "DOG" for "dog", in any pieces; stops at "stop"."""

    def on_text(self, text: str, part: Part, last: bool) -> Said | Cut | LocalReply:
        if "stop" in text:
            return Cut("stop")
        if "refuse" in text:
            return LocalReply(403, "no", ResponseDetail.FILTER_REFUSED)
        return windowed(text, last, 3, found)


def found(text: str) -> list[tuple[int, int, str]]:
    at = text.find("dog")
    return [(at, at + 3, "DOG")] if at >= 0 else []


def chat(content: str | None, finish: str | None = None, choice: int = 0) -> Event:
    delta = {} if content is None else {"content": content}
    json = {"choices": [{"index": choice, "delta": delta, "finish_reason": finish}]}
    return Event(b"data: " + msgspec.json.encode(json) + b"\n\n", Form())


DONE = Event(b"data: [DONE]\n\n", Form())
PING = Event(b": ping\n\n", Form())


def run(*events: Event) -> list[list[Event]]:
    """What goes on after each event, and at the end."""
    one = Shout()
    out = []
    for event in events:
        made = one.on_event(event)
        assert not isinstance(made, (Cut, LocalReply))
        out.append([made] if isinstance(made, Event) else made)
    last = one.on_end(True)
    assert isinstance(last, list)
    return [*out, last]


def said(out: list[list[Event]]) -> str:
    return "".join(event.text for events in out for event in events)


@pytest.mark.parametrize("pieces", [["a dog!"], ["a d", "og!"], ["a ", "d", "o", "g", "!"]])
def test_text_in_any_pieces_is_replaced(pieces: list[str]) -> None:
    out = run(*map(chat, pieces), chat(None, "stop"), DONE)
    assert said(out) == "a DOG!"
    assert sum(map(len, out)) == len(pieces) + 2


def test_an_event_waits_for_the_next_one_only() -> None:
    out = run(chat("a do"), chat("n't worry"), chat(None, "stop"))
    assert [len(events) for events in out] == [0, 1, 2, 0]
    assert out[1][0].text == "a don't wo"


def test_a_comment_waits_for_nobody() -> None:
    assert [len(events) for events in run(chat("a"), PING, DONE)] == [0, 1, 2, 0]


def test_choices_are_told_apart() -> None:
    out = run(chat("do", choice=0), chat("do", choice=1), chat("g", choice=1), chat("t", choice=0))
    texts = [(e.json["choices"][0]["index"], e.text) for events in out for e in events]
    assert "".join(text for choice, text in texts if choice == 0) == "dot"
    assert "".join(text for choice, text in texts if choice == 1) == "DOG"


def test_what_was_held_comes_out_when_a_stream_breaks() -> None:
    one = Shout()
    one.on_event(chat("a do"))
    (event,) = one.on_end(False)  # type: ignore[misc]
    assert isinstance(event, Event)
    assert event.text == "a do"


def test_a_whole_answer_is_replaced_at_once() -> None:
    body = b'{"choices":[{"message":{"content":"dog"}}]}'
    assert said(run(Event(body, Form(framing=Framing.WHOLE)))) == "DOG"


def test_what_responses_say_once_more_is_what_was_said() -> None:
    def event(kind: str, **more: object) -> Event:
        json = {"type": f"response.{kind}", "output_index": 0, "content_index": 0, **more}
        return Event(b"data: " + msgspec.json.encode(json) + b"\n\n", Form(Operation.RESPONSES))

    part = {"type": "output_text", "text": "a dog"}
    item = {"type": "message", "content": [part]}
    out = run(
        event("output_text.delta", delta="a d"),
        event("output_text.delta", delta="og"),
        event("output_text.done", text="a dog"),
        event("content_part.done", part=part),
        event("output_item.done", item=item),
        event("completed", response={"output": [item]}),
    )
    events = [event for events in out for event in events]
    assert said(out) == "a DOG"
    assert all(b"dog" not in event.raw for event in events)
    assert [b"a DOG" in event.raw for event in events[2:]] == [True] * 4


def test_a_cut_sends_what_was_said_before() -> None:
    one = Shout()
    one.on_event(chat("all is well"))
    made = one.on_event(chat(" stop"))
    assert isinstance(made, Cut)
    assert [event.text for event in made.before] == ["all is w"]


def test_a_refusal_is_one() -> None:
    assert isinstance(Shout().on_event(chat("refuse")), LocalReply)


@pytest.mark.parametrize(
    ("text", "last", "made"),
    [
        ("abcdef", False, ("abc", "def")),
        ("abcdef", True, ("abcdef", "")),
        ("ab", False, ("", "ab")),
        ("a dog", False, ("a ", "dog")),
        ("a dog here", False, ("a DOG h", "ere")),
        ("xdogab", False, ("xDOG", "ab")),
    ],
)
def test_a_window(text: str, last: bool, made: Said) -> None:
    assert windowed(text, last, 3, found) == made
