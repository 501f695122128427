import msgspec
import pytest

from dataplane.llm.hub.answer import Finish, Usage
from dataplane.llm.translate.converse.wire import (
    FINISHES,
    REASONS,
    CachePoint,
    WireUsage,
    stop_sequence,
)


def test_cached_tokens_are_part_of_the_input() -> None:
    wire = WireUsage(
        inputTokens=4, outputTokens=6, cacheReadInputTokens=20, cacheWriteInputTokens=10
    )
    assert wire.counted() == Usage(input=34, output=6, cache_read=20, cache_write=10)


def test_every_finish_has_a_reason_that_bedrock_knows() -> None:
    assert set(REASONS) == set(Finish)
    assert set(REASONS.values()) <= set(FINISHES)


@pytest.mark.parametrize(
    "fields", [b'{"stop_sequence":"x"}', b'{"delta":{"stop_sequence":"x"}}'], ids=["top", "delta"]
)
def test_a_stop_sequence_is_found(fields: bytes) -> None:
    assert stop_sequence(msgspec.Raw(fields)) == "x"


@pytest.mark.parametrize("fields", [b"", b"null", b"[]", b'{"stop_sequence":1}', b"{}"])
def test_other_fields_tell_no_stop_sequence(fields: bytes) -> None:
    assert stop_sequence(msgspec.Raw(fields)) == ""


def test_a_cache_point_lives_five_minutes_unless_it_says_more() -> None:
    assert (CachePoint().time_to_live(), CachePoint("1h").time_to_live()) == ("5m", "1h")
