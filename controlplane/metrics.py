"""What the control plane counts, in a registry of its own: two in one process do not mix."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
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


class ByType:
    """A counter with one label, whose values are looked up once: a push counts a thousand times."""

    def __init__(self, name: str, about: str, registry: CollectorRegistry) -> None:
        self._counter = Counter(name, about, ["type"], registry=registry)
        self._of: dict[str, Counter] = {}

    def inc(self, label: str) -> None:
        """One more of a type."""
        found = self._of.get(label)
        if found is None:
            found = self._of[label] = self._counter.labels(label)
        found.inc()


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
        self.push_to_ack = Histogram(
            "outrider_xds_push_to_ack_seconds",
            "From sending an update to its acknowledgement.",
            buckets=_ACK_BUCKETS,
            registry=self.registry,
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
