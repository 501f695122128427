"""A process that grows is seen, one that only warms up is not."""

import os

from tests.faults.leaks import GROWTH_KB, Growth, memory_kb, open_files, slope


def growth(*kb: float) -> Growth:
    made = Growth("worker", os.getpid())
    made.samples = [(float(second), int(value)) for second, value in enumerate(kb)]
    return made


def test_line_through_points() -> None:
    assert slope([(0.0, 10), (1.0, 12), (2.0, 14)]) == 2.0
    assert slope([(1.0, 10), (1.0, 12)]) == 0.0


def test_steady_growth_is_seen() -> None:
    made = growth(*(40_000 + 200 * second for second in range(100)))
    assert made.kb > GROWTH_KB
    assert round(made.kb_per_minute) == 12_000


def test_warm_up_is_none() -> None:
    made = growth(*(min(40_000 + 2000 * second, 70_000) for second in range(100)))
    assert made.kb < GROWTH_KB


def test_noise_is_none() -> None:
    made = growth(*(40_000 + 1500 * (second % 2) for second in range(100)))
    assert made.kb < GROWTH_KB / 4


def test_process_is_looked_at() -> None:
    made = Growth("this", os.getpid())
    made.sample(0.0)
    assert made.samples[0][1] == memory_kb(os.getpid()) or made.samples[0][1] > 1000
    assert open_files(os.getpid()) >= 3
