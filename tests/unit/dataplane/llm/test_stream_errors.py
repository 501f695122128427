import json

import pytest

from dataplane.llm.hub.answer import Failure
from dataplane.llm.hub.delta import Failed
from dataplane.llm.stream_errors import error_event
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.spoken import SPOKEN

FAILURE = Failure(502, "The upstream failed.", "server", "upstream_truncated")
PROTOCOLS = [Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES, Protocol.GEMINI]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_error_is_read_as_one_after_a_part_of_a_stream(protocol: Protocol) -> None:
    reader = CODECS[protocol].stream_reader()
    cut = SPOKEN[protocol].cut
    if protocol is Protocol.GEMINI:
        cut = cut.replace(b'"finishReason": "STOP"', b'"x": 1')
    assert not any(isinstance(delta, Failed) for delta in reader.feed(cut))
    (failed,) = reader.feed(error_event(protocol, FAILURE, cut))
    assert isinstance(failed, Failed)
    assert failed.failure.message == FAILURE.message


def test_responses_are_numbered_on() -> None:
    tail = b'data: {"sequence_number":6,"x":1}\n\ndata: {"x":1,"sequence_number": 7}\n\n'
    event = error_event(Protocol.RESPONSES, FAILURE, tail)
    said = json.loads(event.partition(b"data: ")[2])
    assert said == {
        "type": "error",
        "sequence_number": 8,
        "code": "server_error",
        "message": FAILURE.message,
        "param": None,
    }
    assert (
        json.loads(error_event(Protocol.RESPONSES, FAILURE).partition(b"data: ")[2])[
            "sequence_number"
        ]
        == 0
    )
