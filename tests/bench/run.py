"""`make bench`: ours beside Envoy, naive aiohttp and the llhttp ceiling, interleaved in one go.

Every round measures all contestants in every scenario, in an order that is turned round each time;
who is not measured is frozen. The proxy has the first core, load and upstream have the second.
Exits 1 when a request failed (and with --check when a goal is missed).
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from tests.bench.contestants.ceiling import Ceiling
from tests.bench.contestants.contestant import Contestant, Place, Running
from tests.bench.contestants.envoy import Envoy
from tests.bench.contestants.litellm import LiteLLM
from tests.bench.contestants.naive import Naive
from tests.bench.contestants.outrider import Outrider
from tests.bench.features import (
    Samples,
    failed,
    feature_figures,
    measure_features,
    show_features,
)
from tests.bench.figures import (
    GOALS,
    INTERPRETED,
    OURS,
    Results,
    meets,
    read_baseline,
    write_baseline,
    write_figures,
)
from tests.bench.http_filter import http_filter_figures, measure_http_filter, show_http_filter
from tests.bench.measure import Sample, freeze, measure, measure_idle, thaw
from tests.bench.processes import allow_descriptors
from tests.bench.programs import BUILD, build_programs, upstream
from tests.bench.reload import measure_reload
from tests.bench.report import show
from tests.bench.scenarios import SCENARIOS, SLOW_CONTESTANT, TRANSLATED, Scenario

FIGURES = Path("build/figures/bench.json")
CONTESTANTS: tuple[Contestant, ...] = (
    Outrider(),
    Outrider(INTERPRETED, compiled=None),
    Envoy(),
    Naive(),
    Ceiling(),
)
IDLE_CONTESTANTS = ("outrider", "envoy")
DESCRIPTORS_PER_STREAM = 2

ALL = (*SCENARIOS, *TRANSLATED)


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int
    idle_rounds: int
    seconds: float | None
    streams: int
    only: frozenset[str]
    scenarios: frozenset[str]
    reload: bool
    features: bool
    litellm: bool
    update_baseline: bool
    check: bool


def main() -> int:
    options = read_options(sys.argv[1:])
    # A kill must unwind as Ctrl-C does: contestants are stopped by the blocks that started them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("bench: two cores are needed, one for the proxy and one for the load")
    allow_descriptors(options.streams * DESCRIPTORS_PER_STREAM + 1000)
    build_programs()
    console = Console(width=None if sys.stdout.isatty() else 120)
    results = Results()
    features: Samples = {}
    through: dict[str, list[Sample]] = {}
    scenarios = chosen_scenarios(options)
    with upstream(cores[1]) as upstream_port:
        place = Place(BUILD, upstream_port, proxy_core=cores[0], other_core=cores[1])
        run_idle(options, place, results, console)
        run_rounds(options, scenarios, place, results, console)
        if options.reload:
            console.print("reload of 1,000 routes under load")
            results.reload_stall_ms = measure_reload(place)
        if options.features:
            features = measure_features(options.rounds, place, console)
            through = measure_http_filter(options.rounds, place, console)
        if options.litellm:
            run_litellm(options, place, results, console)
    show(results, (*scenarios, SLOW_CONTESTANT), read_baseline(), console)
    figures = results.figures()
    if features:
        show_features(features, console)
        figures |= feature_figures(features)
        show_http_filter(through, console)
        figures |= http_filter_figures(through)
        figures["failed_requests"] = results.failed + failed(features)
    write_figures(FIGURES, figures)
    console.print(f"figures: {FIGURES}")
    if options.update_baseline:
        write_baseline(results.ratios())
    return verdict(results, failed(features), options.check)


def read_options(argv: Sequence[str]) -> Options:
    names = [contestant.name for contestant in CONTESTANTS]
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--idle-rounds", type=int, default=3, help="0 leaves idle streams out")
    parser.add_argument("--seconds", type=float, help="length of a window, for a quick look")
    parser.add_argument("--streams", type=int, default=1000, help="idle streams")
    parser.add_argument("--only", nargs="+", choices=names)
    parser.add_argument("--scenarios", nargs="*", choices=[s.name for s in ALL])
    parser.add_argument("--no-reload", action="store_true", help="leave the reload's stall out")
    parser.add_argument("--no-features", action="store_true", help="leave costs of features out")
    parser.add_argument("--litellm", action="store_true", help="also LiteLLM (installs 600 MB)")
    parser.add_argument("--update-baseline", action="store_true")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    args = parser.parse_args(argv)
    wanted = [s.name for s in ALL] if args.scenarios is None else args.scenarios
    return Options(
        rounds=args.rounds,
        idle_rounds=args.idle_rounds,
        seconds=args.seconds,
        streams=args.streams,
        only=frozenset(args.only or names),
        scenarios=frozenset(wanted),
        reload=not args.no_reload,
        features=not args.no_features,
        litellm=args.litellm,
        update_baseline=args.update_baseline,
        check=args.check,
    )


def chosen_scenarios(options: Options) -> list[Scenario]:
    """What was asked for, with the window that was asked for."""
    chosen = [scenario for scenario in ALL if scenario.name in options.scenarios]
    if options.seconds is None:
        return chosen
    return [replace(scenario, seconds=options.seconds) for scenario in chosen]


def run_idle(options: Options, place: Place, results: Results, console: Console) -> None:
    """Memory of many open streams, on a fresh start: an earlier load leaves grown pools."""
    for number in range(options.idle_rounds):
        for contestant in CONTESTANTS:
            if contestant.name in options.only & frozenset(IDLE_CONTESTANTS):
                console.print(f"idle streams {number + 1}/{options.idle_rounds}: {contestant.name}")
                with contestant.running(place) as running:
                    sample = measure_idle(running, options.streams, place)
                results.add_idle(contestant.name, sample)


def run_rounds(
    options: Options,
    scenarios: Sequence[Scenario],
    place: Place,
    results: Results,
    console: Console,
) -> None:
    """All contestants are up; one runs at a time."""
    with ExitStack() as stack:
        field: list[tuple[Contestant, Running]] = []
        for contestant in CONTESTANTS if scenarios else ():
            if contestant.name in options.only:
                running = stack.enter_context(contestant.running(place))
                freeze(running)
                field.append((contestant, running))
        for number in range(options.rounds if scenarios else 0):
            console.print(f"round {number + 1}/{options.rounds}")
            for scenario in scenarios:
                for contestant, running in field if number % 2 == 0 else reversed(field):
                    if scenario.translated and contestant.name not in (OURS, INTERPRETED):
                        continue
                    thaw(running)
                    sample = measure(contestant, running, scenario, place)
                    freeze(running)
                    results.add(scenario.name, contestant.name, sample)


def run_litellm(options: Options, place: Place, results: Results, console: Console) -> None:
    """Ours and LiteLLM at equal concurrency, in windows long enough for its slowness."""
    ours, theirs = CONTESTANTS[0], LiteLLM()
    slow = replace(SLOW_CONTESTANT, warm_s=2.0, seconds=options.seconds or 8.0)
    with ours.running(place) as our_run, theirs.running(place) as their_run:
        freeze(our_run)
        freeze(their_run)
        for number in range(options.rounds):
            console.print(f"LiteLLM {number + 1}/{options.rounds}")
            for contestant, running, scenario in (
                (ours, our_run, SLOW_CONTESTANT),
                (theirs, their_run, slow),
            ):
                thaw(running)
                results.add(
                    scenario.name, contestant.name, measure(contestant, running, scenario, place)
                )
                freeze(running)


def verdict(results: Results, failed_features: int, check: bool) -> int:
    """The exit code."""
    missed = [
        goal
        for goal in GOALS
        if (ratio := results.ratios()[goal.figure]) is not None and not meets(goal, ratio.median)
    ]
    return 1 if results.failed or failed_features or (check and missed) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
