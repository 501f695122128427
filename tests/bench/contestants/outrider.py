"""Ours, as its images are: compiled, a real control plane feeds a data plane with one worker.

Everything a gateway does is on: the key is replaced, the model routes, a deadline runs, metrics,
trace id, access log and usage are kept. Only the worker's CPU and memory count: the control plane
and the data plane's parent carry no traffic.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from deploy.compiled import FOLDER, build
from tests.bench.contestants.contestant import (
    CLAUDE,
    CLIENT_KEY,
    MODEL,
    UPSTREAM_KEY,
    Place,
    Running,
    first_request,
)
from tests.bench.processes import Program, children, free_port, pin

START_TIMEOUT_S = 30.0
CONFIG = """\
version: v0.4.0
listeners:
  - type: model
    name: bench
    address: 127.0.0.1
    port: {port}
    timeout: 300s
model_providers:
  - model: openai/{model}
    base_url: http://127.0.0.1:{upstream_port}/v1
    access_key: $BENCH_UPSTREAM_KEY
    default: true
  - model: anthropic/{claude}
    base_url: http://127.0.0.1:{upstream_port}/v1
    access_key: $BENCH_UPSTREAM_KEY
"""


Change = Callable[[dict[str, Any]], None]
"""What a feature changes in the config."""


class Outrider:
    rewrites_bodies = False

    def __init__(
        self, name: str = "outrider", change: Change | None = None, compiled: Path | None = FOLDER
    ) -> None:
        """:param compiled: where it is compiled to, built when it is not; None: interpreted."""
        self.name = name
        self._change = change
        self._compiled = compiled

    @contextmanager
    def running(self, place: Place) -> Iterator[Running]:
        port = free_port()
        folder = place.folder / self.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config = folder / "bench.yaml"
        text = CONFIG.format(
            port=port, model=MODEL, claude=CLAUDE, upstream_port=place.upstream_port
        )
        if self._change is not None:
            made = yaml.safe_load(text)
            self._change(made)
            text = yaml.safe_dump(made)
        config.write_text(text)
        xds = f"127.0.0.1:{free_port()}"
        control = control_plane_command(config, xds, folder / "controlplane")
        data = data_plane_command(xds, folder)
        key = {"BENCH_UPSTREAM_KEY": UPSTREAM_KEY, "BENCH_CLIENT_KEY": CLIENT_KEY}
        first = {}
        if self._compiled is not None:
            build(self._compiled)
            first["PYTHONPATH"] = f"{self._compiled}:{os.environ.get('PYTHONPATH', '')}"
        core = place.other_core
        with (
            Program.start(
                control, core=core, log=folder / "controlplane.log", env=key
            ) as controlplane,
            Program.start(
                data, core=core, log=folder / "dataplane.log", env=key | first
            ) as dataplane,
        ):
            dataplane.wait_for_answer(first_request(port), START_TIMEOUT_S)
            (worker,) = children(dataplane.pid)
            pin(worker, place.proxy_core)
            yield Running(port, [controlplane, dataplane], [worker])


def control_plane_command(
    config: Path, xds: str, state: Path, admin: str = "127.0.0.1:0"
) -> list[object]:
    """A control plane that serves `config` at `xds`."""
    command: list[object] = [sys.executable, "-m", "controlplane", "--config", config]
    command += ["--xds-address", xds, "--admin-address", admin, "--http-address", "127.0.0.1:0"]
    return [*command, "--state-dir", state]


def data_plane_command(xds: str, folder: Path) -> list[object]:
    """A data plane of one worker that logs into `folder`."""
    command: list[object] = [sys.executable, "-P", "-m", "dataplane", "--node-id", "bench"]
    command += ["--xds-address", xds, "--admin-address", "127.0.0.1:0", "--workers", "1"]
    command += ["--state-dir", folder / "dataplane", "--access-log", folder / "access.log"]
    return command
