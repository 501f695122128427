import msgspec

from dataplane.agents.progress import COMMENTS, EVENTS, told
from dataplane.runtime.effects import Tell

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": []}


def data(event: bytes) -> dict[str, object]:
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    read: dict[str, object] = msgspec.json.decode(event[6:])
    return read


def test_event_is_a_chunk_without_choices() -> None:
    event = data(told(EVENTS, "r1", Tell("started", 1, "weather"), CHUNK))
    said = event.pop("outrider")
    assert event == CHUNK
    assert said == {"event": "started", "run": "r1", "step": 1, "agent": "weather"}


def test_decision_names_all_agents_and_why() -> None:
    event = data(told(EVENTS, "r1", Tell("decided", agent="a,b", why="because"), CHUNK))
    assert event["outrider"] == {
        "event": "decided",
        "run": "r1",
        "agents": ["a", "b"],
        "why": "because",
    }


def test_answer_is_told_even_without_words() -> None:
    event = data(told(EVENTS, "r1", Tell("answered", 1, "a"), CHUNK))
    assert event["outrider"] == {
        "event": "answered",
        "run": "r1",
        "step": 1,
        "agent": "a",
        "text": "",
    }


def test_comment_stays_on_one_line_whatever_was_said() -> None:
    comment = told(COMMENTS, "r1", Tell("answered", 1, "a", text="x\n\ndata: y"), CHUNK)
    assert comment.startswith(b': outrider {"event":"answered"')
    assert comment.count(b"\n") == 2
