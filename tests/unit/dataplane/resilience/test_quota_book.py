"""What a worker holds, reserves, settles and gives back."""

import pytest

from dataplane.resilience.quota_book import FORGET_S, Book, Part, said
from dataplane.resilience.quota_holding import Holding, Line
from dataplane.runtime.limits import Amount, Limit, Measure

LIMIT = Limit("team", (Amount(Measure.TOKENS, 100, 100.0), Amount(Measure.CONCURRENT, 4)))
TOKENS = ("team", "tokens", ("acme",))
STREAMS = ("team", "concurrent", ("acme",))


def _book() -> tuple[Book, Holding, Holding]:
    book = Book()
    book.opened()
    found = book.of(LIMIT, ("acme",), 0.0)
    assert found is not None
    tokens, streams = found
    return book, tokens, streams


def _reserved(book: Book, tokens: Holding, n: int, now: float = 0.0) -> Part:
    parts = book.reserve([(tokens, n)], now)
    assert isinstance(parts, list)
    return parts[0]


def test_what_is_held_is_reserved_without_asking_anybody() -> None:
    book, tokens, streams = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    book.granted(STREAMS, 1, 3.0, 0.0)
    parts = book.reserve([(tokens, 30), (streams, 1)], 0.0)
    assert isinstance(parts, list)
    assert (tokens.held, tokens.reserved, streams.held) == (20, 30, 0)


def test_all_is_reserved_or_nothing() -> None:
    book, tokens, streams = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    assert book.reserve([(tokens, 30), (streams, 1)], 0.0) is streams
    assert (tokens.held, tokens.reserved) == (50, 0)


def test_what_lacks_is_asked_for_and_who_waits_tries_again_when_it_comes() -> None:
    book, tokens, _ = _book()
    tries: list[int] = []
    wanted = [(tokens, 30)]
    book.wait(wanted, lambda: tries.append(tokens.held))
    assert book.lines() == [Line(TOKENS, 0, 0, 0, 0, need=30)]
    book.granted(TOKENS, 30, 70.0, 0.0)
    assert tries == [30]


def test_a_grant_that_is_told_twice_counts_once() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 30, 70.0, 0.0)
    book.granted(TOKENS, 30, 70.0, 0.0)
    assert tokens.held == 30


def test_what_was_reserved_and_not_used_is_free_again() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    part = _reserved(book, tokens, 40)
    book.settle(part, 15)
    assert (tokens.held, tokens.reserved, tokens.spent) == (35, 0, 15)
    book.settle(part, 15)
    assert tokens.held == 35


def test_a_stream_is_charged_as_it_comes_and_only_once() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    part = _reserved(book, tokens, 40)
    book.progress(part, 10)
    book.progress(part, 10)
    book.progress(part, 25)
    assert (tokens.spent, tokens.reserved) == (25, 15)
    book.settle(part, 30)
    assert (tokens.spent, tokens.held) == (30, 20)


def test_more_than_was_reserved_is_a_self_grant_that_is_told() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 40, 60.0, 0.0)
    part = _reserved(book, tokens, 40)
    book.settle(part, 65)
    lines = book.lines()
    assert lines == [Line(TOKENS, 40, 65, 0, 25)]
    assert tokens.unreported == 25
    book.acknowledged(said(lines))
    assert tokens.unreported == 0


def test_more_than_was_reserved_is_taken_from_what_is_held_first() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    part = _reserved(book, tokens, 10)
    book.settle(part, 30)
    assert (tokens.held, tokens.spent, tokens.self_granted) == (20, 30, 0)
    book.settle(_reserved(book, tokens, 15), 25)
    assert (tokens.held, tokens.spent, tokens.self_granted) == (0, 55, 5)


def test_what_a_session_had_given_is_gone_with_it() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    part = _reserved(book, tokens, 40)
    book.opened()
    assert tokens.held == 0
    book.settle(part, 10)
    assert (tokens.held, tokens.spent, tokens.self_granted) == (0, 0, 0)


def test_streams_under_way_are_told_to_the_next_session() -> None:
    book, _, streams = _book()
    book.granted(STREAMS, 2, 2.0, 0.0)
    part = _reserved(book, streams, 1)
    book.opened()
    assert book.lines() == [Line(STREAMS, 0, 0, 0, 1)]
    book.settle(part, 0)
    assert streams.held == 1


def test_a_recall_is_answered_with_all_that_is_not_used() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    _reserved(book, tokens, 20)
    book.recall(TOKENS)
    assert book.lines() == [Line(TOKENS, 50, 0, 30, 0, recalled=True)]


def test_what_lies_idle_is_given_back_and_later_forgotten() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    book.tick(0.5)
    assert tokens.held == 50
    book.tick(1.6)
    assert tokens.held == 0
    book.lines()
    book.tick(FORGET_S + 1)
    assert [line.id for line in book.lines() if line.closed] == [STREAMS, TOKENS]
    assert not book.holdings


def test_what_a_long_request_leaves_over_is_given_back() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    part = _reserved(book, tokens, 50)
    for now in (1.5, 3.0):  # nothing is held, and nobody has asked for a while
        book.tick(now)
    book.settle(part, 10)
    book.tick(4.5)
    assert (tokens.held, tokens.reserved, tokens.returned) == (0, 0, 40)


@pytest.mark.parametrize("workers", [1, 4])
def test_without_anybody_to_ask_a_worker_gives_itself_its_share(workers: int) -> None:
    book, tokens, _ = _book()
    book.holders = workers
    book.lost()
    book.expired()
    for _ in range(100 // workers):
        _reserved(book, tokens, 1)
    assert book.reserve([(tokens, 1)], 0.0) is tokens
    assert isinstance(book.reserve([(tokens, 1)], float(workers)), list)


def test_what_lacks_in_a_share_is_refunded_into_it() -> None:
    book, tokens, _ = _book()
    book.lost()
    book.expired()
    book.settle(_reserved(book, tokens, 100), 10)
    assert (tokens.held, tokens.self_granted) == (0, 10)
    _reserved(book, tokens, 90)
    assert book.reserve([(tokens, 1)], 0.0) is tokens


def test_streams_are_shared_out_when_nobody_can_be_asked() -> None:
    book, _, streams = _book()
    book.holders = 2
    book.lost()
    book.expired()
    first = _reserved(book, streams, 1)
    _reserved(book, streams, 1)
    assert book.reserve([(streams, 1)], 0.0) is streams
    book.settle(first, 0)
    _reserved(book, streams, 1)


def test_a_store_that_is_gone_lets_everything_through_when_told_so() -> None:
    book, tokens, _ = _book()
    book.open = True
    book.lost()
    _reserved(book, tokens, 10_000)


def test_a_store_that_is_gone_lets_nothing_through_when_told_so() -> None:
    book, tokens, _ = _book()
    book.closed = True
    book.lost()
    assert book.reserve([(tokens, 1)], 0.0) is tokens


def test_what_is_held_of_all_buckets_is_summed_up_tick_by_tick() -> None:
    book, tokens, _ = _book()
    book.granted(TOKENS, 50, 50.0, 0.0)
    _reserved(book, tokens, 30)
    book.tick(0.1)
    book.tick(0.2)
    total = book.totals["team", "tokens"]
    assert (total.leased, total.spent, total.unreported) == (50, 0, 0)


def test_many_buckets_are_looked_at_a_thousand_at_a_time() -> None:
    book = Book()
    book.opened()
    for n in range(2500):
        found = book.of(LIMIT, (str(n),), 0.0)
        assert found is not None
        tokens = found[0]
        book.granted(tokens.id, 1, 0.0, 0.0)
    for tick in range(1, 4):
        book.tick(10.0 + tick / 10)
        held = sum(holding.held for holding in book.holdings.values())
        assert held == 2500 - min(1000 * tick, 2500)


@pytest.mark.parametrize(
    ("run_of", "spent"), [pytest.param("", 1, id="request"), pytest.param("desk", 0, id="run")]
)
def test_a_request_is_spent_at_once_and_the_call_of_a_run_may_be_given_back(
    run_of: str, spent: int
) -> None:
    limit = Limit("team", (Amount(Measure.REQUESTS, 9, 100.0),), run_of=run_of)
    book = Book()
    book.opened()
    found = book.of(limit, ("acme",), 0.0)
    assert found is not None
    (holding,) = found
    book.granted(holding.id, 1, 8.0, 0.0)
    parts = book.reserve([(holding, 1)], 0.0)
    assert isinstance(parts, list)
    for part in parts:
        book.settle(part, 0)
    assert (holding.spent, holding.reserved) == (spent, 0)
