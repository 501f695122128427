"""Streams that we end, in each protocol."""

import pytest

from dataplane.llm.framing import Framing, cutter_of
from dataplane.llm.hub.answer import Failure, Finish
from dataplane.llm.hub.delta import End, Failed, Finished
from dataplane.llm.recovery.closing import closing, echo_of
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support.llm_golden import Case, cases

STREAMS = [case for case in cases("stream") if case.path.stem in ("text", "plain")]
BODIES = {
    Protocol.CHAT: b'{"messages":[{"role":"user","content":"x"}],"stream":true}',
    Protocol.MESSAGES: b'{"max_tokens":5,"messages":[{"role":"user","content":"x"}]}',
    Protocol.RESPONSES: b'{"input":"x","stream":true}',
    Protocol.GEMINI: b'{"contents":[{"role":"user","parts":[{"text":"x"}]}]}',
    Protocol.CONVERSE: b'{"messages":[{"role":"user","content":[{"text":"x"}]}]}',
}
STOPPED = (Finish.CONTENT_FILTER, Finish.REFUSAL)


def echo(protocol: Protocol) -> Echo:
    made = echo_of(protocol, BODIES[protocol], "m", 1, "abc")
    assert made is not None
    return made


def pieces(case: Case) -> tuple[list[bytes], Framing]:
    framing = Framing.FRAMES if case.protocol is Protocol.CONVERSE else Framing.SSE
    return cutter_of(framing, 0).feed(case.stream()), framing


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case.name)
def test_wherever_it_is_cut_it_ends_as_its_protocol_does(case: Case) -> None:
    all_pieces, framing = pieces(case)
    for count in range(len(all_pieces)):
        told = all_pieces[:count]
        ending = closing(case.protocol, echo(case.protocol), told, framing)
        if ending is None:
            continue  # it has said why it stops already
        reader = CODECS[case.protocol].stream_reader()
        deltas = reader.feed(b"".join(told + ending)) + reader.finish()
        (finished,) = [delta for delta in deltas if isinstance(delta, Finished)]
        had = CODECS[case.protocol].stream_reader()
        had.feed(b"".join(told))
        assert had.has_all() or finished.finish in STOPPED
        assert isinstance(deltas[-1], End)


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case.name)
def test_or_with_an_error(case: Case) -> None:
    all_pieces, framing = pieces(case)
    failure = Failure(403, "no", code="filter_refused")
    ending = closing(case.protocol, echo(case.protocol), all_pieces[:2], framing, failure)
    assert ending is not None
    reader = CODECS[case.protocol].stream_reader()
    deltas = reader.feed(b"".join(all_pieces[:2] + ending))
    assert isinstance(deltas[-1], Failed)


def test_elements_of_an_array_end_as_elements() -> None:
    begun = b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"index":0}],"responseId":"r"}'
    ending = closing(Protocol.GEMINI, echo(Protocol.GEMINI), [begun], Framing.ELEMENTS)
    assert ending is not None
    assert all(piece.startswith(b"{") for piece in ending)
    assert b'"finishReason":"SAFETY"' in ending[-1]


def test_what_is_no_request_has_no_echo() -> None:
    assert echo_of(Protocol.MESSAGES, b"{}", "m", 1, "abc") is None
