from random import Random

import pytest

from dataplane.observe import traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"
RANDOM = Random(1)


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (VALID, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes", True),
    ],
)
def test_valid_parent_is_read(value: str, sampled: bool) -> None:
    assert traceparent.parse(value.encode()) == (TRACE.encode(), SPAN.encode(), sampled)


@pytest.mark.parametrize(
    "value",
    [
        "",
        VALID + "-x",
        VALID + "\n",
        VALID.upper(),
        VALID.replace("00-", "ff-", 1),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"cc-{TRACE}-{SPAN}-01x",
    ],
)
def test_anything_else_is_no_parent(value: str) -> None:
    assert traceparent.parse(value.encode()) is None


def begin(value: bytes | None, percent: float | None) -> traceparent.Place:
    return traceparent.begin(value, percent, RANDOM.getrandbits, RANDOM.random)


def test_without_tracing_a_parent_goes_on_as_it_came() -> None:
    assert begin(VALID.encode(), None) == (VALID.encode(), "", False)


@pytest.mark.parametrize("flags", ["00", "01"])
def test_with_tracing_our_span_stands_between(flags: str) -> None:
    header, parent, sampled = begin(f"00-{TRACE}-{SPAN}-{flags}".encode(), 50.0)
    assert (parent, sampled) == (SPAN, flags == "01")
    place = traceparent.parse(header)
    assert place is not None
    trace_id, span_id, still_sampled = place
    assert (trace_id, still_sampled) == (TRACE.encode(), sampled)
    assert span_id != SPAN.encode()


@pytest.mark.parametrize("value", [None, b"nonsense"])
def test_without_a_parent_a_trace_begins(value: bytes | None) -> None:
    for percent, sampled in ((None, False), (0.0, False), (100.0, True)):
        header, parent, chosen = begin(value, percent)
        assert (parent, chosen) == ("", sampled)
        place = traceparent.parse(header)
        assert place is not None
        assert place[2] == sampled


def test_share_of_sampled_traces_is_the_configured_one() -> None:
    assert 200 < sum(begin(None, 25.0)[2] for _ in range(1000)) < 300


@pytest.mark.parametrize("value", [b"a", b"req_0123-45.6:7/8+9=@", b"x" * 128])
def test_sane_request_id_is_kept(value: bytes) -> None:
    assert traceparent.sane_request_id(value)


@pytest.mark.parametrize("value", [b"", b"x" * 129, b"a b", b"a\xe9", b'a"', b"a\n"])
def test_odd_request_id_is_not(value: bytes) -> None:
    assert not traceparent.sane_request_id(value)


def test_request_ids_differ() -> None:
    made = {traceparent.new_request_id(RANDOM.getrandbits) for _ in range(100)}
    assert len(made) == 100
    assert all(traceparent.sane_request_id(one) for one in made)
