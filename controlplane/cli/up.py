"""`outrider up FILE`: both planes on this machine, one command, one Ctrl-C.

The data plane is a program that we start, never a module that we import.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
from outriderpb.v1.listener_pb2 import (
    LISTENER_KIND_AGENT,
    LISTENER_KIND_GUARDED,
    LISTENER_KIND_MCP,
    LISTENER_KIND_MODEL,
    LISTENER_KIND_PROMPT,
    Listener,
)

from controlplane.cli.supervise import Kept, NotReadyError, RefusedError, StoppedEarlyError
from controlplane.clock import Clock, MonotonicClock
from controlplane.config.environment import environment
from controlplane.config.parse import decode
from controlplane.config.problem import ConfigErrors
from controlplane.snapshot.resource import ResourceType
from controlplane.snapshot.snapshot import Snapshot
from controlplane.translate.compiler import compile_config

READY_WITHIN_S: Final = 60.0  # importing onnxruntime on a cold disk takes 10 s and more
CONTROL_GRACE_S: Final = 10.0
AFTER_DRAIN_S: Final = 5.0
_WIDTH: Final = len("control")


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    file: Path
    env_file: Path | None
    workers: int | None
    state_dir: Path
    xds_address: str
    admin_address: str
    http_address: str
    dataplane_admin_address: str
    drain_timeout: float
    access_log: str


@dataclass(slots=True)
class _Addresses:
    """Where the control plane serves; fixed by its first start, so a restart is found again."""

    options: Options
    actual: Mapping[str, str] = field(default_factory=dict)

    @property
    def xds(self) -> str:
        return self.actual.get("xds", self.options.xds_address)

    @property
    def admin(self) -> str:
        return self.actual.get("admin", self.options.admin_address)

    @property
    def http(self) -> str:
        return self.actual.get("http", self.options.http_address)


@click.command("up", short_help="Start both planes on this machine.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workers", type=click.IntRange(min=1), help="Data-plane workers; one per core.")
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".outrider"),
    show_default=True,
    help="Revisions and the last good config.",
)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Secrets that the environment lacks; default is .env beside FILE, if there.",
)
@click.option("--xds-address", default="127.0.0.1:18000", show_default=True)
@click.option("--admin-address", default="127.0.0.1:18001", show_default=True)
@click.option("--http-address", default="127.0.0.1:18002", show_default=True)
@click.option("--dataplane-admin-address", default="127.0.0.1:19000", show_default=True)
@click.option(
    "--drain-timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds that requests in flight get when it stops.",
)
@click.option("--access-log", default="-", show_default=True, help="A path, or - for stdout.")
def command(
    file: Path,
    workers: int | None,
    state_dir: Path,
    env_file: Path | None,
    xds_address: str,
    admin_address: str,
    http_address: str,
    dataplane_admin_address: str,
    drain_timeout: float,
    access_log: str,
) -> None:
    """Serve FILE: start the control plane and a data plane, follow changes of FILE, stop on Ctrl-C.

    Requests in flight finish before it ends (--drain-timeout); a second Ctrl-C does not wait.
    """
    beside = file.parent / ".env"
    options = Options(
        file=file,
        env_file=env_file or (beside if beside.is_file() else None),
        workers=workers,
        state_dir=state_dir,
        xds_address=xds_address,
        admin_address=admin_address,
        http_address=http_address,
        dataplane_admin_address=dataplane_admin_address,
        drain_timeout=drain_timeout,
        access_log=access_log,
    )
    snapshot = _compile(options)
    sys.exit(asyncio.run(_up(options, snapshot, MonotonicClock())))


def control_argv(options: Options, at: _Addresses) -> list[str]:
    """How the control plane is started."""
    return [
        *_module("controlplane"),
        *("--config", str(options.file), "--check-secrets"),
        *_env_file(options),
        *("--xds-address", at.xds, "--admin-address", at.admin, "--http-address", at.http),
        *("--state-dir", str(options.state_dir / "controlplane")),
    ]


def data_argv(options: Options, at: _Addresses) -> list[str]:
    """How the data plane is started."""
    workers = [] if options.workers is None else ["--workers", str(options.workers)]
    return [
        *_module("dataplane"),
        *("--xds-address", at.xds, "--admin-address", options.dataplane_admin_address),
        *_env_file(options),
        *("--state-dir", str(options.state_dir / "dataplane")),
        *("--drain-timeout", f"{options.drain_timeout:g}", "--access-log", options.access_log),
        *workers,
    ]


def _module(name: str) -> list[str]:
    # -P: a folder of that name where the command was typed must not be taken for ours.
    return [sys.executable, "-P", "-m", name]


def _env_file(options: Options) -> list[str]:
    return [] if options.env_file is None else ["--env-file", str(options.env_file)]


def _compile(options: Options) -> Snapshot:
    """Show every problem of the file at once, before anything is started."""
    name = str(options.file)
    try:
        text = decode(options.file.read_bytes(), name)
        present = environment(os.environ, options.file, options.env_file)
        return compile_config(text, name, present)
    except OSError as e:
        raise click.ClickException(f"{name}: {e.strerror or e}") from e
    except ConfigErrors as e:
        for problem in e.problems:
            click.echo(str(problem), err=True)
        sys.exit(1)


async def _up(options: Options, snapshot: Snapshot, clock: Clock) -> int:
    """Run until a signal (0) or until a plane cannot start (1)."""
    at = _Addresses(options)
    control = Kept("control", lambda: control_argv(options, at), _show, clock, CONTROL_GRACE_S)
    grace_s = options.drain_timeout + AFTER_DRAIN_S
    data = Kept("data", lambda: data_argv(options, at), _show, clock, grace_s)
    serving = asyncio.get_running_loop().create_task(_serve(options, snapshot, at, control, data))
    _on_signals(_stopper(serving, control, data))
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except (StoppedEarlyError, NotReadyError) as error:
        click.echo(f"outrider: {error}", err=True)
        return 1
    except RefusedError as error:
        click.echo(f"outrider: data refuses {options.file}: {error}", err=True)
        return 1
    return 0


async def _serve(
    options: Options, snapshot: Snapshot, at: _Addresses, control: Kept, data: Kept
) -> None:
    try:
        at.actual = await control.start(READY_WITHIN_S)
        data_at = await data.start(READY_WITHIN_S)
        _announce(options, snapshot, at, data_at)
        async with asyncio.TaskGroup() as both:
            both.create_task(control.keep())
            both.create_task(data.keep())
    finally:
        # The data plane first: it drains while the control plane still counts what it acknowledged.
        await data.stop()
        await control.stop()


def _stopper(serving: "asyncio.Task[None]", control: Kept, data: Kept) -> Callable[[], None]:
    """First signal: stop in order. Second: at once."""

    def stop() -> None:
        if serving.cancelling():
            data.kill()
            control.kill()
        else:
            click.echo("outrider: stopping (again to stop at once)", err=True)
            serving.cancel()

    return stop


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)


_KINDS = {
    LISTENER_KIND_AGENT: ("agent", "/v1"),
    LISTENER_KIND_MODEL: ("model", "/v1"),
    LISTENER_KIND_PROMPT: ("prompt", "/v1"),
    LISTENER_KIND_MCP: ("MCP", "/mcp"),
}
"""What listeners are called here, and where clients find them."""


def _announce(
    options: Options, snapshot: Snapshot, at: _Addresses, data_at: Mapping[str, str]
) -> None:
    admin = data_at.get("admin", options.dataplane_admin_address)
    lines = [f"outrider: serving {options.file} (Ctrl-C stops)"]
    if data_at.get("config") == "last-good":
        why = "the data plane refused it, as `outrider nodes` says"
        lines = [f"outrider: {options.file}: {why}; it is not served: the last good config is"]
    for resource in snapshot.of_type(ResourceType.LISTENER).values():
        listener = resource.message
        assert isinstance(listener, Listener)
        guarded = listener.kind == LISTENER_KIND_GUARDED
        kind, path = _KINDS[listener.guarded if guarded else listener.kind]
        scheme = "https" if listener.HasField("tls") else "http"
        key = "listener." + re.sub(r"[^\w.-]", "_", listener.name)
        address = data_at.get(key, f"{listener.address}:{listener.port}")
        lines.append(f"  {kind} listener {listener.name}: {scheme}://{address}{path}")
    lines.append(f"  control plane: xds {at.xds}, admin {at.admin}, http://{at.http}/metrics")
    lines.append(f"  data plane: http://{admin}/metrics /clusters /config_dump /healthz /readyz")
    click.echo("\n".join(lines), err=True)


def _show(name: str, line: str, is_error: bool) -> None:
    """A child's line on our own stdout or stderr, so that the access log can still be piped."""
    try:
        click.echo(f"{name:<{_WIDTH}} | {line}", err=is_error)
    except OSError:
        # Nobody reads us any more; that must not stop the planes.
        return
