"""What requests within a run have cost, told to the conversation that the run is a turn of.

Rule: the worker that takes a request knows what it has cost, another one may have the conversation.
So it is written down for whoever has it, under the run, a line for each request: no two workers
ever change the same thing. Nobody waits for it.
"""

from typing import TYPE_CHECKING

from dataplane.server.limits.sizes import spent_usd

if TYPE_CHECKING:
    from collections.abc import Callable

    from dataplane.observe.record import ExchangeRecord
    from dataplane.observe.series import Series
    from dataplane.observe.tally import Tally
    from dataplane.runtime.config import RuntimeConfig
    from dataplane.server.serving import Records

    Spent = Callable[[str, float, float], None]
    """By a run, US dollars, and for how many seconds that is of interest."""


RUN_S = 3600.0
"""Of the run itself, before its session is kept and begins to expire; longer ones lose a part."""


class Accounts:
    """Implements Records (serving.py): of requests within runs whose cost somebody adds up."""

    def __init__(self, records: "Records", config: "RuntimeConfig", spent: "Spent") -> None:
        self._records = records
        self._config = config
        self._spent = spent

    def finish_later(self, tally: "Tally", now: float, series: "Series | None") -> None:
        """See Records."""
        watch = tally.watch

        def watched(record: "ExchangeRecord") -> None:
            if watch is not None:
                watch(record)
            self._note(record)

        tally.watch = watched
        self._records.finish_later(tally, now, series)

    def finish(self, record: "ExchangeRecord", now: float, series: "Series | None" = None) -> None:
        """See Records."""
        self._note(record)
        self._records.finish(record, now, series)

    def _note(self, record: "ExchangeRecord") -> None:
        cost_usd = spent_usd(self._config, record) + record.side_cost_usd
        if cost_usd > 0.0:
            ttl_s = self._config.model_routing.sessions.ttl_s + RUN_S
            self._spent(record.run_id, cost_usd, ttl_s)
