"""Metrics of several workers as one (pure): counters, gauges and histogram buckets add up.

What must not be added up carries a `worker` label.
"""

from collections.abc import Iterable

from dataplane.observe.metrics import Family, Histogram


def merge(of_workers: Iterable[Iterable[Family]]) -> list[Family]:
    """One family per name; samples with equal labels are added up."""
    merged: dict[str, Family] = {}
    for families in of_workers:
        for family in families:
            have = merged.get(family.name)
            merged[family.name] = family if have is None else _sum(have, family)
    return list(merged.values())


def _sum(one: Family, other: Family) -> Family:
    samples = dict(one.samples)
    for labels, value in other.samples.items():
        have = samples.get(labels)
        samples[labels] = value if have is None else _add(have, value)
    return Family(one.name, one.kind, one.help, one.labels, samples, one.buckets)


def _add(one: float | Histogram, other: float | Histogram) -> float | Histogram:
    if isinstance(one, tuple) and isinstance(other, tuple):
        counts = tuple(a + b for a, b in zip(one[0], other[0], strict=True))
        return counts, one[1] + other[1]
    assert not isinstance(one, tuple), "a metric has one kind in every worker"
    assert not isinstance(other, tuple), "a metric has one kind in every worker"
    return one + other
