"""How a provider's stream was cut changes neither the deltas nor what any client gets."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataplane.llm.hub.delta import Delta
from dataplane.llm.translate.codecs import CODECS
from tests.support.deltas import spread
from tests.support.llm_golden import Case, cases, echo

STREAMS = cases("stream")
each_stream = pytest.mark.parametrize("case", STREAMS, ids=[case.name for case in STREAMS])


def read(case: Case, chunks: list[bytes]) -> list[list[Delta]]:
    reader = CODECS[case.protocol].stream_reader()
    return [*(reader.feed(chunk) for chunk in chunks), reader.finish()]


def same(case: Case, chunks: list[bytes]) -> None:
    """Asserts that these chunks are as good as one."""
    whole = list(itertools.chain.from_iterable(read(case, [case.stream()])))
    groups = read(case, chunks)
    assert spread(itertools.chain.from_iterable(groups)) == spread(whole)
    for target, codec in CODECS.items():
        at_once = codec.stream_writer(echo(target, stream=True))
        bit_by_bit = codec.stream_writer(echo(target, stream=True))
        assert b"".join(map(bit_by_bit.feed, groups)) == at_once.feed(whole), target


@each_stream
@pytest.mark.parametrize("size", [1, 7])
def test_chunks_of_one_size_are_as_good_as_one_chunk(case: Case, size: int) -> None:
    stream = case.stream()
    same(case, [stream[at : at + size] for at in range(0, len(stream), size)])


@each_stream
@settings(max_examples=8)
@given(data=st.data())
def test_any_cuts_are_as_good_as_none(case: Case, data: st.DataObject) -> None:
    stream = case.stream()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    same(case, [stream[a:b] for a, b in itertools.pairwise([0, *cuts, len(stream)])])
