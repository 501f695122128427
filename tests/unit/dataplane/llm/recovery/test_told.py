import json

import pytest

from dataplane.llm.recovery.told import comment, with_note
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.spoken import SPOKEN

NOTE: dict[str, object] = {
    "recovered_by": "resume",
    "after_tokens": 40,
    "provider": "house/b",
    "model": "m b\n",
}


def test_comment_is_one_line_of_words() -> None:
    told = comment(Protocol.CHAT, NOTE)
    assert told == b": outrider recovered by=resume after=40 provider=house/b model=mb\n\n"


def test_protocols_without_comments_get_none() -> None:
    assert comment(Protocol.GEMINI, NOTE) == b""
    assert comment(Protocol.CONVERSE, NOTE) == b""


@pytest.mark.parametrize("protocol", [Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES])
def test_note_stands_in_the_event_that_tells_usage(protocol: Protocol) -> None:
    events = b"".join(
        b"data: %b\n\n" % json.dumps(json.loads(line[6:]), separators=(",", ":")).encode()
        for line in SPOKEN[protocol].stream.split(b"\n")
        if line[:7] == b"data: {"
    )
    told = with_note(protocol, events, NOTE)
    noted = [
        said
        for line in told.split(b"\n")
        if line[:6] == b"data: " and (said := json.loads(line[6:])).get("outrider")
    ]
    (one,) = noted
    assert one["outrider"] == NOTE
    assert "usage" in json.dumps(one).lower()
    reader = CODECS[protocol].stream_reader()
    plain = CODECS[protocol].stream_reader()
    assert reader.feed(told) == plain.feed(events)


def test_events_without_a_place_for_it_stay_as_they_are() -> None:
    assert with_note(Protocol.CHAT, b"data: [DONE]\n\n", NOTE) == b"data: [DONE]\n\n"
    assert with_note(Protocol.CONVERSE, b"frames", NOTE) == b"frames"
    usage = b'data: {"usageMetadata":{}}\n\n'
    assert with_note(Protocol.GEMINI, usage, NOTE) == usage
