"""Both planes for real: in this process (fast), or as the processes a user would start.

`planes` for features; `processes` for what only processes can do: be killed, be many, start anew.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio
from outriderpb.admin.v1 import fleet_pb2

from controlplane import bootstrap as control_bootstrap
from controlplane.cli.supervise import Child
from controlplane.main import ControlPlane, running_control_plane
from controlplane.security import Security
from controlplane.translate.compiler import compile_config
from dataplane import bootstrap as data_bootstrap
from dataplane.main import running_worker
from tests.support.encoders import SharedMaking
from tests.support.screen import Screen
from tests.support.wait import until

if TYPE_CHECKING:
    from dataplane.worker import Worker

START_S = 60
"""Several Python processes on a busy machine."""
ANY_PORT = "127.0.0.1:0"
WATCH_NODES = "/outrider.admin.v1.FleetService/WatchNodes"


Nodes = fleet_pb2.ListNodesResponse
Condition = Callable[[Nodes], bool]


async def until_nodes(admin: str, condition: Condition, seconds: float = 20) -> Nodes:
    """Wait until what `outrider nodes --watch` shows meets a condition."""
    async with asyncio.timeout(seconds), grpc.aio.insecure_channel(admin) as channel:
        watch = channel.unary_stream(
            WATCH_NODES,
            request_serializer=fleet_pb2.WatchNodesRequest.SerializeToString,
            response_deserializer=Nodes.FromString,
        )
        async for nodes in watch(fleet_pb2.WatchNodesRequest()):
            if condition(nodes):
                return nodes
    raise AssertionError("the control plane ended the watch")


class Planes:
    """A control plane and its workers, in this process."""

    def __init__(self, control: ControlPlane, file_name: str) -> None:
        self.control = control
        self.workers: list[Worker] = []
        self._file_name = file_name

    def url(self, listener: str, worker: int = 0) -> str:
        """Where a listener really listens; with port 0 each worker has its own."""
        _, port = self.workers[worker].listeners.bound()[listener]
        return f"http://127.0.0.1:{port}"

    async def apply(self, text: str) -> None:
        """Serve a config and wait until every worker has it. Raises ConfigErrors."""
        applied = await self.control.pipeline.apply(text, self._file_name, "test")
        await self.converged(applied.snapshot_version)

    async def converged(self, version: str) -> None:
        """Wait until every worker has acknowledged a snapshot whole."""
        await until(lambda: self._versions() == [version] * len(self.workers))

    def _versions(self) -> list[str]:
        return [member.stream.whole_version for member in self.control.fleet.members()]


@asynccontextmanager
async def planes(
    config: str,
    directory: Path,
    *,
    environ: Mapping[str, str] | None = None,
    workers: int = 1,
    security: Security | None = None,
    flags: Sequence[str] = (),
) -> AsyncIterator[Planes]:
    """Both planes on free ports, converged on a config; listeners in it should have port 0.

    :param environ: variables of the data plane.
    :param security, flags: of the control plane, and how workers meet it.
    """
    at = control_bootstrap.Bootstrap(
        xds_address=ANY_PORT,
        admin_address=ANY_PORT,
        http_address=ANY_PORT,
        state_dir=directory / "control",
        security=security or Security(),
    )
    async with AsyncExitStack() as stack:
        control = await stack.enter_async_context(running_control_plane(at, {}))
        made = Planes(control, "outrider.yaml")
        for index in range(workers):
            bootstrap = worker_bootstrap(control.xds_address, directory, index, flags)
            made.workers.append(
                await stack.enter_async_context(
                    running_worker(bootstrap, environ or {}, SharedMaking())
                )
            )
        await made.apply(config)
        yield made


def worker_bootstrap(
    xds_address: str, directory: Path, index: int = 0, flags: Sequence[str] = ()
) -> data_bootstrap.Bootstrap:
    """What a worker of a test is told."""
    directory.mkdir(exist_ok=True)
    return replace(
        _bootstrap(xds_address.rpartition(":")[0], tuple(flags)),
        xds_address=xds_address,
        state_dir=directory / "data",
        worker=index,
        access_log=str(directory / "access.log"),
    )


@cache
def _bootstrap(xds_host: str, flags: tuple[str, ...]) -> data_bootstrap.Bootstrap:
    """What all of them are; to read flags takes a twentieth of the time to start."""
    argv = ("--node-id", "test", "--xds-address", f"{xds_host}:1", *flags)
    return data_bootstrap.read_bootstrap(argv, {})


class Processes:
    """Both planes as processes, following one config file."""

    def __init__(self, directory: Path, environ: Mapping[str, str], workers: int) -> None:
        self.screen = Screen()
        self.file = directory / "outrider.yaml"
        self.workers = workers
        self._directory = directory
        self._environ = environ
        self._control: Child | None = None
        self._data: Child | None = None
        self._control_at: Mapping[str, str] = {}
        self._data_at: Mapping[str, str] = {}

    @property
    def admin(self) -> str:
        """URL of the data plane's admin port."""
        return f"http://{self._data_at['admin']}"

    @property
    def control_http(self) -> str:
        """URL of the control plane's HTTP port."""
        return f"http://{self._control_at['http']}"

    @property
    def pids(self) -> tuple[int, int]:
        """The processes of the control plane, and of the data plane's parent."""
        assert self._control is not None
        assert self._data is not None
        return self._control.pid, self._data.pid

    def url(self, listener: str) -> str:
        """Where a listener of the first config listens."""
        _, _, port = self._data_at[f"listener.{listener}"].rpartition(":")
        return f"http://127.0.0.1:{port}"

    async def start_control(self) -> None:
        """Start the control plane; again on the same ports when it ran before."""
        at = self._control_at
        argv = [
            *("controlplane", "--config", str(self.file)),
            *("--xds-address", at.get("xds", ANY_PORT)),
            *("--admin-address", at.get("admin", ANY_PORT)),
            *("--http-address", at.get("http", ANY_PORT)),
            *("--state-dir", str(self._directory / "control")),
        ]
        self._control = await self._start("control", argv)
        self._control_at = await self._control.ready(START_S)

    async def start_data(self, drain_timeout_s: float = 10) -> None:
        """Start the data plane and wait until it serves."""
        argv = [
            *("dataplane", "--xds-address", self._control_at["xds"]),
            *("--node-id", "test", "--workers", str(self.workers)),
            *("--admin-address", ANY_PORT, "--state-dir", str(self._directory / "data")),
            *("--drain-timeout", str(drain_timeout_s)),
            *("--access-log", str(self._directory / "access.log")),
        ]
        self._data = await self._start("data", argv)
        self._data_at = await self._data.ready(START_S)

    async def _start(self, name: str, argv: list[str]) -> Child:
        environ = [f"{key}={value}" for key, value in self._environ.items()]
        command = ["/usr/bin/env", *environ, sys.executable, "-P", "-m", *argv]
        return await Child.start(name, command, self.screen.show)

    async def kill_control(self) -> None:
        """SIGKILL."""
        assert self._control is not None
        self._control.kill()
        await self._control.ended()

    async def stop_data(self) -> int:
        """SIGTERM, as a supervisor does; the exit code once the process is gone."""
        assert self._data is not None
        return await self._data.stop(60)

    async def stop(self) -> None:
        """Stop what runs."""
        for child in (self._data, self._control):
            if child is not None:
                await child.stop(20)

    def write(self, text: str) -> None:
        """Change the config file, as an editor does."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text)
        fresh.replace(self.file)

    async def apply(self, text: str, seconds: float = 20) -> None:
        """Change the config file and wait until every worker has acknowledged it."""
        version = compile_config(text, str(self.file), None).version
        self.write(text)
        await self.until_nodes(
            lambda nodes: (
                [node.snapshot_version for node in nodes.nodes] == [version] * self.workers
            ),
            seconds,
        )

    async def until_nodes(self, condition: Condition, seconds: float = 20) -> Nodes:
        """See until_nodes."""
        return await until_nodes(self._control_at["admin"], condition, seconds)


@asynccontextmanager
async def processes(
    config: str,
    directory: Path,
    *,
    environ: Mapping[str, str] | None = None,
    workers: int = 2,
) -> AsyncIterator[Processes]:
    """Both planes as a user starts them, converged on a config."""
    made = Processes(directory, environ or {}, workers)
    made.write(config)
    try:
        await made.start_control()
        await made.start_data()
        yield made
    finally:
        await made.stop()
