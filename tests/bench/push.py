"""`make bench-push`: a change reaches a thousand nodes; a restart sends nothing again.

A real control plane serves a model listener with 1,000 routes to 1,000 simulated nodes
(push_nodes.c), each with a connection and a stream of its own. Every push changes one alias
through ConfigService.Apply; it counts from the call until the control plane has heard the last
node acknowledge. The control plane has the first core, the nodes have the second.
"""

import argparse
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from outriderpb.admin.v1 import config_pb2, config_pb2_grpc
from rich.console import Console
from rich.table import Table

from tests.bench.contestants.outrider import control_plane_command
from tests.bench.figures import Figures, write_figures
from tests.bench.processes import Program, allow_descriptors, cpu_ns, free_port, pss_kb
from tests.bench.programs import BUILD, build_programs

FIGURES = Path("build/figures/push.json")
FOLDER = BUILD / "push"
PROVIDERS = 10
DESCRIPTORS_PER_NODE = 4
START_TIMEOUT_S = 60.0
ANSWER_TIMEOUT_S = 60.0
WARM_APPLIES = 3
"""Before the nodes come: what a compilation leaves behind is no stream's memory."""
FIRST_PUSHES = 5
"""After these the memory of a stream is read: later ones fill the caches of the control plane."""
STRIDE = 7
"""From one changed alias to the next."""
ASK_S = 0.01
"""From one question to the next whether all have acknowledged; a push is told so much too long."""
SETTLE_S = 0.2
"""Between two pushes: the last answers are read, so that each push begins at rest."""
ACKNOWLEDGED = re.compile(rb'^outrider_xds_acks_total\{type="route"\} (\S+)$', re.MULTILINE)
GOALS = {"all_acked_p99_ms": 300.0, "kb_per_stream": 50.0, "resent_after_restart": 0.0}


@dataclass(frozen=True, slots=True)
class Push:
    """One change, on its way to every node. Milliseconds."""

    all_acked: float
    """From the call of Apply until the control plane has counted the last acknowledgement."""
    apply: float
    """Until Apply had returned: parse, check, translate, keep."""
    spread: float
    """From the first node that received it to the same."""
    nodes: float
    """From the first node that received it until the last has written its acknowledgement."""
    cpu: float
    """Of the control plane, all of the above."""
    nodes_cpu: float
    """Of the simulated nodes: what they need themselves, on their core."""


class Crowd:
    """The process of the simulated nodes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, *command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(command).encode() + b"\n")

    def answer(self) -> dict[str, float]:
        stdout = self._process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], ANSWER_TIMEOUT_S)
        if not ready:
            raise SystemExit(f"bench: not all nodes have it after {ANSWER_TIMEOUT_S:g} s")
        line = stdout.readline()
        if not line:
            raise SystemExit("bench: the simulated nodes have died; see above")
        answer: dict[str, float] = json.loads(line)
        return answer


class Control:
    """The control plane's process; it can be started again."""

    def __init__(self, core: int) -> None:
        self._core = core
        self.xds, self.admin = (f"127.0.0.1:{free_port()}" for _ in range(2))
        self._http = free_port()
        self.config = FOLDER / "push.yaml"
        self.program: Program

    def start(self) -> float:
        """Serve; the seconds until it was ready."""
        command = control_plane_command(self.config, self.xds, FOLDER / "state", self.admin)
        command += ["--http-address", f"127.0.0.1:{self._http}"]
        began = time.monotonic()
        log = FOLDER / "controlplane.log"
        self.program = Program.start(command, core=self._core, log=log)
        ready = urllib.request.Request(f"http://127.0.0.1:{self._http}/readyz")
        try:
            self.program.wait_for_answer(ready, START_TIMEOUT_S)
        except BaseException:
            self.program.stop()
            raise
        return time.monotonic() - began

    def stop(self) -> None:
        self.program.stop()

    @property
    def pids(self) -> list[int]:
        return [self.program.pid]

    def acknowledged(self) -> int:
        """How many updates of routes have been acknowledged, as it counts them itself."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._http}/metrics") as answer:
            told: bytes = answer.read()
        found = ACKNOWLEDGED.search(told)
        return int(float(found[1])) if found is not None else 0


def config(aliases: int, moved: dict[int, int]) -> str:
    """A model listener with a route per provider and per alias; `moved` tells new targets."""
    providers = "".join(
        f"  - model: openai/model-{number}\n    name: provider-{number}\n"
        f"    base_url: http://10.0.0.{number + 1}:8000/v1\n"
        for number in range(PROVIDERS)
    )
    targets = "".join(
        f"  alias-{number}: {{target: provider-{moved.get(number, number % PROVIDERS)}}}\n"
        for number in range(aliases)
    )
    return (
        "version: v0.4.0\nlisteners:\n"
        "  - {type: model, name: push, address: 127.0.0.1, port: 12000}\n"
        f"model_providers:\n{providers}model_aliases:\n{targets}"
    )


@contextmanager
def crowd(target: str, nodes: int, core: int) -> Iterator[Crowd]:
    """The simulated nodes, connecting."""
    command = ["taskset", "--cpu-list", str(core), str(BUILD / "push_nodes")]
    command += ["--port", target.rpartition(":")[2], "--nodes", str(nodes)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # what select() says must hold for readline()
    )
    try:
        yield Crowd(process)
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Closes the pipe, which the nodes take for a farewell; kills them if they do not."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()


def wait_synced(nodes: Crowd) -> tuple[float, int]:
    """When the last node held everything, and how many resources all nodes were sent."""
    nodes.tell("synced")
    answer = nodes.answer()
    return answer["at"], int(answer["resources"])


def push(stub: config_pb2_grpc.ConfigServiceStub, nodes: Crowd, count: int, route: str,
         text: str, control: Control) -> Push:  # fmt: skip
    """Apply a config that changes one route, and wait for all nodes."""
    nodes.tell("expect", route)
    nodes.answer()
    awaited = control.acknowledged() + count
    cpu_before, nodes_cpu_before = cpu_ns(control.pids), cpu_ns([nodes.pid])
    began = time.monotonic()
    apply(stub, text)
    returned = time.monotonic()
    answer = nodes.answer()
    # Not before, and not all the time: to be asked costs the control plane 1 ms.
    while control.acknowledged() < awaited:
        time.sleep(ASK_S)
    heard = time.monotonic()
    cpu = cpu_ns(control.pids) - cpu_before
    nodes_cpu = cpu_ns([nodes.pid]) - nodes_cpu_before
    return Push(
        all_acked=(heard - began) * 1e3,
        apply=(returned - began) * 1e3,
        spread=(heard - answer["first"]) * 1e3,
        nodes=(answer["last"] - answer["first"]) * 1e3,
        cpu=cpu / 1e6,
        nodes_cpu=nodes_cpu / 1e6,
    )


def apply(stub: config_pb2_grpc.ConfigServiceStub, text: str) -> None:
    """Serve another config from now on."""
    asked = config_pb2.ApplyRequest(config=text, file_name="push.yaml", author="bench")
    applied = stub.Apply(asked, timeout=30)
    if applied.problems or not applied.changed:
        raise SystemExit(f"bench: the control plane applied nothing: {applied}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-push ARGS=", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--routes", type=int, default=1000)
    parser.add_argument("--pushes", type=int, default=50)
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is missed")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    build_programs()
    cores = sorted(os.sched_getaffinity(0))
    allow_descriptors(args.nodes * DESCRIPTORS_PER_NODE + 1000)
    console = Console(width=None if sys.stdout.isatty() else 120)
    figures = measure(args.nodes, args.routes, args.pushes, cores[0], cores[-1], console)
    show(figures, console)
    write_figures(FIGURES, figures)
    console.print(f"figures: {FIGURES}")
    missed = [name for name, goal in GOALS.items() if (figures[name] or 0) > goal]
    return 1 if figures["resent_after_restart"] or (args.check and missed) else 0


def measure(
    nodes: int, routes: int, pushes: int, core: int, nodes_core: int, console: Console
) -> Figures:
    """The whole run."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    changes = Changes(routes - PROVIDERS)
    control = Control(core)
    control.config.write_text(changes.text())
    with ExitStack() as stack:
        start_s = control.start()
        stack.callback(control.stop)
        channel = stack.enter_context(grpc.insecure_channel(control.admin))
        stub = config_pb2_grpc.ConfigServiceStub(channel)
        for _ in range(WARM_APPLIES):
            changes.next()
            apply(stub, changes.text())
        base_kb, base_cpu = pss_kb(control.pids), cpu_ns(control.pids)
        began = time.monotonic()
        simulated = stack.enter_context(crowd(control.xds, nodes, nodes_core))
        synced_at, sent = wait_synced(simulated)
        connect_s, connect_cpu = synced_at - began, cpu_ns(control.pids) - base_cpu
        console.print(f"{nodes} nodes hold {sent // nodes} resources each ({connect_s:.1f} s)")
        done, sizes_kb = [], []
        for _ in range(pushes):
            time.sleep(SETTLE_S)
            route = changes.next()
            done.append(push(stub, simulated, nodes, route, changes.text(), control))
            sizes_kb.append(pss_kb(control.pids))
        channel.close()
        control.config.write_text(changes.text())
        resent, reconnect_s = restart(control, simulated)
    return {
        "all_acked_p50_ms": quantile([each.all_acked for each in done], 0.5),
        "all_acked_p99_ms": quantile([each.all_acked for each in done], 0.99),
        "apply_p50_ms": quantile([each.apply for each in done], 0.5),
        "apply_p99_ms": quantile([each.apply for each in done], 0.99),
        "spread_p50_ms": quantile([each.spread for each in done], 0.5),
        "spread_p99_ms": quantile([each.spread for each in done], 0.99),
        "written_p50_ms": quantile([each.nodes for each in done], 0.5),
        "cpu_ms_per_push": quantile([each.cpu for each in done], 0.5),
        "nodes_cpu_ms_per_push": quantile([each.nodes_cpu for each in done], 0.5),
        "kb_per_stream": round((sizes_kb[:FIRST_PUSHES][-1] - base_kb) / nodes, 1),
        "base_pss_mb": round(base_kb / 1024, 1),
        "connect_s": round(connect_s, 2),
        "connect_cpu_s": round(connect_cpu / 1e9, 2),
        "start_s": round(start_s, 2),
        "resent_after_restart": resent,
        "reconnect_s": round(reconnect_s, 2),
        "nodes": nodes,
        "routes": routes,
        "pushes": pushes,
    }


class Changes:
    """A config that differs in one alias each time."""

    def __init__(self, aliases: int) -> None:
        self._aliases = aliases
        self._moved: dict[int, int] = {}
        self._count = 0

    def next(self) -> str:
        """Changes one alias; the name of its route."""
        alias = self._count * STRIDE % self._aliases
        self._count += 1
        self._moved[alias] = (self._moved.get(alias, alias % PROVIDERS) + 1) % PROVIDERS
        return f"push/alias-{alias}"

    def text(self) -> str:
        """The config as it is now."""
        return config(self._aliases, self._moved)


def quantile(values: Sequence[float], q: float) -> float:
    """A quantile, by rank."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * q))], 1)


def restart(control: Control, nodes: Crowd) -> tuple[int, float]:
    """Ends the control plane and starts it again: resources sent anew, and seconds until all are
    back.
    """
    control.stop()
    nodes.tell("count")
    nodes.answer()
    control.start()
    ready = time.monotonic()
    synced_at, resent = wait_synced(nodes)
    return resent, synced_at - ready


def show(figures: Figures, console: Console) -> None:
    """The figures, those with a goal beside it."""
    table = Table(title="One route of many changes", title_justify="left")
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("must", justify="right")
    for name, value in figures.items():
        goal = GOALS.get(name)
        if goal is None or value is None:
            table.add_row(name, f"{value:,}", "")
        else:
            colour = "green" if value <= goal else "bold red"
            table.add_row(name, f"[{colour}]{value:,}[/]", f"{goal:g}")
    console.print(table)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
