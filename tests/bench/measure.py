"""Runs one load against one contestant and reads what it cost."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from tests.bench.contestants.contestant import Contestant, Place, Running
from tests.bench.processes import cpu_ns, pss_kb
from tests.bench.programs import BUILD
from tests.bench.scenarios import JSON, JSON_BYTES, SLOW, Scenario

PATIENCE_S = 30.0
"""How long the load may take beyond its window before it is taken for hung."""
SLOW_WARM_S = 4.0
SLOW_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class Sample:
    """One window of one scenario on one contestant. Times in microseconds."""

    cpu_us: float
    """CPU of the proxy per unit of the scenario."""
    per_second: float
    core_share: float
    """Part of its core that the proxy had; far below what the load allows on a busy machine."""
    p50_us: float
    p99_us: float
    max_us: float
    failed: int
    """Broken, refused or short answers."""


@dataclass(frozen=True, slots=True)
class IdleSample:
    """Memory of a contestant with many open streams."""

    base_kb: int
    kb_per_stream: float
    failed: int
    """Streams that did not begin or did not last."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the load generator reports of one window, and what the proxy spent in it."""

    report: dict[str, Any]
    cpu_s: float
    took_s: float

    @property
    def core_share(self) -> float:
        """Part of its core that the proxy had."""
        return self.cpu_s / self.took_s


def window(words: Sequence[str], running: Running, place: Place) -> Window:
    """One run of the load generator."""
    with _load(words, place) as output:
        _expect(output, "started")
        before, began = cpu_ns(running.counted), time.monotonic()
        _expect(output, "stopped")
        spent, took = cpu_ns(running.counted) - before, time.monotonic() - began
        return Window(json.loads(output.readline()), spent / 1e9, took)


def measure(contestant: Contestant, running: Running, scenario: Scenario, place: Place) -> Sample:
    """One window; the contestant runs and all others are frozen."""
    expected = -1 if contestant.rewrites_bodies else scenario.answer_bytes
    words = load_words(scenario.name, scenario.body, running, scenario.connections, expected)
    words += ["--warm", str(scenario.warm_s), "--seconds", str(scenario.seconds)]
    words += ["--path", scenario.path]
    seen = window(words, running, place)
    report = seen.report
    units = float(report["answered"])
    if scenario.units_per_answer > 1:
        # A stream outlives the window's edges: what arrived inside is counted by its bytes.
        units = report["window_bytes"] / scenario.answer_bytes * scenario.units_per_answer
    failed = report["failed"] + report["non200"] + report["short_bodies"]
    return Sample(
        cpu_us=1e6 * seen.cpu_s / max(units, 1.0),
        per_second=report["per_second"],
        core_share=seen.core_share,
        p50_us=report["p50_us"],
        p99_us=report["p99_us"],
        max_us=report["max_us"],
        failed=failed if report["answered"] else failed + 1,
    )


def measure_idle(running: Running, streams: int, place: Place) -> IdleSample:
    """Memory per open stream of a freshly started contestant: one event a second on each."""
    warm = load_words("warm", JSON, running, 8, JSON_BYTES)
    with _load([*warm, "--warm", "0.1", "--seconds", "0.4"], place) as output:
        output.read()
    base = pss_kb(running.counted)
    words = load_words("idle", SLOW, running, streams, -1)
    words += ["--hold", "--warm", str(SLOW_WARM_S), "--seconds", str(SLOW_SECONDS)]
    with _load(words, place) as output:
        _expect(output, "started")
        time.sleep(SLOW_SECONDS / 2)
        full = pss_kb(running.counted)
        _expect(output, "stopped")
        report = json.loads(output.readline())
    lost = streams - report["held"] + report["failed"] + report["answered"]
    return IdleSample(base, (full - base) / streams, lost)


def freeze(running: Running) -> None:
    """Takes a contestant off its core until it is thawed."""
    for program in running.programs:
        program.signal(signal.SIGSTOP)


def thaw(running: Running) -> None:
    """Lets a frozen contestant run again."""
    for program in running.programs:
        program.signal(signal.SIGCONT)


def load_words(
    name: str, body: bytes, running: Running, connections: int, expected: int = -1
) -> list[str]:
    """How the load generator is called; -1: answers of any length are right."""
    file = BUILD / f"{name}.body"
    file.write_bytes(body)
    words = ["--port", str(running.port), "--body", str(file), "--key", running.key]
    return [*words, "--connections", str(connections), "--expect", str(expected)]


@contextmanager
def _load(words: Sequence[str], place: Place) -> Iterator[IO[str]]:
    """The load generator's output; it ends with the block."""
    command = ["taskset", "--cpu-list", str(place.other_core), str(BUILD / "load"), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout
            if process.wait(PATIENCE_S) != 0:
                raise SystemExit(f"bench: the load generator failed: {' '.join(command)}")
        finally:
            process.kill()


def _expect(output: IO[str], word: str) -> None:
    line = output.readline().strip()
    if line != word:
        raise SystemExit(f"bench: the load generator said {line!r} in place of {word!r}")
