"""What is counted for one listener and one provider: a fold over finished exchanges.

Rule: nothing is looked up for an exchange that was the same for the one before it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from dataplane.observe.record import ExchangeRecord
from dataplane.runtime.messages import ResponseDetail

DURATION_BUCKETS: tuple[float, ...] = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
    *(0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
"""Upper bounds in seconds."""
_BUCKETS: Final = len(DURATION_BUCKETS) + 1


class Series:
    """Everything counted for one (listener, provider)."""

    __slots__ = (
        "duration",
        "duration_sum",
        "first_byte",
        "first_byte_sum",
        "input_cached_tokens",
        "input_tokens",
        "output_tokens",
        "reasoning_tokens",
        "requests",
    )

    def __init__(self) -> None:
        self.requests: dict[tuple[int, str], int] = {}
        """By (first digit of the status, detail)."""
        self.duration = [0] * _BUCKETS
        self.duration_sum = 0.0
        self.first_byte = [0] * _BUCKETS
        self.first_byte_sum = 0.0
        self.input_tokens = 0
        self.output_tokens = 0
        self.input_cached_tokens = 0
        self.reasoning_tokens = 0

    def observe(self, records: Sequence[ExchangeRecord]) -> None:
        """Count finished exchanges; several at once cost less each, and those that
        ended alike are counted in one go: to hash how they did takes longer than all the rest.
        """
        buckets, durations, first_bytes = DURATION_BUCKETS, self.duration, self.first_byte
        place = bisect_left
        duration_sum = first_byte_sum = 0.0
        sent = received = cached = thought = 0
        status, detail, alike = 0, ResponseDetail.VIA_UPSTREAM, 0
        for record in records:
            if record.status != status or record.detail is not detail:
                if alike:
                    self._count(status, detail, alike)
                status, detail, alike = record.status, record.detail, 0
            alike += 1
            seconds = record.duration_s
            durations[place(buckets, seconds)] += 1
            duration_sum += seconds
            seconds = record.first_byte_s
            if seconds:
                first_bytes[place(buckets, seconds)] += 1
                first_byte_sum += seconds
            sent += record.input_tokens
            received += record.output_tokens
            cached += record.input_cached_tokens
            thought += record.reasoning_tokens
        if alike:
            self._count(status, detail, alike)
        self.duration_sum += duration_sum
        self.first_byte_sum += first_byte_sum
        self.input_tokens += sent
        self.output_tokens += received
        self.input_cached_tokens += cached
        self.reasoning_tokens += thought

    def refused(self, status: int, seconds: float) -> None:
        """Count an exchange that was refused because there was too much to do."""
        self._count(status, ResponseDetail.OVERLOADED, 1)
        self.duration[bisect_left(DURATION_BUCKETS, seconds)] += 1
        self.duration_sum += seconds

    def _count(self, status: int, detail: ResponseDetail, more: int) -> None:
        outcome = (status // 100, detail)
        self.requests[outcome] = self.requests.get(outcome, 0) + more
