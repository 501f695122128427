"""What the control plane counts, in a registry of its own: two in one process do not mix."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

# Seconds. One node answers in milliseconds, a thousand in some hundred; beyond a second something
# is slow.
_ACK_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 10.0)


Sums = Mapping[tuple[str, str], float]
"""By limit and measure."""
LimitSums = tuple[Sums, Sums]
"""What is out with workers, and what they gave themselves beyond what there was."""


class _Limits(Collector):
    """Two gauges whose labels are names of the config."""

    def __init__(self, read: Callable[[], LimitSums]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        leased, owed = self._read()
        for name, about, sums in (
            ("outrider_limit_leased", "Out with workers, reserved or ready for use.", leased),
            (
                "outrider_limit_overshoot_bound",
                "Used beyond what there was, and not paid back yet.",
                owed,
            ),
        ):
            gauge = GaugeMetricFamily(name, about, labels=("limit", "measure"))
            for labels, value in sums.items():
                gauge.add_metric(labels, value)
            yield gauge


class ByType(Collector):
    """A counter with one label, for one event loop: a push counts a thousand times, and
    prometheus_client's own, which has locks, takes four times as long.
    """

    def __init__(self, name: str, about: str, registry: CollectorRegistry) -> None:
        self._name = name
        self._about = about
        self._of: dict[str, int] = {}
        registry.register(self)

    def inc(self, label: str) -> None:
        """One more of a type."""
        self._of[label] = self._of.get(label, 0) + 1

    def collect(self) -> Iterator[Metric]:
        """Called at each scrape."""
        family = CounterMetricFamily(self._name, self._about, labels=("type",))
        for label, count in self._of.items():
            family.add_metric((label,), count)
        yield family


class Durations(Collector):
    """A histogram of seconds, for one event loop, as `ByType`."""

    def __init__(
        self, name: str, about: str, buckets: tuple[float, ...], registry: CollectorRegistry
    ) -> None:
        """:param buckets: their upper bounds, rising; what is beyond the last counts too."""
        self._name = name
        self._about = about
        self._bounds = buckets
        self._counts = [0] * (len(buckets) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def collect(self) -> Iterator[Metric]:
        """Called at each scrape."""
        bounds = (*map(str, self._bounds), "+Inf")
        family = HistogramMetricFamily(self._name, self._about)
        up_to = [*zip(bounds, map(float, accumulate(self._counts)), strict=True)]
        family.add_metric((), up_to, self._sum)
        yield family


class Metrics:
    """Counters of the fleet and of the config in force."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.streams = Gauge(
            "outrider_xds_streams", "Open discovery streams.", registry=self.registry
        )
        self.pushes = ByType(
            "outrider_xds_pushes", "Updates sent, one per node and type.", self.registry
        )
        self.acks = ByType("outrider_xds_acks", "Updates acknowledged.", self.registry)
        self.nacks = ByType("outrider_xds_nacks", "Updates refused.", self.registry)
        self.push_to_ack = Durations(
            "outrider_xds_push_to_ack_seconds",
            "From sending an update to its acknowledgement.",
            _ACK_BUCKETS,
            self.registry,
        )
        self.applied = Counter(
            "outrider_config_applied",
            "Configs compiled for serving, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self.revision = Gauge(
            "outrider_config_revision", "The revision in force.", registry=self.registry
        )
        self._snapshot = Gauge(
            "outrider_snapshot_info",
            "The snapshot in force, as a label.",
            ["version"],
            registry=self.registry,
        )

    def limits(self, read: Callable[[], LimitSums]) -> None:
        """Tell of leases; `read` is asked at each scrape."""
        self.registry.register(_Limits(read))

    def serves(self, version: str, revision: int) -> None:
        """Another snapshot is in force."""
        self.revision.set(revision)
        self._snapshot.clear()
        self._snapshot.labels(version).set(1)

    def render(self) -> bytes:
        """The text Prometheus reads."""
        return generate_latest(self.registry)
