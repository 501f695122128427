"""`make load`: twice what one worker can do, offered for a minute.

First what it can do is measured: a closed loop that keeps it busy. Then twice as much is offered,
each connection sending at its time whether the worker is late or not, and what is answered 200 is
compared. The worker has the first core; load and provider have the second. Exits 1 when something
broke, was refused without `Retry-After`, or was refused other than by 503 (and with --check when a
goal is missed). On a machine that others use, `goodput_ratio_by_cpu` holds: goodput per second of
the worker's CPU, over the same of its capacity.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.contestants.contestant import Place, Running
from tests.bench.contestants.outrider import Outrider
from tests.bench.figures import Figures, write_figures
from tests.bench.processes import allow_descriptors, cpu_ns, pss_kb
from tests.bench.programs import BUILD, build_programs, upstream
from tests.bench.scenarios import JSON, STREAM, chat_to_claude

FIGURES = Path("build/figures/load.json")
GOODPUT = 0.90
"""Of the capacity: what must be done of it under twice the load."""
P99_S = 1.0
"""Of admitted requests, beyond what they take when the worker is not busy: `queue_timeout`, and a
few turns of a loop that may be 100 ms late.
"""
OFFERED = 2.0
PATIENCE_S = 30.0
WARM_S = 1.0


MAX_CONNECTIONS = 4000


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request."""

    name: str
    title: str
    body: bytes
    busy: int
    """Connections that keep a worker busy, each with one request at a time."""
    takes_s: float
    """A request, when the worker is not busy."""
    waits_s: float = 0.6
    """A connection is not free to send while its request waits to be refused."""
    most: int = MAX_CONNECTIONS
    """Connections. More make each small request dearer than the capacity was measured with (a
    thousand: 1.3 times); who has fewer than it would take cannot offer twice the capacity while
    requests wait, and `offered` says what was sent.
    """


# Streams at a provider's pace are not among them: of those the provider and the load would have
# more to do, on their one core, than the worker.
WORKS = (
    Work("translated", "Chat to Messages, 50 events", chat_to_claude(stream=True), 64, 0.0),
    Work("burst", "SSE, 50 events at once", STREAM, 64, 0.0, most=1000),
    Work("json", "JSON of 931 bytes", JSON, 64, 0.0, most=1000),
)


def main() -> int:
    options = read_options(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("load: two cores are needed, one for the worker and one for the load")
    allow_descriptors(2 * MAX_CONNECTIONS + 1000)
    build_programs()
    console = Console(width=None if sys.stdout.isatty() else 120)
    figures: Figures = {}
    with upstream(cores[1]) as port:
        place = Place(BUILD, port, proxy_core=cores[0], other_core=cores[1])
        for work in WORKS:
            if work.name in options.work:
                console.print(f"{work.title}: capacity, then {OFFERED:g} times as much")
                with Outrider().running(place) as running:
                    figures |= measured(work, running, place, options.seconds)
    console.print(table(figures))
    write_figures(FIGURES, figures)
    console.print(f"figures: {FIGURES}")
    return verdict(figures, options.check)


def read_options(argv: Sequence[str]) -> argparse.Namespace:
    names = [work.name for work in WORKS]
    parser = argparse.ArgumentParser(prog="make load ARGS=", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the overload")
    parser.add_argument("--work", nargs="+", choices=names, default=names)
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    return parser.parse_args(argv)


def measured(work: Work, running: Running, place: Place, seconds: float) -> Figures:
    """Capacity, and what is left of it under too much load."""
    window = min(max(seconds / 6, 2.0), 10.0)
    begun = cpu_ns(running.counted)
    best = load(work, running, place, work.busy, window)
    busy_share = (cpu_ns(running.counted) - begun) / 1e9 / (window + WARM_S)
    capacity = best["good"] / window
    connections = min(
        int(OFFERED * capacity * (work.takes_s + work.waits_s)) + work.busy, work.most
    )
    period_us = int(connections / (OFFERED * capacity) * 1e6)
    before = cpu_ns(running.counted)
    told = load(work, running, place, connections, seconds, ["--period-us", str(period_us)])
    core_share = (cpu_ns(running.counted) - before) / 1e9 / (seconds + WARM_S)
    after = load(work, running, place, 8, 1.0)
    refused_otherwise = told["non200"] - told["shed"]
    found: Figures = {
        "capacity": round(capacity, 1),
        "capacity_p99_ms": round(best["good_p99_us"] / 1e3, 1),
        "offered": round(told["sent"] / seconds, 1),
        "offered_ratio": round(told["sent"] / seconds / capacity, 3),
        "goodput": round(told["good"] / seconds, 1),
        "goodput_ratio": round(told["good"] / seconds / capacity, 3),
        "goodput_ratio_by_cpu": round(
            told["good"] / seconds / core_share / (capacity / busy_share), 3
        ),
        "admitted_p50_ms": round(told["good_p50_us"] / 1e3, 1),
        "admitted_p99_ms": round(told["good_p99_us"] / 1e3, 1),
        "shed": round(told["shed"] / seconds, 1),
        "shed_without_retry_after": told["shed"] - told["shed_with_retry_after"],
        "refused_otherwise": refused_otherwise,
        "failed": told["failed"],
        "failed_afterwards": after["failed"] + after["non200"],
        "connections": connections,
        "busy_core_share": round(busy_share, 3),
        "core_share": round(core_share, 3),
        "pss_mb": round(pss_kb(running.counted) / 1024, 1),
        "seconds": seconds,
    }
    return {f"{work.name}_{name}": value for name, value in found.items()}


def load(
    work: Work,
    running: Running,
    place: Place,
    connections: int,
    seconds: float,
    more: Sequence[str] = (),
) -> dict[str, Any]:
    """What the load generator reports of one window."""
    file = BUILD / f"{work.name}.body"
    file.write_bytes(work.body)
    words = ["--port", str(running.port), "--body", str(file), "--key", running.key]
    words += [
        "--connections",
        str(connections),
        "--warm",
        str(WARM_S),
        "--seconds",
        str(seconds),
        *more,
    ]
    command = ["taskset", "--cpu-list", str(place.other_core), str(BUILD / "load"), *words]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + PATIENCE_S
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def table(figures: Figures) -> Table:
    """For people."""
    shown = Table("", *[work.title for work in WORKS if f"{work.name}_capacity" in figures])
    names = ("capacity", "offered_ratio", "goodput_ratio", "goodput_ratio_by_cpu")
    times = ("admitted_p50_ms", "admitted_p99_ms", "shed", "failed")
    for name in (*names, *times, "busy_core_share", "core_share", "pss_mb"):
        cells = [figures.get(f"{work.name}_{name}") for work in WORKS]
        shown.add_row(name.replace("_", " "), *[str(cell) for cell in cells if cell is not None])
    return shown


def verdict(figures: Figures, check: bool) -> int:
    """0 when all is well."""
    broken = ("failed", "failed_afterwards", "shed_without_retry_after", "refused_otherwise")
    problems = [
        f"{name}: {value}" for name, value in figures.items() if name.endswith(broken) and value
    ]
    if check:
        for work in WORKS:
            share = figures.get(f"{work.name}_goodput_ratio")
            p99_ms = figures.get(f"{work.name}_admitted_p99_ms")
            if share is not None and share < GOODPUT:
                problems.append(f"{work.name}: goodput is {share:.2f} of the capacity")
            if p99_ms is not None and p99_ms > 1e3 * (work.takes_s + P99_S):
                problems.append(f"{work.name}: p99 of admitted requests is {p99_ms:.0f} ms")
    for problem in problems:
        print(f"load: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
