"""Our counters say what prometheus_client's own would, but for when they were made."""

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest

from controlplane.metrics import ByType, Durations


def told(registry: CollectorRegistry) -> list[str]:
    return [
        line for line in generate_latest(registry).decode().splitlines() if "_created" not in line
    ]


def test_a_counter_by_type_reads_as_a_counter_with_a_label() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = ByType("acks", "Taken.", ours)
    counter = Counter("acks", "Taken.", ["type"], registry=theirs)
    for label in ("route", "listener", "route"):
        counts.inc(label)
        counter.labels(label).inc()
    assert told(ours) == told(theirs)


def test_nothing_counted_is_told_as_nothing() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    ByType("acks", "Taken.", ours)
    Counter("acks", "Taken.", ["type"], registry=theirs)
    assert told(ours) == told(theirs)


def test_durations_read_as_a_histogram() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    bounds = (0.002, 0.1, 1.0)
    durations = Durations("took", "How long.", bounds, ours)
    histogram = Histogram("took", "How long.", buckets=bounds, registry=theirs)
    assert told(ours) == told(theirs)
    for seconds in (0.0, 0.002, 0.0021, 0.1, 0.5, 1.0, 60.0):
        durations.observe(seconds)
        histogram.observe(seconds)
    assert told(ours) == told(theirs)
