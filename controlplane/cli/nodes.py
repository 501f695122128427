"""`outrider nodes`: what every data-plane worker acknowledged or refused, and why."""

from collections.abc import Iterable

import click
from outriderpb.admin.v1 import fleet_pb2, fleet_pb2_grpc
from rich.console import Group
from rich.table import Table
from rich.text import Text

from controlplane.cli.answers import follow, show
from controlplane.cli.connection import ANSWER_S, Admin, admin_flags


@click.command("nodes", short_help="Show what every node acknowledged or refused.")
@click.option("--watch", is_flag=True, help="Follow changes until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a line.")
@admin_flags
def command(watch: bool, as_json: bool, admin: Admin) -> None:
    """List connected data-plane workers: which snapshot each serves, and what it refused."""
    with admin.connected() as channel:
        stub = fleet_pb2_grpc.FleetServiceStub(channel)
        if not watch:
            listed = stub.ListNodes(
                fleet_pb2.ListNodesRequest(), timeout=ANSWER_S, metadata=admin.metadata()
            )
            show(listed, picture, as_json)
            return
        lists = stub.WatchNodes(fleet_pb2.WatchNodesRequest(), metadata=admin.metadata())
        try:
            follow(lists, picture, as_json)
        except KeyboardInterrupt:
            lists.cancel()
        else:
            raise click.ClickException("the control plane stopped")


def picture(listed: fleet_pb2.ListNodesResponse) -> Group:
    """The fleet as a table under one line that sums it up."""
    if not listed.nodes:
        return Group(_summary(listed))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("NODE", "GROUP", "STATE", "SNAPSHOT", "PEER", "REFUSED"):
        table.add_column(column, overflow="fold", no_wrap=column not in ("REFUSED", "NODE"))
    for node in listed.nodes:
        table.add_row(
            Text(node.id),
            Text(node.group),
            _state(node),
            Text(node.snapshot_version or "-"),
            Text(node.peer),
            Text("\n".join(_refusals(node))),
        )
    return Group(_summary(listed), table)


def _summary(listed: fleet_pb2.ListNodesResponse) -> Text:
    if not listed.snapshot_version:
        return Text(f"no config applied yet; {_count(listed)} connected")
    done = sum(node.converged for node in listed.nodes)
    return Text(
        f"revision {listed.revision}, snapshot {listed.snapshot_version}:"
        f" {done} of {_count(listed)} have it"
    )


def _count(listed: fleet_pb2.ListNodesResponse) -> str:
    return f"{len(listed.nodes)} node{'' if len(listed.nodes) == 1 else 's'}"


def _state(node: fleet_pb2.Node) -> Text:
    if any(state.nacked_version for state in node.types):
        return Text("refused", style="bold red")
    if node.converged:
        return Text("converged", style="green")
    return Text("pending", style="yellow")


def _refusals(node: fleet_pb2.Node) -> Iterable[str]:
    for state in node.types:
        if state.nacked_version:
            kind = state.type_url.rpartition(".")[2].lower()
            yield f"{kind} of {state.nacked_version}: {state.nack_reason}"
