"""`make soak`: everything at once for ten minutes, and the books are held against each other.

A control plane and a data plane with two workers, as a user starts them. Providers fail by dice and
one of their addresses comes and goes; the config changes all the time; the second worker is killed
now and then (the first one lives, so that its memory can be looked at from end to end). Clients ask
at half of what was measured to be possible. At the end every request must have ended in exactly one
truthful outcome, and nothing may be left: requests, connections, files, tasks, memory.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

from tests.bench.figures import Figures, write_figures
from tests.bench.processes import children
from tests.faults.crowd import Plan, read_asked
from tests.faults.leaks import GROWTH_KB, Growth, open_files
from tests.faults.ledger import Account, Asked, Sent, compare_log, settle
from tests.faults.scenarios import PROTOCOLS
from tests.support.planes import Processes, processes
from tests.support.ports import free_port
from tests.support.wait import until

FIGURES = Path("build/figures/soak.json")
CALIBRATION_S = 5.0
CALIBRATION_CLIENTS = 64
SHARE = 0.5
"""Of what was possible, that is asked for."""
PUSH_EVERY_S = 7.0
KILL_EVERY_S = 45.0
SAMPLE_EVERY_S = 2.0
SETTLE_S = 30.0
"""For what is left to go away, once nobody asks any more."""
SPARE_FILES = 3
GONE = (
    "outrider_active_requests",
    "outrider_downstream_connections",
    "outrider_retries_active",
    "outrider_limit_leased",
)
"""Gauges of the data plane that must be there and back at nothing."""
GONE_WHERE_TOLD = (
    "outrider_limit_overshoot_bound",
    "control outrider_limit_leased",
    "control outrider_limit_overshoot_bound",
)
"""Those that are told of only while there is something, and the control plane's."""


@dataclass(slots=True)
class Report:
    """What a soak has found."""

    account: Account
    wrong: list[str]
    figures: Figures = field(default_factory=dict)


def config(port: int, walls: list[int], turn: int) -> str:
    """The config after some changes: other addresses, other retries, other orders."""
    sets = (walls, walls[:2], walls[1:], [walls[0], walls[2]])
    urls = [f"http://127.0.0.1:{one}/v1" for one in sets[turn % len(sets)]]
    providers, aliases = [], []
    for at, protocol in enumerate(PROTOCOLS):
        own, other = protocol.value, PROTOCOLS[at - 1].value
        for model, api in ((f"chaos.{own}.a", own), (f"chaos.{own}.b", own)):
            providers.append(_provider(model, api, urls))
        providers.append(_provider(f"chaos.{own}.x", other, urls))
        providers.append(_provider(f"healthy.{own}", own, urls[:1]))
        targets = [f"wall/chaos.{own}.a", f"wall/chaos.{own}.b"]
        if turn % 2:
            targets.reverse()
        steady = f"wall/healthy.{own}"
        aliases.append(f"  soak-{own}: {{targets: [{', '.join([*targets, steady])}]}}\n")
        aliases.append(f"  across-{own}: {{targets: [wall/chaos.{own}.x, {steady}]}}\n")
        aliases.append(f"  alone-{own}: {{target: wall/chaos.{own}.a}}\n")
    return f"""\
version: v0.4.0
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: {port}, timeout: 20s}}
defaults:
  retry:
    num_retries: {1 + turn % 3 % 2}
    idle_timeout: 2s
    first_token_timeout: 1500ms
limits:
  - name: everything
    per: [listener]
    requests: {{limit: 1000000, window: 1m}}
    tokens: {{limit: 1000000000, window: 1m}}
    concurrent: 10000
model_providers:
{"".join(providers)}model_aliases:
{"".join(aliases)}"""


def _provider(model: str, api: str, urls: list[str]) -> str:
    return f"  - {{model: wall/{model}, endpoints: {json.dumps(urls)}, apis: [{api}]}}\n"


MODELS = {
    one.value: [f"soak-{one.value}"] * 6 + [f"across-{one.value}"] * 2 + [f"alone-{one.value}"]
    for one in PROTOCOLS
}
STEADY = {one.value: [f"healthy.{one.value}"] for one in PROTOCOLS}


class Soak:
    """One run."""

    def __init__(self, folder: Path, seconds: float, seed: int, console: Console) -> None:
        self.folder = folder
        self.seconds = seconds
        self.console = console
        self.random = Random(seed)
        self.seed = seed
        self.killed_at: list[float] = []
        self.pushes = 0
        self.growths: list[Growth] = []
        self.port = free_port()
        self.shown: dict[str, str] = {}
        """The last sample of each gauge that was not nothing, with its labels."""

    async def run(self) -> Report:
        """All of it."""
        async with (
            self._wall() as walls,
            processes(config(self.port, walls, 0), self.folder, workers=2) as made,
        ):
            witness, _ = await self._workers(made)
            before = self._state(made, witness)
            rate = await self._rate()
            self.console.print(f"{rate:.0f} requests a second for {self.seconds:g} s")
            self.growths = [
                Growth("worker", witness),
                Growth("control plane", made.pids[0]),
                Growth("parent", made.pids[1]),
            ]
            plan = Plan(self.port, self.seconds, rate, self.seed, MODELS)
            tormenting = asyncio.ensure_future(self._torment(made, walls))
            watching = asyncio.ensure_future(self._watch())
            try:
                await self._crowd(plan, "soak")
            finally:
                for task in (tormenting, watching):
                    task.cancel()
                await asyncio.gather(tormenting, watching, return_exceptions=True)
            self._stop_wall()
            left = await self._left(made, witness, before)
            said = made.screen.text().splitlines()
            left += [line for line in said if "Traceback" in line or "rror:" in line]
            await made.stop_data()
        return self._report(rate, left)

    # -- the parts

    @asynccontextmanager
    async def _wall(self) -> AsyncIterator[list[int]]:
        argv = ["--seed", str(self.seed), "--ledger", str(self.folder / "ledger.jsonl")]
        self._chaos = chaos = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.faults.chaos", *argv),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert chaos.stdout is not None
        try:
            line = await asyncio.wait_for(chaos.stdout.readline(), 30)
            yield [int(port) for port in line.split()[1:]]
        finally:
            self._stop_wall()
            await chaos.wait()

    def _stop_wall(self) -> None:
        if self._chaos.stdin is not None:
            self._chaos.stdin.close()

    async def _crowd(self, plan: Plan, name: str) -> list[Asked]:
        plan_file, out = self.folder / f"{name}.json", self.folder / f"{name}.jsonl"
        plan_file.write_text(json.dumps(asdict(plan)))
        argv = (sys.executable, "-m", "tests.faults.crowd", str(plan_file), str(out))
        crowd = await asyncio.create_subprocess_exec(*argv)
        try:
            assert await asyncio.wait_for(crowd.wait(), plan.seconds + 120) == 0
        finally:
            if crowd.returncode is None:
                crowd.kill()
        with out.open() as lines:
            return [read_asked(line) for line in lines]

    async def _rate(self) -> float:
        """Half of what clients get that ask one after the other."""
        plan = Plan(
            *(self.port, CALIBRATION_S, CALIBRATION_CLIENTS, self.seed, STEADY),
            closed=True,
            prefix="first",
        )
        asked = await self._crowd(plan, "first")
        return max(1.0, SHARE * len(asked) / CALIBRATION_S)

    async def _workers(self, made: Processes) -> tuple[int, int]:
        """The processes of the first and of the second worker."""
        found: dict[bytes, int] = {}

        def look() -> bool:
            for pid in children(made.pids[1]):
                with suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                    if b"--worker" in words:
                        found[words[words.index(b"--worker") + 1]] = pid
            return {b"0", b"1"} <= found.keys()

        await until(look, 30)
        return found[b"0"], found[b"1"]

    async def _torment(self, made: Processes, walls: list[int]) -> None:
        """New configs, and kills of the second worker."""
        kill_every_s = min(KILL_EVERY_S, self.seconds / 3)
        push_at = time.monotonic() + PUSH_EVERY_S / 2
        kill_at = time.monotonic() + kill_every_s
        while True:
            await asyncio.sleep(max(0.0, min(push_at, kill_at) - time.monotonic()))
            now = time.monotonic()
            if now >= push_at:
                self.pushes += 1
                made.write(config(self.port, walls, self.pushes))
                push_at = now + self.random.uniform(0.5, 1.5) * PUSH_EVERY_S
            if now >= kill_at:
                _, pid = await self._workers(made)
                self.killed_at.append(time.monotonic())  # clients may hear of it before we go on
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                kill_at = now + self.random.uniform(0.8, 1.2) * kill_every_s

    async def _watch(self) -> None:
        while True:
            for growth in self.growths:
                growth.sample(time.monotonic())
            await asyncio.sleep(SAMPLE_EVERY_S)

    # -- what is left

    def _state(self, made: Processes, witness: int) -> dict[str, float]:
        """Open files of the witness, and every gauge of both planes."""
        found: Counter[str] = Counter()
        for where, url in (("", made.admin), ("control ", made.control_http)):
            with urlopen(f"{url}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            for family in text_string_to_metric_families(text):
                if family.type == "gauge":
                    for sample in family.samples:
                        found[where + sample.name] += sample.value  # type: ignore[assignment]
                        if sample.value:
                            labels = " ".join(sample.labels.values())
                            self.shown[where + sample.name] = f"{labels} {sample.value:g}"
        return {**found, "files": float(open_files(witness))}

    async def _left(self, made: Processes, witness: int, before: dict[str, float]) -> list[str]:
        """What does not go away by itself."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            wrong = self._compare(before, await asyncio.to_thread(self._state, made, witness))
            if not wrong or time.monotonic() > deadline:
                return wrong
            await asyncio.sleep(0.5)

    def _compare(self, before: dict[str, float], now: dict[str, float]) -> list[str]:
        wrong = []
        if now["files"] > before["files"] + SPARE_FILES:
            wrong.append(f"{now['files']:g} open files, {before['files']:g} before")
        wrong += [f"{name}: {self.shown[name]}" for name in GONE if now[name]]
        wrong += [f"{name}: {self.shown[name]}" for name in GONE_WHERE_TOLD if now.get(name)]
        wrong += [
            f"{name} is {now[name]:g}, before {before[name]:g}"
            for name in ("outrider_tasks", "outrider_upstream_connections")
            if now[name] > before[name]
        ]
        return wrong

    def _report(self, rate: float, wrong: list[str]) -> Report:
        asked: list[Asked] = []
        for name in ("first", "soak"):
            with (self.folder / f"{name}.jsonl").open() as lines:
                asked += [read_asked(line) for line in lines]
        with (self.folder / "ledger.jsonl").open() as lines:
            sent = [Sent(**json.loads(line)) for line in lines]
        account = settle(asked, sent, self.killed_at)
        logged: Counter[str] = Counter()
        with (self.folder / "access.log").open() as lines:
            for line in lines:
                with suppress(ValueError):  # the last one of a killed worker may be a half
                    logged[json.loads(line)["request_id"]] += 1
        wrong += account.wrong + compare_log(asked, logged, killed=bool(self.killed_at))
        for growth in self.growths:
            if growth.kb > GROWTH_KB:
                wrong.append(f"the {growth.name} has grown by {growth.kb:.0f} kB")
        return Report(account, wrong, self._figures(rate, account, wrong))

    def _figures(self, rate: float, account: Account, wrong: list[str]) -> Figures:
        made: Figures = {
            "seconds": self.seconds,
            "seed": self.seed,
            "offered_per_second": round(rate, 1),
            "requests": sum(account.outcomes.values()),
            "attempts": account.attempts,
            "failed_over": account.failed_over,
            "recovered": account.recovered,
            "untruthful": len(account.wrong),
            "wrong": len(wrong),
            "kills": len(self.killed_at),
            "config_pushes": self.pushes,
        }
        for outcome, count in sorted(account.outcomes.items()):
            made[f"outcome_{outcome.replace(' ', '_')}"] = count
        for growth in self.growths:
            name = growth.name.replace(" ", "_")
            made[f"{name}_kb_per_minute"] = round(growth.kb_per_minute, 1)
            made[f"{name}_kb"] = growth.samples[-1][1] if growth.samples else None
        return made


async def soak(seconds: float, seed: int, console: Console) -> Report:
    """One run in a folder of its own."""
    with TemporaryDirectory(prefix="soak-") as folder:
        return await Soak(Path(folder), seconds, seed, console).run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak ARGS=", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    report = asyncio.run(soak(args.seconds, args.seed, console))
    for line in report.wrong[:50]:
        console.print(line, markup=False, highlight=False)
    write_figures(FIGURES, report.figures)
    for name, value in report.figures.items():
        console.print(f"  {name:34} {value}", highlight=False)
    console.print(f"{len(report.wrong)} wrong; figures: {FIGURES}")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
