"""A request whose worker does not hold enough: waits for a grant, passes, or gets its 429."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from dataplane.observe.record import ExchangeRecord
from dataplane.resilience.quota_book import Part
from dataplane.resilience.quota_holding import Holding
from dataplane.runtime.messages import Headers, LocalReply
from dataplane.runtime.protocols import Protocol
from dataplane.server.limits import told
from dataplane.server.limits.charge import Charge, PriceOf

if TYPE_CHECKING:
    from dataplane.runtime.limits import Limit
    from dataplane.server.limits.limiter import Quotas

WAIT_S = 0.5
"""For a grant; a control plane on the same network answers in 1 to 2 ms. One that is busy must not
make a 429 of a request that there is room for; what there is no room for is denied, not awaited.
"""
LISTENS_S = 0.1
"""Once a worker that stood still, so that its timer is later than this, goes on: the answer may be
there and not be read yet."""

Wants = list[tuple[Holding, int]]
Decide = Callable[[Charge | LocalReply], None]


class Gate:
    """Stands in the place of a charge (tally.Charged) as long as it waits."""

    __slots__ = (
        "_asked_at",
        "_decide",
        "_listens",
        "_price_of",
        "_prompt",
        "_quotas",
        "_speaks",
        "_timer",
        "_wants",
        "headers",
    )

    def __init__(
        self, quotas: "Quotas", wants: Wants, prompt: int, speaks: Protocol, price_of: PriceOf
    ) -> None:
        self._quotas = quotas
        self._wants = wants
        self._prompt = prompt
        self._speaks = speaks
        self._price_of = price_of
        self._decide: Decide | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at = 0.0
        self._listens = False
        self.headers: Headers = ()

    def open(self, decide: Decide) -> None:
        """Let it pass or refuse it, now or soon; `decide` is called once, unless it is closed."""
        self._decide = decide
        self._attempt()

    def close(self) -> None:
        """The client has left."""
        self._end()

    def delivered(self, data: bytes) -> None:
        """See Charged: nothing is, while it waits."""

    def settle(self, record: ExchangeRecord) -> None:
        """See Charged: nothing was reserved."""

    def _attempt(self) -> None:
        if self._decide is None:
            return
        quotas = self._quotas
        now = quotas.clock.now()
        while True:
            found = quotas.book.reserve(self._wants, now)
            if not isinstance(found, Holding):
                outcome = "granted" if self._timer is None else "waited"
                self._tell(self._charge(found, outcome, now))
                return
            n = next(n for holding, n in self._wants if holding is found)
            if self._may_wait(found, n, now):
                self._wait(now)
                return
            limit = found.limit
            if not limit.shadow:
                quotas.count((limit.name, "refused"))
                self._tell(told.refusal(found, n, now, self._headers(now)))
                return
            quotas.count((limit.name, "shadow_refused"))
            self._wants = [want for want in self._wants if want[0].limit is not limit]

    def _charge(self, parts: list[Part], outcome: str, now: float) -> Charge:
        """What was reserved, as one charge."""
        quotas = self._quotas
        limit: Limit | None = None
        hurry: Callable[[], None] | None = None
        for holding, _ in self._wants:
            if holding.limit is not limit:
                limit = holding.limit
                quotas.count((limit.name, outcome))
                if limit.run_of:
                    hurry = quotas.settle_soon
        lines = told.Lines(_shown(self._wants)).told(self._speaks, now, quotas.clock.wall)
        return Charge(quotas.book, parts, self._prompt, self._price_of, lines, hurry)

    def _may_wait(self, holding: Holding, n: int, now: float) -> bool:
        if not self._quotas.book.can_ask or n > holding.capacity or now < holding.denied_until:
            return False
        return self._timer is None or now < self._asked_at + WAIT_S

    def _wait(self, now: float) -> None:
        if self._timer is None:
            self._asked_at = now
            self._timer = asyncio.get_running_loop().call_later(WAIT_S, self._give_up)
        self._quotas.book.wait(self._wants, self._attempt)

    def _give_up(self) -> None:
        late_s = self._quotas.clock.now() - self._asked_at - WAIT_S
        if late_s > LISTENS_S and not self._listens:
            self._listens = True
            self._timer = asyncio.get_running_loop().call_later(LISTENS_S, self._give_up)
            return
        self._asked_at = float("-inf")
        self._quotas.book.hopeful = False
        self._attempt()

    def _headers(self, now: float) -> Headers:
        wall = self._quotas.clock.wall()
        return told.headers(_shown(self._wants), self._speaks, now, wall)

    def _tell(self, found: Charge | LocalReply) -> None:
        decide = self._end()
        if decide is not None:
            decide(found)

    def _end(self) -> Decide | None:
        decide, self._decide = self._decide, None
        if self._timer is not None:
            self._timer.cancel()
            self._quotas.book.leave(self._wants, self._attempt)
        return decide


def _shown(wants: Wants) -> Sequence[Holding]:
    return [holding for holding, _ in wants if holding.is_shown]
