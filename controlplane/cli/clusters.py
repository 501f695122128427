"""`outrider clusters`: how the endpoints are doing that data planes send to, asked now."""

import time
from collections.abc import Iterator
from contextlib import suppress

import click
import grpc
from outriderpb.admin.v1 import fleet_pb2, fleet_pb2_grpc
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from controlplane.cli.answers import follow, show
from controlplane.cli.connection import ANSWER_S, Admin, admin_flags

_EVERY_S = 2.0


@click.command("clusters", short_help="Show how the endpoints are doing.")
@click.argument("name", required=False)
@click.option("--workers", "by_worker", is_flag=True, help="One table for each worker.")
@click.option("--watch", is_flag=True, help="Ask again every two seconds until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a line.")
@admin_flags
def command(name: str | None, by_worker: bool, watch: bool, as_json: bool, admin: Admin) -> None:
    """Ask every data-plane worker about its clusters, or about the one called NAME.

    NAME is agent:ID, filter:ID or provider:NAME.
    """
    request = fleet_pb2.ListClustersRequest(cluster=name or "", by_worker=by_worker)
    with admin.connected() as channel:
        answers = _answers(channel, request, admin)
        if not watch:
            listed = next(answers)
            if name and listed.workers and not listed.clusters:
                raise click.ClickException(f"no worker has a cluster {name!r}")
            show(listed, picture, as_json)
            return
        with suppress(KeyboardInterrupt):
            follow(answers, picture, as_json)


def _answers(
    channel: grpc.Channel, request: fleet_pb2.ListClustersRequest, admin: Admin
) -> Iterator[fleet_pb2.ListClustersResponse]:
    stub = fleet_pb2_grpc.FleetServiceStub(channel)
    while True:
        yield stub.ListClusters(request, timeout=ANSWER_S, metadata=admin.metadata())
        time.sleep(_EVERY_S)


def picture(listed: fleet_pb2.ListClustersResponse) -> Group:
    """Every cluster under the line that sums it up."""
    shown: list[RenderableType] = [_summary(listed)]
    for cluster in listed.clusters:
        shown += [Text(), _head(cluster), _table(cluster)]
    return Group(*shown)


def _summary(listed: fleet_pb2.ListClustersResponse) -> Text:
    names = {cluster.name for cluster in listed.clusters}
    text = Text(f"{_count(len(names), 'cluster')}, {_count(listed.workers, 'worker')}")
    if listed.silent:
        text.append(f"; no answer from {', '.join(listed.silent)}", style="yellow")
    return text


def _head(cluster: fleet_pb2.ClusterStatus) -> Text:
    text = Text(cluster.name, style="bold")
    facts = [cluster.policy]
    if cluster.worker:
        facts.append(cluster.worker)
    if cluster.panicking:
        facts.append(
            f"health ignored by {_of(cluster.panicking, cluster.workers)}: too few are well"
        )
    if cluster.breakers_open:
        facts.append(f"breaker open in {_of(cluster.breakers_open, cluster.workers)}")
    refused = sum(cluster.overflows.values())
    if refused:
        by = ", ".join(sorted(what for what, count in cluster.overflows.items() if count))
        facts.append(f"{_count(refused, 'request')} refused by circuit breakers ({by})")
    text.append(f"  {', '.join(facts)}", style="not bold")
    return text


def _table(cluster: fleet_pb2.ClusterStatus) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in ("ENDPOINT", "STATE", "WEIGHT", "PRIORITY", "ZONE"):
        table.add_column(column, no_wrap=True)
    for column in ("ACTIVE", "ANSWERS", "FAILED", "SUCCESS", "FIRST TOKEN", "PER TOKEN"):
        table.add_column(column, no_wrap=True, justify="right")
    several = len(cluster.endpoints) > 1  # data planes count where there is a choice
    for one in cluster.endpoints:
        counted = several or one.answers or one.failures
        table.add_row(
            Text(f"{one.address} ({one.hostname})" if one.hostname else one.address),
            state(one),
            str(one.weight),
            str(one.priority),
            Text(one.zone or "-"),
            str(one.active),
            str(one.answers) if counted else "-",
            str(one.failures) if counted else "-",
            _success(one),
            _ms(one.first_token_s),
            _ms(one.token_s),
        )
    return table


def state(one: fleet_pb2.EndpointStatus) -> Text:
    """What workers make of it; the worst of it first."""
    if one.ejected:
        left = f"for {one.ejected_for_ms / 1000:.0f} s"
        return Text(f"ejected {left}{_by(one.ejected, one.workers)}", style="bold red")
    if one.unhealthy:
        return Text(f"unhealthy{_by(one.unhealthy, one.workers)}", style="bold red")
    if one.healthy == one.workers:
        return Text("healthy", style="green")
    if one.healthy:
        return Text(f"healthy{_by(one.healthy, one.workers)}", style="green")
    return Text("not checked")


def _by(some: int, workers: int) -> str:
    return "" if some == workers else f" by {_of(some, workers)}"


def _of(some: int, workers: int) -> str:
    return f"{some} of {_count(workers, 'worker')}"


def _success(one: fleet_pb2.EndpointStatus) -> str:
    total = one.answers + one.failures
    return f"{100 * one.answers / total:.1f} %" if total else "-"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds else "-"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
