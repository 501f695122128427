import logging

import pytest

from dataplane.upstream.few_lines import BURST, SPAN_S, FewLines

log = logging.getLogger("few")


def test_an_outage_is_some_lines_and_then_how_many_were_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [100.0]
    lines = FewLines(log, lambda: now[0])
    for number in range(BURST + 7):
        lines.say(logging.WARNING, "line %d", number)
    assert len(caplog.records) == BURST
    now[0] += SPAN_S
    lines.say(logging.WARNING, "line %d", 99)
    assert [record.getMessage() for record in caplog.records[BURST:]] == [
        "(7 lines like the next one were left out)",
        "line 99",
    ]
