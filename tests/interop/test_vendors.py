"""The fake vendors say what the vendors' own types and models take."""

import json

import pytest

from dataplane.runtime.protocols import Protocol
from tests.support.oracle import problems_of_answer, problems_of_stream
from tests.support.vendors.conversation import CALLS, FIRST, HELLO, THOUGHT, Turn
from tests.support.vendors.server import VENDORS

TURNS = {
    "text": Turn(HELLO),
    "calls": Turn(FIRST, CALLS),
    "thoughts": Turn(FIRST, CALLS, thought=THOUGHT),
    "broken": Turn(HELLO, broken=True),
}
BEYOND = ("obfuscation", "billing", "cache_write_tokens")
"""What vendors send and their types do not know, and what types want and few models send."""


@pytest.mark.interop
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("protocol", Protocol, ids=[one.value for one in Protocol])
def test_answers_and_streams_are_the_vendors_own(protocol: Protocol, turn: Turn) -> None:
    vendor = VENDORS[protocol]
    body = {"stream_options": {"include_usage": True}}
    problems = problems_of_answer(protocol, json.dumps(vendor.whole(turn)).encode())
    problems += problems_of_stream(protocol, vendor.stream(turn, body))
    assert [one for one in problems if not any(word in one for word in BEYOND)] == []
