import msgspec
import pytest

from dataplane.agents.progress import COMMENTS, EVENTS, can_be_told, said_of, written
from dataplane.runtime.effects import Tell
from dataplane.runtime.protocols import Protocol

CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": []}
STARTED = {"event": "started", "run": "r1", "step": 1, "agent": "weather"}
ANSWERED = Tell("answered", 1, "a", text="x\n\ndata: y")


def data(event: bytes) -> dict[str, object]:
    assert event.endswith(b"\n\n")
    read: dict[str, object] = msgspec.json.decode(event.partition(b"data: ")[2])
    return read


def test_event_of_chat_is_a_chunk_without_choices() -> None:
    event = data(written(EVENTS, STARTED, Protocol.CHAT, CHUNK))
    assert event.pop("outrider") == STARTED
    assert event == CHUNK


@pytest.mark.parametrize("speaks", [Protocol.MESSAGES, Protocol.RESPONSES])
def test_event_of_other_apis_has_a_type_of_its_own(speaks: Protocol) -> None:
    event = written(EVENTS, STARTED, speaks, CHUNK)
    assert event.startswith(b"event: outrider\n")
    assert data(event) == {"type": "outrider", **STARTED}


def test_decision_names_all_agents_and_why() -> None:
    said = said_of("r1", Tell("decided", agent="a,b", why="because"))
    assert said == {"event": "decided", "run": "r1", "agents": ["a", "b"], "why": "because"}


def test_what_happens_is_told_with_its_step() -> None:
    assert said_of("r1", Tell("started", 1, "weather")) == STARTED


def test_answer_is_told_unless_it_is_withheld() -> None:
    assert said_of("r1", ANSWERED)["text"] == "x\n\ndata: y"
    assert "text" not in said_of("r1", ANSWERED, withholds=True)


def test_comment_stays_on_one_line_whatever_was_said() -> None:
    comment = written(COMMENTS, said_of("r1", ANSWERED), Protocol.CHAT, CHUNK)
    assert comment.startswith(b': outrider {"event":"answered"')
    assert comment.count(b"\n") == 2


def test_apis_without_a_place_for_it_are_told_nothing() -> None:
    told = {one for one in Protocol if can_be_told(one)}
    assert told == {Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES}
