import gzip
from dataclasses import dataclass

import msgspec

from dataplane.observe.record import ExchangeRecord
from dataplane.observe.tally import Tally
from dataplane.runtime.messages import ResponseDetail

PLACE = (b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01", "3" * 16, True)
ANSWER = b'{"usage":{"prompt_tokens":3,"completion_tokens":4}}'


def tally(begun: ExchangeRecord | None = None) -> Tally:
    made = Tally("m", "POST", "/p", b"r1", PLACE, 10.0, 7, begun)
    made.status, made.detail = 200, ResponseDetail.UPSTREAM_TRUNCATED
    made.route, made.model, made.provider, made.upstream_model = "m/r", "alias", "p", "gpt"
    made.endpoint, made.upstream_request_id = "h:1", b"req_\xe9"
    made.attempts, made.stream, made.bytes_sent = 2, False, 51
    made.first_byte, made.ended = 10.25, 11.5
    return made


EXPECTED = ExchangeRecord(
    listener="m",
    method="POST",
    path="/p",
    request_id="r1",
    trace_id="1" * 32,
    span_id="2" * 16,
    parent_span_id="3" * 16,
    sampled=True,
    started=10.0,
    status=200,
    detail=ResponseDetail.UPSTREAM_TRUNCATED,
    route="m/r",
    model="alias",
    provider="p",
    upstream_model="gpt",
    endpoint="h:1",
    upstream_request_id="req_\xe9",
    attempts=2,
    bytes_received=7,
    bytes_sent=51,
    first_byte_s=0.25,
    upstream_s=1.5,
    duration_s=1.5,
)


def test_record_says_what_the_tally_says() -> None:
    assert tally().record() == EXPECTED


def test_what_filters_took_is_not_the_upstreams_time() -> None:
    made = tally()
    made.aside_s = 0.5
    assert made.record().upstream_s == 1.0


def test_nobody_who_was_not_asked_took_any_time() -> None:
    made = tally()
    made.attempts = 0
    assert b"upstream_s" not in msgspec.json.encode(made.record())


def test_the_filter_that_has_ended_it_is_named() -> None:
    made = tally()
    made.filter = "guard"
    assert made.record().filter == "guard"


def test_what_filters_and_routers_found_stays() -> None:
    begun = ExchangeRecord(decision="why", decision_s=0.5, agents=("a",), attributes={"k": "v"})
    record = tally(begun).record()
    assert (record.decision, record.decision_s) == ("why", 0.5)
    assert (record.agents, record.attributes) == (("a",), {"k": "v"})
    assert record.status == 200


def test_what_was_asked_besides_counts_and_is_told_apart() -> None:
    begun = ExchangeRecord()
    begun.spend(ExchangeRecord(input_tokens=30, output_tokens=10))
    made = tally(begun)
    made.last(ANSWER)
    record = made.record()
    assert (record.input_tokens, record.output_tokens) == (33, 14)
    assert (record.side_input_tokens, record.side_output_tokens) == (30, 10)


@dataclass
class Case:
    """How an answer came."""

    stream: bool
    pieces: tuple[bytes, ...]
    last: bytes
    encoding: bytes = b""


def test_usage_is_read_however_the_answer_came() -> None:
    event = b"data: " + ANSWER + b"\n\ndata: [DONE]\n\n"
    for case, tokens in (
        (Case(False, (), ANSWER), (3, 4)),
        (Case(False, (ANSWER[:9],), ANSWER[9:]), (3, 4)),
        (Case(True, (), event), (3, 4)),
        (Case(True, (b"x" * 9000, event), b""), (3, 4)),
        (Case(True, tuple(event[at : at + 1] for at in range(len(event))), b""), (3, 4)),
        (Case(False, (), ANSWER, encoding=b"br"), (0, 0)),
        (Case(False, (), gzip.compress(ANSWER), encoding=b"gzip"), (3, 4)),
        (Case(False, (), gzip.compress(ANSWER)[:-9], encoding=b"GZIP"), (0, 0)),
        (Case(False, (b"x",), gzip.compress(ANSWER), encoding=b"gzip"), (0, 0)),
        (Case(False, (), b"no gzip", encoding=b"gzip"), (0, 0)),
        (Case(False, (), gzip.compress(b"0" * 10**7), encoding=b"gzip"), (0, 0)),
        (Case(False, (), b""), (0, 0)),
    ):
        it = tally()
        it.stream, it.encoding = case.stream, case.encoding
        for piece in case.pieces:
            it.more(piece)
        it.last(case.last)
        record = it.record()
        assert (record.input_tokens, record.output_tokens) == tokens
