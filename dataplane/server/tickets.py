"""Tickets of runs, sealed: agents carry them and can neither read nor make them.

Rule: what does not open is as good as absent. Anybody may send the header, so nothing of it is
believed, shown or passed on before its seal is checked.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dataplane.agents.run import Run
from dataplane.clock import Clock
from dataplane.runtime.ticket import Ticket

if TYPE_CHECKING:
    from dataplane.server.accounts import Spent
    from dataplane.server.downstream import Call

NONCE_BYTES = 12
MAX_CHARS = 2048
"""Of a sealed ticket: ids and tenants are short, and a head has 16 KiB."""
GRACE_S = 5.0
"""How long a ticket is good after its run's deadline; clocks of several machines may differ."""
_PURPOSE = b"outrider-run-1"


class _Wire(msgspec.Struct, array_like=True, frozen=True):
    ticket: Ticket


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Wire)


class Tickets:
    """One per worker."""

    def __init__(
        self, key: bytes, getrandbits: Callable[[int], int], wall: Callable[[], float]
    ) -> None:
        """:param key: 32 bytes, the same for all workers that take each other's tickets.
        :param wall: seconds of a clock that all workers share.
        """
        self._own = AESGCM(key)
        self._ciphers: tuple[AESGCM, ...] = (self._own,)
        """The first one seals, all of them open."""
        self._getrandbits = getrandbits
        self._wall = wall
        self.outcomes: Counter[str] = Counter()
        """What became of headers: joined, expired, unknown (not sealed by a key of ours)."""
        self.on_joined: Callable[[str], None] = _nobody
        """Told the call of an agent that asks something itself, in a run with a budget."""
        self.on_spent: Spent = _nobody_spends
        """Told what requests have cost that joined a run whose conversation wants to know."""

    def use(self, keys: tuple[bytes, ...]) -> None:
        """Seal with the first of these from now on, and open what any of them has sealed, or our
        own key while there were none: such runs are still open.
        """
        self._ciphers = (*map(AESGCM, keys), self._own)

    def new_call(self) -> str:
        """An id for the call of an agent."""
        return f"{self._getrandbits(64):016x}"

    def seal(self, ticket: Ticket) -> str:
        """As a header carries it."""
        nonce = self._getrandbits(8 * NONCE_BYTES).to_bytes(NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, _ENCODER.encode(_Wire(ticket)), _PURPOSE)
        return urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: bytes) -> Ticket | None:
        """The ticket in a header; None for what is none of ours, or not any more."""
        ticket = self._read(text)
        if ticket is None:
            self.outcomes["unknown"] += 1
        elif ticket.until + GRACE_S < self._wall():
            self.outcomes["expired"] += 1
            return None
        else:
            self.outcomes["joined"] += 1
            if ticket.call:
                self.on_joined(ticket.call)
        return ticket

    def _read(self, text: bytes) -> Ticket | None:
        if len(text) > MAX_CHARS:
            return None
        try:
            data = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
            body = self._unsealed(data[:NONCE_BYTES], data[NONCE_BYTES:])
            return _DECODER.decode(body).ticket if body is not None else None
        except (ValueError, msgspec.MsgspecError):
            return None

    def _unsealed(self, nonce: bytes, sealed: bytes) -> bytes | None:
        """Raises ValueError."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, sealed, _PURPOSE)
            except InvalidTag:
                continue
        return None


def _nobody(call: str) -> None:
    """Who is told when nobody wants to know."""


def _nobody_spends(run: str, cost_usd: float, ttl_s: float) -> None:
    """Likewise."""


def ticket_of(run: Run, call: "Call", place: str, clock: Clock, call_id: str = "") -> Ticket:
    """What an agent gets that is asked on behalf of `call`; `place` is its traceparent."""
    principal = call.principal
    within = principal.run if principal is not None else None
    return Ticket(
        run.id,
        within.listener if within is not None else call.listener.name,
        run.depth,
        run.limits.max_depth,
        clock.wall() + call.deadline - clock.now(),
        place,
        call_id,
        principal.id if principal is not None else "",
        principal.tenant if principal is not None else "",
        principal.kind if principal is not None else "",
        run.adds_up,
    )


def begun(
    call: "Call", fresh: str, clock: Clock, *, tells: bool, overheard: bool = False
) -> tuple[Run, "Call"]:
    """The run that a request to an agent listener begins, or is a part of; and the request, which
    has no more time than that one.

    :param fresh: the id of a new one.
    """
    limits = call.listener.running.limits
    within = call.principal.run if call.principal is not None else None
    if within is None:
        return Run(fresh, call.deadline, limits, tells=tells, overheard=overheard), call
    deadline = min(call.deadline, clock.now() + max(within.until - clock.wall(), 0.0))
    limits = replace(limits, max_depth=min(limits.max_depth, within.max_depth))
    depth = within.depth + 1
    run = Run(within.run, deadline, limits, depth, tells=tells, overheard=overheard)
    return run, replace(call, deadline=deadline)
