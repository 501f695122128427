"""`make load`: twice what one worker can do, offered for a minute.

First what it can do is measured: closed loops of a few sizes by turns, of which the best counts, by
its median; and once more after the overload, because a virtual machine is a tenth faster for
seconds and then slower: goodput is compared with the mean of both. Between them twice as much is
offered in an open loop: requests are due at their times whether earlier ones are answered or not,
and nobody waits longer because of a 503. A request takes a connection that is free or opens one;
when all that there may be wait for an answer it stays with its client, as in a pool that is used up
(`sent` is less than `offered` then). What is answered 200 is compared, from when it was due. The
worker has the first core; load and provider have the second. Envoy is offered twice its own
capacity in the same way, with no guard, a breaker, or adaptive concurrency (it does not translate).
Exits 1 when of ours something broke, was refused without `Retry-After`, or was refused other than
by 503 (and with --check when a goal is missed). On a machine that others use,
`goodput_ratio_by_cpu` holds: goodput per second of the worker's CPU, over the same of its capacity.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.contestants.contestant import Contestant, Place, Running
from tests.bench.contestants.envoy import Envoy, Guard
from tests.bench.contestants.outrider import Outrider
from tests.bench.figures import Figures, write_figures
from tests.bench.measure import Window, load_words, window
from tests.bench.processes import allow_descriptors, pss_kb
from tests.bench.programs import BUILD, build_programs, upstream
from tests.bench.scenarios import JSON, STREAM, chat_to_claude

FIGURES = Path("build/figures/load.json")
GOODPUT = 0.90
"""Of the capacity: what must be done of it under twice the load."""
P99_S = 1.0
"""Of admitted requests: `queue_timeout`, and a few turns of a loop that may be 100 ms late."""
OFFERED = 2.0
WARM_S = 1.0
SETTLES_S = 6.0
"""So long is too much offered before what becomes of it is counted: connections are opened, too."""
CALMS_S = 5.0
"""So long after the overload its connections are closed."""
CLOSED_LOOPS = (32, 64, 128, 256)
"""Connections that ask without a pause; the best of them is the capacity."""
TURNS = 3
"""Each of them has so many windows."""
MANY = 1000
"""Connections that a worker serves without refusing anybody, only with nothing in its caches."""
MAX_CONNECTIONS = 4000
"""Of all clients together; one waits for its answer on each, half a second when it is refused."""


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request."""

    name: str
    title: str
    body: bytes
    ours_alone: bool = False
    """No other contestant does it."""


# Streams at a provider's pace are not among them: of those the provider and the load would have
# more to do, on their one core, than the worker.
WORKS = (
    Work("translated", "Chat to Messages, 50 events", chat_to_claude(stream=True), True),
    Work("burst", "SSE, 50 events at once", STREAM),
    Work("json", "JSON of 931 bytes", JSON),
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
    ours = Outrider(compiled=None) if options.interpreted else Outrider()
    others: list[Contestant] = [Envoy(), *map(Envoy, Guard)] if options.envoy else []
    with upstream(cores[1]) as port:
        place = Place(BUILD, port, proxy_core=cores[0], other_core=cores[1])
        for work in WORKS:
            if work.name not in options.work:
                continue
            for contestant in (ours, *([] if work.ours_alone else others)):
                console.print(f"{contestant.name}: {work.title}")
                figures |= offered(work, contestant, place, options)
    console.print(table(figures))
    write_figures(FIGURES, figures)
    console.print(f"figures: {FIGURES}")
    return verdict(figures, options.check)


def read_options(argv: Sequence[str]) -> argparse.Namespace:
    names = [work.name for work in WORKS]
    parser = argparse.ArgumentParser(prog="make load ARGS=", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the overload")
    parser.add_argument("--work", nargs="+", choices=names, default=names)
    parser.add_argument(
        "--connections", type=int, default=MAX_CONNECTIONS, help="there are no more than so many"
    )
    parser.add_argument("--no-envoy", dest="envoy", action="store_false", help="ours alone")
    parser.add_argument("--interpreted", action="store_true", help="with nothing compiled")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    return parser.parse_args(argv)


def offered(
    work: Work, contestant: Contestant, place: Place, options: argparse.Namespace
) -> Figures:
    """Of a contestant that is started for it; its name stands before all that is not of ours."""
    whose = f"{contestant.name}_" if contestant.name.startswith("envoy") else ""
    with contestant.running(place) as running:
        found = measured(work, running, place, options.seconds, options.connections)
    return {f"{whose}{name}": value for name, value in found.items()}


def measured(
    work: Work, running: Running, place: Place, seconds: float, connections: int
) -> Figures:
    """Capacity, and what is left of it under too much load."""
    span = min(max(seconds / 20, 1.0), 3.0)
    many, best = best_loop(work, running, place, span)
    before = good(best) / span
    crowd = load(work, running, place, MANY, span)
    rate = ["--rate", str(OFFERED * before)]
    seen = load(work, running, place, connections, seconds, SETTLES_S, rate)
    calm = load(work, running, place, 8, 1.0, CALMS_S).report
    again = middle([load(work, running, place, many, span) for _ in range(TURNS)])
    capacity = (before + good(again) / span) / 2
    told = seen.report
    done = good(seen) / seconds
    found: Figures = {
        "capacity": round(capacity, 1),
        "capacity_before": round(before, 1),
        "capacity_after": round(good(again) / span, 1),
        "capacity_connections": many,
        "capacity_p99_ms": round(best.report["good_p99_us"] / 1e3, 1),
        "many_ratio": round(good(crowd) / span / before, 3),
        "many_ratio_by_cpu": round(by_cpu(crowd, span) / by_cpu(best, span), 3),
        "offered_ratio": round(told["wanted"] / seconds / capacity, 3),
        "sent_ratio": round(told["sent"] / seconds / capacity, 3),
        "goodput": round(done, 1),
        "goodput_ratio": round(done / capacity, 3),
        "goodput_ratio_by_cpu": round(
            2 * by_cpu(seen, seconds) / (by_cpu(best, span) + by_cpu(again, span)), 3
        ),
        "admitted_p50_ms": round(told["good_p50_us"] / 1e3, 1),
        "admitted_p99_ms": round(told["good_p99_us"] / 1e3, 1),
        "shed": round(told["shed"] / seconds, 1),
        "shed_p50_ms": round(told["shed_p50_us"] / 1e3, 1),
        "shed_p99_ms": round(told["shed_p99_us"] / 1e3, 1),
        "shed_without_retry_after": told["shed"] - told["shed_with_retry_after"],
        "refused_otherwise": told["non200"] - told["shed"],
        "failed": told["failed"],
        "failed_afterwards": calm["failed"] + calm["non200"],
        "connections": told["opened"],
        "busy_core_share": round(best.core_share, 3),
        "core_share": round(seen.core_share, 3),
        "pss_mb": round(pss_kb(running.counted) / 1024, 1),
        "seconds": seconds,
    }
    return {f"{work.name}_{name}": value for name, value in found.items()}


def best_loop(work: Work, running: Running, place: Place, span: float) -> tuple[int, Window]:
    """How many connections get most done, and the middle one of their windows."""
    loops: dict[int, list[Window]] = {many: [] for many in CLOSED_LOOPS}
    for _ in range(TURNS):
        for many, windows in loops.items():
            windows.append(load(work, running, place, many, span))
    found = {many: middle(windows) for many, windows in loops.items()}
    return max(found.items(), key=lambda loop: good(loop[1]))


def middle(windows: Sequence[Window]) -> Window:
    """The median of them, by what got done."""
    return sorted(windows, key=good)[len(windows) // 2]


def good(seen: Window) -> float:
    """Requests that were answered 200."""
    return float(seen.report["good"])


def by_cpu(seen: Window, seconds: float) -> float:
    """Goodput per second of the worker's CPU."""
    return float(seen.report["good"]) / seconds / seen.core_share


def load(
    work: Work,
    running: Running,
    place: Place,
    connections: int,
    seconds: float,
    warm_s: float = WARM_S,
    more: Sequence[str] = (),
) -> Window:
    """One window."""
    words = load_words(work.name, work.body, running, connections)
    words += ["--warm", str(warm_s), "--seconds", str(seconds), *more]
    return window(words, running, place)


def table(figures: Figures) -> Table:
    """For people."""
    columns = [name.removesuffix("_capacity") for name in figures if name.endswith("_capacity")]
    shown = Table("", *[column.replace("_", " ") for column in columns])
    names: tuple[str, ...] = ("capacity_before", "capacity_after", "capacity_connections")
    names += ("many_ratio", "offered_ratio", "sent_ratio", "goodput_ratio")
    times = ("admitted_p50_ms", "admitted_p99_ms", "shed", "shed_p50_ms", "shed_p99_ms")
    wrong = ("failed", "shed_without_retry_after", "refused_otherwise", "failed_afterwards")
    shares = (
        "many_ratio_by_cpu",
        "goodput_ratio_by_cpu",
        "busy_core_share",
        "core_share",
        "connections",
        "pss_mb",
    )
    for name in (*names, *times, *wrong, *shares):
        cells = [str(figures[f"{column}_{name}"]) for column in columns]
        shown.add_row(name.replace("_", " "), *cells)
    return shown


def verdict(figures: Figures, check: bool) -> int:
    """0 when all is well."""
    broken = ("failed", "failed_afterwards", "shed_without_retry_after", "refused_otherwise")
    problems = [
        f"{name}: {value}"
        for name, value in figures.items()
        if name.endswith(broken) and value and not name.startswith("envoy")
    ]
    if check:
        for work in WORKS:
            share = figures.get(f"{work.name}_goodput_ratio")
            p99_ms = figures.get(f"{work.name}_admitted_p99_ms")
            if share is not None and share < GOODPUT:
                problems.append(f"{work.name}: goodput is {share:.2f} of the capacity")
            if p99_ms is not None and p99_ms > 1e3 * P99_S:
                problems.append(f"{work.name}: p99 of admitted requests is {p99_ms:.0f} ms")
    for problem in problems:
        print(f"load: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
