"""Streams whose events were lost, repeated or swapped: readers and writers never crash, and what
comes of them keeps the rule of deltas.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.protocols import Protocol
from tests.support import aws_frames
from tests.support.deltas import check
from tests.support.examples import share_of
from tests.support.llm_golden import Case, cases, echo


def events(case: Case) -> list[bytes]:
    if case.protocol is Protocol.CONVERSE:
        return [aws_frames.of_line(line) for line in case.path.read_text().splitlines() if line]
    blocks = case.stream().replace(b"\r\n", b"\n").split(b"\n\n")
    return [block + b"\n\n" for block in blocks if block]


EVENTS = {
    protocol: [
        event for case in cases("stream") if case.protocol is protocol for event in events(case)
    ]
    for protocol in CODECS
}


@pytest.mark.parametrize("protocol", list(CODECS), ids=[protocol.value for protocol in CODECS])
@settings(max_examples=share_of(100))
@given(data=st.data())
def test_events_in_any_order_keep_the_rule(protocol: Protocol, data: st.DataObject) -> None:
    pool = EVENTS[protocol]
    picked = data.draw(st.lists(st.integers(0, len(pool) - 1), max_size=14))
    reader = CODECS[protocol].stream_reader()
    groups = [*(reader.feed(pool[at]) for at in picked), reader.finish()]
    check([delta for group in groups for delta in group])
    for target, codec in CODECS.items():
        writer = codec.stream_writer(echo(target, stream=True))
        for group in groups:
            writer.feed(group)
