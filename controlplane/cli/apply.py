"""`outrider apply FILE`: give a running control plane a new config; wait until nodes have it."""

import getpass
import socket
import sys
from collections.abc import Iterable
from typing import TextIO

import click
import grpc
from outriderpb.admin.v1 import config_pb2, config_pb2_grpc, fleet_pb2, fleet_pb2_grpc

from controlplane.cli.connection import APPLY_S, Admin, admin_flags
from controlplane.config.problem import ConfigError


@click.command("apply", short_help="Give a running control plane a new config.")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option(
    "--wait",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Wait until every connected node has it; fail when one refuses it.",
)
@admin_flags
def command(file: TextIO, wait: float | None, admin: Admin) -> None:
    """Apply FILE (- is stdin): all of it, or nothing and every problem."""
    try:
        text = file.read()
    except UnicodeDecodeError as e:
        raise click.ClickException(f"{file.name} is not UTF-8 (byte {e.start})") from e
    with admin.connected() as channel:
        applied = _apply(channel, admin, text, file.name.strip("<>"))
        same = "" if applied.changed else " (no change)"
        click.echo(f"revision {applied.revision}, snapshot {applied.snapshot_version}{same}")
        if wait is not None:
            _wait(channel, admin, applied, wait)


def _apply(
    channel: grpc.Channel, admin: Admin, text: str, file_name: str
) -> config_pb2.ApplyResponse:
    request = config_pb2.ApplyRequest(config=text, file_name=file_name, author=_author())
    stub = config_pb2_grpc.ConfigServiceStub(channel)
    response: config_pb2.ApplyResponse = stub.Apply(
        request, timeout=APPLY_S, metadata=admin.metadata()
    )
    for each in response.problems:
        told = ConfigError(each.file, each.line, each.path, each.message, each.hint)
        click.echo(str(told), err=True)
    if response.problems:
        sys.exit(1)
    return response


def _wait(
    channel: grpc.Channel, admin: Admin, applied: config_pb2.ApplyResponse, seconds: float
) -> None:
    """Follow the fleet until all of it has the snapshot. Ends the command when that will not be."""
    stub = fleet_pb2_grpc.FleetServiceStub(channel)
    watch = stub.WatchNodes(
        fleet_pb2.WatchNodesRequest(), timeout=seconds, metadata=admin.metadata()
    )
    last = None
    try:
        for last in watch:
            if last.revision > applied.revision:
                raise click.ClickException(
                    f"another config was applied meanwhile: snapshot {last.snapshot_version}"
                )
            if refusals := [*_refusals(last.nodes, applied.snapshot_version)]:
                raise click.ClickException("refused\n" + "\n".join(refusals))
            if last.nodes and all(node.converged for node in last.nodes):
                click.echo(f"{len(last.nodes)} of {len(last.nodes)} nodes have it")
                return
    except grpc.RpcError as e:
        if last is None or not _timed_out(e):
            raise
    raise click.ClickException(_late(last, seconds))


def _refusals(nodes: Iterable[fleet_pb2.Node], version: str) -> Iterable[str]:
    for node in nodes:
        for state in node.types:
            if state.nacked_version == version:
                yield f"  {node.id}: {state.nack_reason}"


def _late(last: fleet_pb2.ListNodesResponse | None, seconds: float) -> str:
    if last is None or not last.nodes:
        return f"no node connected within {seconds:g} s"
    behind = [node.id for node in last.nodes if not node.converged]
    shown = ", ".join(behind[:5]) + (", ..." if len(behind) > 5 else "")
    return f"{len(behind)} of {len(last.nodes)} nodes do not have it after {seconds:g} s: {shown}"


def _timed_out(error: grpc.RpcError) -> bool:
    return isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def _author() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
