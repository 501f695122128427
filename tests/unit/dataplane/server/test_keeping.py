"""Whole answers for whoever keeps them."""

import pytest

from dataplane.server import keeping
from dataplane.server.keeping_tally import KeepingTally

STREAM = (
    b'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n'
    b"event: response.completed\n"
    b'data: {"type":"response.completed","response":{"id":"r","x":1}}\n\n'
)


def kept(*pieces: bytes, stream: bool = False, status: int = 200, ends: bool = True) -> list[bytes]:
    answers: list[bytes] = []
    tally = KeepingTally(answers.append, "l", "POST", "/", b"r", (b"", "", False), 0.0, 0)
    tally.stream, tally.status = stream, status
    for piece in pieces[:-1]:
        tally.more(piece)
    (tally.last if ends else tally.more)(pieces[-1])
    return answers


def test_whole_body_is_kept_once() -> None:
    assert kept(b'{"a"', b":1}", b"") == [b'{"a":1}']


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_last_response_of_a_stream_is_kept(size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert kept(*pieces, stream=True) == [b'{"id":"r","x":1}']


def test_other_streams_are_not_kept() -> None:
    assert kept(b'data: {"choices":[]}\n\ndata: [DONE]\n\n', stream=True) == []


def test_errors_and_what_breaks_off_are_not_kept() -> None:
    assert kept(b"{}", status=429) == []
    assert kept(b"{", b"}", ends=False) == []
    assert kept(STREAM, stream=True, ends=False) == []


def test_answers_that_are_too_large_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MAX_KEPT_BYTES", 9)
    assert kept(b"12345", b"67890") == []
