"""A stream as one JSON array."""

import json

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.hub.delta import Begin, Delta, End, Failed, PartBegin
from dataplane.llm.hub.parts import Text
from dataplane.llm.json_array import JsonArrayWriter


class Events:
    """Writes an event for each delta."""

    content_type = "text/event-stream"

    def feed(self, deltas: list[Delta]) -> bytes:
        return b"".join(b'data: {"n":%d}\r\n\r\n' % at for at, _ in enumerate(deltas))


@pytest.mark.parametrize(
    "fed",
    [[[End()]], [[Begin("a", "m")], [PartBegin(Text("")), End()]], [[Begin("a", "m"), End()]]],
)
def test_whole_stream_is_an_array(fed: list[list[Delta]]) -> None:
    writer = JsonArrayWriter(Events())
    text = b"".join(writer.feed(deltas) for deltas in fed)
    assert len(json.loads(text)) == sum(map(len, fed))


def test_broken_stream_is_none() -> None:
    writer = JsonArrayWriter(Events())
    text = writer.feed([Begin("a", "m")]) + writer.feed([Failed(Failure(500, "No."))])
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
