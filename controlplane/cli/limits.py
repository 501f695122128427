"""`outrider limits`: who has used what, and what is left."""

import click
from outriderpb.admin.v1 import limits_pb2, limits_pb2_grpc
from rich.console import Group
from rich.table import Table
from rich.text import Text

from controlplane.cli.answers import show
from controlplane.cli.connection import ANSWER_S, Admin, admin_flags

_NANO = 1_000_000_000


@click.command("limits", short_help="Show who has used what of the limits.")
@click.argument("limit", required=False, default="")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@admin_flags
def command(limit: str, as_json: bool, admin: Admin) -> None:
    """List the buckets of all limits, or of one LIMIT; those with least left come first."""
    with admin.connected() as channel:
        listed = limits_pb2_grpc.LimitServiceStub(channel).ListLimits(
            limits_pb2.ListLimitsRequest(limit=limit), timeout=ANSWER_S, metadata=admin.metadata()
        )
    show(listed, picture, as_json)


def picture(listed: limits_pb2.ListLimitsResponse) -> Group:
    """The buckets as a table under one line that sums it up."""
    count = len(listed.buckets)
    told = f"{count} bucket{'' if count == 1 else 's'} in use, {listed.holders} workers"
    if not count:
        return Group(Text(told))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("LIMIT", "MEASURE", "OF", "LEFT", "LEASED", "HOLDS", "USED", "WORKERS"):
        right = column in ("LEFT", "LEASED", "HOLDS", "USED", "WORKERS")
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for one in listed.buckets:
        table.add_row(
            Text(one.limit),
            one.measure,
            Text(", ".join(value or "-" for value in one.values) or "all"),
            Text(_shown(one, one.level), style="bold red" if one.level < 1 else ""),
            _shown(one, one.leased),
            _shown(one, one.capacity),
            _shown(one, one.spent) if one.measure != "concurrent" else "-",
            str(one.holders),
        )
    return Group(Text(told), table)


def _shown(one: limits_pb2.LimitBucket, amount: float) -> str:
    if one.measure == "cost":
        return f"${amount / _NANO:.4f}"
    return f"{int(amount):,}"
