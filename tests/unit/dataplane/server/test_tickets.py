"""Tickets of runs: sealed by us, opened by us, and by nobody else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dataplane.runtime.ticket import Ticket
from dataplane.server.tickets import GRACE_S, Tickets

KEY = bytes(range(32))
PLACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TICKET = Ticket("ab" * 16, "desk", 1, 4, 1000.0, PLACE, "c", "anna")


def tickets(key: bytes = KEY, now: float = 900.0, seed: int = 1) -> Tickets:
    return Tickets(key, Random(seed).getrandbits, lambda: now)


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 99), st.floats(1000, 1e10))
def test_another_worker_with_the_same_key_opens_what_was_sealed(
    listener: str, tenant: str, depth: int, until: float
) -> None:
    ticket = Ticket("r", listener, depth, 4, until, "t", "c", "p", tenant, "jwt")
    sealed = tickets().seal(ticket)
    assert tickets(seed=2).open(sealed.encode()) == ticket


def test_what_is_sealed_is_plain_text_for_a_header_and_shows_nothing() -> None:
    sealed = tickets().seal(TICKET)
    assert sealed.replace("-", "").replace("_", "").isalnum()
    assert b"anna" not in urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))


@given(st.data())
def test_a_ticket_that_was_changed_does_not_open(data: st.DataObject) -> None:
    sealed = tickets().seal(TICKET).encode()
    raw = bytearray(urlsafe_b64decode(sealed + b"=" * (-len(sealed) % 4)))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    assert tickets().open(urlsafe_b64encode(raw)) is None


@given(st.binary(max_size=400))
def test_bytes_of_strangers_do_not_open(text: bytes) -> None:
    reader = tickets()
    assert reader.open(text) is None
    assert reader.outcomes == {"unknown": 1}


def test_another_key_opens_nothing() -> None:
    assert tickets(bytes(32)).open(tickets().seal(TICKET).encode()) is None


def test_a_ticket_is_good_until_its_run_is_over() -> None:
    sealed = tickets().seal(TICKET).encode()
    late = tickets(now=TICKET.until + GRACE_S + 1)
    assert tickets(now=TICKET.until + GRACE_S - 1).open(sealed) == TICKET
    assert late.open(sealed) is None
    assert late.outcomes == {"expired": 1}


def test_keys_that_are_handed_to_us_seal_and_the_ones_before_still_open() -> None:
    first, second = bytes(32), bytes([1] * 32)
    reader = tickets()
    own = reader.seal(TICKET)
    reader.use((first,))
    handed = reader.seal(TICKET)
    reader.use((second, first))
    assert [reader.open(one.encode()) for one in (own, handed)] == [TICKET, TICKET]
    assert tickets(second).open(reader.seal(TICKET).encode()) == TICKET
    reader.use((second,))
    assert reader.open(handed.encode()) is None
