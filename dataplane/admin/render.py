"""Families -> the text that Prometheus reads."""

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from dataplane.observe.metrics import Family


class _Families(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return (_metric(family) for family in self._families)


def render(families: Iterable[Family]) -> bytes:
    """The body of /metrics, text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return generate_latest(registry)


def _metric(family: Family) -> Metric:
    match family.kind:
        case "counter":
            counter = CounterMetricFamily(family.name, family.help, labels=family.labels)
            for labels, value in family.samples.items():
                assert not isinstance(value, tuple)
                counter.add_metric(labels, value)
            return counter
        case "gauge":
            gauge = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for labels, value in family.samples.items():
                assert not isinstance(value, tuple)
                gauge.add_metric(labels, value)
            return gauge
        case "histogram":
            return _histogram(family)


def _histogram(family: Family) -> Metric:
    histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    bounds = [*(f"{bound:g}" for bound in family.buckets), "+Inf"]
    for labels, value in family.samples.items():
        assert isinstance(value, tuple)
        counts, total = value
        buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
        histogram.add_metric(labels, buckets=buckets, sum_value=total)
    return histogram
