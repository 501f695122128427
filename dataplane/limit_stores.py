"""Who a worker's book of limits is kept with: the control plane, or Redis; and how it is doing."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from dataplane.observe.metrics import Metrics
from dataplane.runtime.config import RuntimeConfig
from dataplane.runtime.limits import LimitsStorage
from dataplane.server.limits.limiter import Quotas

MAX_SHOWN = 1000
"""Buckets in an answer of the admin port, those with least left first."""


class Leases(Protocol):
    """Keeps a book on what somebody gives."""

    failures: int
    """Times that it could not be asked."""

    def start(self) -> None:
        """Ask from now on."""

    async def close(self) -> None:
        """Give back what is not used, and end."""


class LimitStores:
    """Of one worker."""

    def __init__(self, quotas: Quotas, make: Callable[[LimitsStorage], Leases]) -> None:
        self.quotas = quotas
        self._make = make
        self._wanted: LimitsStorage | None = None
        self._leases: Leases | None = None

    async def configure(self, config: RuntimeConfig) -> None:
        """Keep the limits of a configuration; nothing is asked of anybody when it has none."""
        wanted = config.limits_storage if config.limits else None
        if wanted == self._wanted:
            return
        await self.close()
        self._wanted = wanted
        if wanted is not None:
            self._leases = self._make(wanted)
            self._leases.start()

    async def close(self) -> None:
        """Give back what is held."""
        leases, self._leases, self._wanted = self._leases, None, None
        if leases is not None:
            await leases.close()

    @property
    def failures(self) -> int:
        """Times that nobody could be asked."""
        return self._leases.failures if self._leases is not None else 0

    def measure(self, metrics: Metrics) -> None:
        """Lend gauges; their labels are names of the config."""
        book, quotas = self.quotas.book, self.quotas
        metrics.gauge(
            "outrider_limit_decisions",
            "Requests at a limit since the start: granted at once, waited, refused, shadow_refused",
            ("limit", "outcome"),
            lambda: {key: float(count) for key, count in quotas.outcomes.items()},
        )
        by = ("limit", "measure")
        metrics.gauge(
            "outrider_limit_leased",
            "Held by workers, reserved or ready for use; cost in billionths of a dollar.",
            by,
            lambda: {key: float(total.leased) for key, total in book.totals.items()},
        )
        metrics.gauge(
            "outrider_limit_spent",
            "Used since the start; cost in billionths of a dollar.",
            by,
            lambda: {key: float(total.spent) for key, total in book.totals.items()},
        )
        metrics.gauge(
            "outrider_limit_overshoot_bound",
            "Used without having been given it and not told yet: so much may be above the limit.",
            by,
            lambda: {key: float(total.unreported) for key, total in book.totals.items()},
        )
        metrics.gauge(
            "outrider_limit_store_failures",
            "Times that nobody could be asked for a part of limits since the start.",
            (),
            lambda: {(): float(self.failures)},
        )

    def shown(self) -> Mapping[str, Any]:
        """What this worker knows, for the admin port."""
        book, now = self.quotas.book, self.quotas.clock.now()
        holdings = sorted(book.holdings.values(), key=lambda one: one.remaining(now) / one.capacity)
        return {
            "store": "none" if self._wanted is None else _kind(self._wanted),
            "connected": book.connected,
            "holders": book.holders,
            "buckets": len(holdings),
            "tightest": [
                {
                    "limit": one.id[0],
                    "measure": one.id[1],
                    "values": one.id[2],
                    "capacity": one.capacity,
                    "remaining": one.remaining(now),
                    "held": one.held,
                    "reserved": one.reserved,
                    "spent": one.total_spent,
                    "self_granted": one.total_self,
                    "waiting": len(one.waiting),
                }
                for one in holdings[:MAX_SHOWN]
            ],
        }


def _kind(storage: LimitsStorage) -> str:
    return "control plane" if storage.redis is None else "redis"
