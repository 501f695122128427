"""How long traffic stands still when a data plane takes a new config of 1,000 routes.

One client asks in a closed loop while every alias of the config moves; the longest answer in a
short window shows the loop's stall. The machine stalls too: windows with a reload alternate with
windows without, and the difference of their medians is reported.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import grpc
from outriderpb.admin.v1 import config_pb2_grpc

from tests.bench.contestants.contestant import MODEL, UPSTREAM_KEY, Place, first_request
from tests.bench.contestants.outrider import control_plane_command, data_plane_command
from tests.bench.processes import Program, children, free_port, pin
from tests.bench.programs import BUILD
from tests.bench.push import apply
from tests.bench.scenarios import JSON

ROUTES = 1000
REPEATS = 9
WINDOW_S = 0.8
APPLY_AFTER_S = 0.1
START_TIMEOUT_S = 30.0


def measure_reload(place: Place) -> float:
    """Milliseconds by which a reload lengthens the longest answer."""
    folder = place.folder / "reload"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    body = folder / "json.body"
    body.write_bytes(JSON)
    port, xds = free_port(), f"127.0.0.1:{free_port()}"
    admin = f"127.0.0.1:{free_port()}"
    config = folder / "reload.yaml"
    config.write_text(config_text(port, place.upstream_port, 0))
    control = control_plane_command(config, xds, folder / "controlplane", admin)
    data = data_plane_command(xds, folder)
    key, core = {"BENCH_UPSTREAM_KEY": UPSTREAM_KEY}, place.other_core
    with (
        Program.start(control, core=core, log=folder / "controlplane.log", env=key),
        Program.start(data, core=core, log=folder / "dataplane.log", env=key) as dataplane,
        grpc.insecure_channel(admin) as channel,
    ):
        dataplane.wait_for_answer(first_request(port), START_TIMEOUT_S)
        pin(children(dataplane.pid)[0], place.proxy_core)
        stub = config_pb2_grpc.ConfigServiceStub(channel)
        still: list[float] = []
        reloading: list[float] = []
        for number in range(REPEATS):
            text = config_text(port, place.upstream_port, (number + 1) % 2)
            still.append(longest_answer(place, port, lambda: None))
            reloading.append(longest_answer(place, port, partial(apply, stub, text)))
    return median(reloading) - median(still)


def config_text(port: int, upstream_port: int, provider: int) -> str:
    """Aliases that all lead to one of two providers, and a route that stays."""
    url = f"http://127.0.0.1:{upstream_port}/v1"
    providers = "".join(
        f"  - {{model: openai/{name}, base_url: {url}, access_key: $BENCH_UPSTREAM_KEY}}\n"
        for name in (MODEL, "other-0", "other-1")
    )
    aliases = "".join(
        f"  alias-{number}: {{target: openai/other-{provider}}}\n" for number in range(ROUTES - 3)
    )
    return (
        "version: v0.4.0\nlisteners:\n"
        f"  - {{type: model, name: bench, address: 127.0.0.1, port: {port}}}\n"
        f"model_providers:\n{providers}model_aliases:\n{aliases}"
    )


def longest_answer(place: Place, port: int, act: Callable[[], None]) -> float:
    """Milliseconds of the longest answer in a window in which `act` is done."""
    command = ["taskset", "--cpu-list", str(place.other_core), str(BUILD / "load")]
    command += ["--port", str(port), "--body", str(place.folder / "reload" / "json.body")]
    command += ["--warm", "0.1", "--seconds", str(WINDOW_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(APPLY_AFTER_S)
        act()
        report = json.loads(process.stdout.read().splitlines()[-1])
    if report["failed"] or report["non200"]:
        raise SystemExit(f"bench: requests failed during a reload: {report}")
    longest: float = report["max_us"] / 1000
    return longest
