"""What an HTTP filter adds to a request at p50 beyond its own time.

`python -m tests.bench.http_filter [--rounds N]`: the same client asks ours without a filter, ours
with one, and the filter itself, by turns, one request at a time; what is left of the second when
the others are taken off is ours: client -> us -> filter -> us -> provider, less client -> us ->
provider, less client -> filter.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from rich.console import Console

from tests.bench.contestants.contestant import Contestant, Place, Running, first_request
from tests.bench.contestants.outrider import Outrider
from tests.bench.figures import Figures
from tests.bench.measure import Sample, freeze, measure, thaw
from tests.bench.processes import Program, free_port
from tests.bench.programs import BUILD, build_programs, upstream
from tests.bench.scenarios import JSON, JSON_BYTES, Scenario

START_TIMEOUT_S = 30.0
GOAL_US = 1000.0
ASKED = Scenario("json_c1", "JSON, one connection", 1, JSON, JSON_BYTES, seconds=1.0)


class Service:
    """The filter, asked by the client itself."""

    name = "filter"
    rewrites_bodies = True

    def __init__(self, port: int) -> None:
        self._port = port

    @contextmanager
    def running(self, place: Place) -> Iterator[Running]:
        command: list[object] = [sys.executable, "-m", "tests.bench.echo", self._port]
        log = place.folder / "filter.log"
        with Program.start(command, core=place.other_core, log=log) as program:
            program.wait_for_answer(first_request(self._port), START_TIMEOUT_S)
            yield Running(self._port, [program], [program.pid])


def filtered_by(port: int) -> Outrider:
    """Ours, whose requests all pass a filter there."""

    def change(config: dict[str, Any]) -> None:
        service = {"id": "echo", "type": "http", "url": f"http://127.0.0.1:{port}"}
        config["filters"] = [service]
        config["listeners"][0]["input_filters"] = ["echo"]

    return Outrider("http_filter", change)


Samples = dict[str, list[Sample]]
"""By who was asked."""


def measure_http_filter(rounds: int, place: Place, console: Console) -> Samples:
    """All three by turns. The filter is up all the time, as ours asks it."""
    port = free_port()
    service, plain, filtered = Service(port), Outrider("unfiltered"), filtered_by(port)
    samples: Samples = {}
    with ExitStack() as stack:
        asked: list[tuple[Contestant, Running]] = [
            (one, stack.enter_context(one.running(place))) for one in (service, plain, filtered)
        ]
        ours = [running for contestant, running in asked if contestant is not service]
        for running in ours:
            freeze(running)
        for number in range(rounds):
            console.print(f"HTTP filter {number + 1}/{rounds}")
            for contestant, running in asked if number % 2 == 0 else reversed(asked):
                if running in ours:
                    thaw(running)
                samples.setdefault(contestant.name, []).append(
                    measure(contestant, running, ASKED, place)
                )
                if running in ours:
                    freeze(running)
    return samples


def added_us(samples: Samples) -> list[float]:
    """What is ours of the filter's cost at p50, in each round."""
    rounds = zip(samples["http_filter"], samples["unfiltered"], samples["filter"], strict=True)
    return [both.p50_us - plain.p50_us - own.p50_us for both, plain, own in rounds]


def http_filter_figures(samples: Samples) -> Figures:
    """For build/figures/bench.json."""
    cpu = [
        both.cpu_us - plain.cpu_us
        for both, plain in zip(samples["http_filter"], samples["unfiltered"], strict=True)
    ]
    return {
        "http_filter_added_p50_us": round(median(added_us(samples)), 1),
        "http_filter_cpu_us": round(median(cpu), 1),
    }


def show_http_filter(samples: Samples, console: Console) -> None:
    """Prints it."""
    for name, rounds in samples.items():
        console.print(f"{name}: p50 {median(one.p50_us for one in rounds):.0f} us")
    added = added_us(samples)
    told = f"{median(added):.0f} us [{min(added):.0f} to {max(added):.0f}]"
    console.print(f"An HTTP filter adds {told} at p50 beyond its own time (must: {GOAL_US:.0f})")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    rounds = options.parse_args().rounds
    cores = sorted(os.sched_getaffinity(0))
    build_programs()
    console = Console(width=None if sys.stdout.isatty() else 120)
    with upstream(cores[1]) as upstream_port:
        place = Place(BUILD, upstream_port, proxy_core=cores[0], other_core=cores[1])
        samples = measure_http_filter(rounds, place, console)
    show_http_filter(samples, console)
    console.print(http_filter_figures(samples))
    return 1 if any(one.failed for rounds in samples.values() for one in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
