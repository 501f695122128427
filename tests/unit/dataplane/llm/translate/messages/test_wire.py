"""Usage and stop reasons."""

from dataplane.llm.hub.answer import Finish, Usage
from dataplane.llm.translate.messages.wire import (
    FINISHES,
    REASONS,
    CacheControl,
    OutputDetails,
    WireUsage,
    marked,
    unmarked,
)


def test_input_counts_what_the_cache_gave_and_took() -> None:
    wire = WireUsage(10, 5, cache_creation_input_tokens=20, cache_read_input_tokens=30)
    assert wire.counted() == Usage(60, 5, cache_read=30, cache_write=20)


def test_later_usage_replaces_only_what_it_says() -> None:
    wire = WireUsage(10, 1, cache_read_input_tokens=30)
    wire.update(WireUsage(None, 7, output_tokens_details=OutputDetails(4)))
    assert wire.counted() == Usage(40, 7, cache_read=30, reasoning=4)


def test_every_finish_has_a_reason_of_the_api() -> None:
    assert all(REASONS[finish] in FINISHES for finish in Finish)


def test_cache_marker_lives_five_minutes_unless_told() -> None:
    assert CacheControl().time_to_live() == "5m"
    assert CacheControl("1h").time_to_live() == "1h"


def test_signature_tells_whether_its_thinking_was_redacted() -> None:
    assert unmarked(marked("D", redacted=True)) == ("D", True)
    assert unmarked(marked("S", redacted=False)) == ("S", False)
