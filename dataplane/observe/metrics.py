"""Counters of this worker in arrays of our own: 0.3 us an exchange, where prometheus_client takes
4.

Nothing here renders: `families()` hands out numbers, the admin side merges those of all workers.
Label values come from configuration and from enums only, never from a request, so the number of
series is bounded.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from dataplane.observe.series import DURATION_BUCKETS, Series

Histogram = tuple[tuple[int, ...], float]
"""Counts by bucket (the last one is above all bounds; not cumulative) and the sum."""

Read = Callable[[], Mapping[tuple[str, ...], float]]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with all its label values."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...]
    samples: Mapping[tuple[str, ...], float | Histogram]
    buckets: tuple[float, ...] = ()
    """Upper bounds in seconds, of histograms."""


class Metrics:
    """All series of this worker, and the gauges that others lend."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, str], Series] = {}
        self._recoveries: Counter[tuple[str, ...]] = Counter()
        self._before_reading: list[Callable[[], None]] = []
        self._lent: dict[str, tuple[Literal["counter", "gauge"], str, tuple[str, ...], Read]] = {}

    def series(self, listener: str, provider: str) -> Series:
        """The series of a listener and a provider ("" for answers of our own); keep it, do not ask
        per request.
        """
        key = (listener, provider)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series()
        return found

    def gauge(
        self,
        name: str,
        about: str,
        labels: tuple[str, ...],
        read: Read,
    ) -> None:
        """Lend a gauge: `read` is called at each scrape."""
        self._lent[name] = ("gauge", about, labels, read)

    def counter(self, name: str, about: str, labels: tuple[str, ...], read: Read) -> None:
        """Lend a counter, in the same way."""
        self._lent[name] = ("counter", about, labels, read)

    def recovery(self, how: str, outcome: str) -> None:
        """A stream broke after its client had a part of it, and this became of it."""
        self._recoveries[how, outcome] += 1

    def before_reading(self, settle: Callable[[], None]) -> None:
        """Have `settle` count what is not counted yet, whenever somebody asks."""
        self._before_reading.append(settle)

    def families(self) -> list[Family]:
        """Everything, as it is now."""
        for settle in self._before_reading:
            settle()
        by = ("listener", "provider")
        requests: dict[tuple[str, ...], float] = {}
        for (listener, provider), series in self._series.items():
            for (digit, detail), count in series.requests.items():
                requests[listener, provider, f"{digit}xx" if digit else "none", str(detail)] = count
        families = [
            Family(
                "outrider_requests_total",
                "counter",
                "Finished requests; class none: the client left before an answer began.",
                (*by, "class", "detail"),
                requests,
            ),
            self._histogram(
                "outrider_request_duration_seconds",
                "From the head of a request to the end of its answer.",
                lambda s: (tuple(s.duration), s.duration_sum),
            ),
            self._histogram(
                "outrider_first_byte_seconds",
                "From the head of a request to the first byte of its answer.",
                lambda s: (tuple(s.first_byte), s.first_byte_sum),
            ),
            Family(
                "outrider_tokens_total",
                "counter",
                "Tokens that answers said they used.",
                (*by, "direction"),
                {
                    (*key, direction): float(count)
                    for key, series in self._series.items()
                    for direction, count in (
                        ("input", series.input_tokens),
                        ("output", series.output_tokens),
                    )
                },
            ),
            Family(
                "outrider_token_parts_total",
                "counter",
                "Of these tokens: input that the provider had cached, output that was reasoning.",
                (*by, "part"),
                {
                    (*key, part): float(count)
                    for key, series in self._series.items()
                    for part, count in (
                        ("input_cached", series.input_cached_tokens),
                        ("reasoning", series.reasoning_tokens),
                    )
                },
            ),
        ]
        families.append(
            Family(
                "outrider_stream_recoveries_total",
                "counter",
                "Attempts to go on with streams that broke after their clients had a part of them.",
                ("how", "outcome"),
                {key: float(count) for key, count in self._recoveries.items()},
            )
        )
        for name, (kind, about, labels, read) in self._lent.items():
            families.append(Family(name, kind, about, labels, read()))
        return families

    def _histogram(self, name: str, about: str, of: Callable[[Series], Histogram]) -> Family:
        samples: dict[tuple[str, ...], float | Histogram] = {
            key: of(series) for key, series in self._series.items()
        }
        return Family(name, "histogram", about, ("listener", "provider"), samples, DURATION_BUCKETS)
