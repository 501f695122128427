"""`outrider get`: the config in force, or an earlier revision, as it was applied."""

import click
from google.protobuf.json_format import MessageToJson
from outriderpb.admin.v1 import config_pb2, config_pb2_grpc

from controlplane.cli.connection import ANSWER_S, Admin, admin_flags


@click.command("get", short_help="Show the config in force, or an earlier revision.")
@click.argument("revision", type=click.IntRange(min=1), required=False)
@click.option("--json", "as_json", is_flag=True, help="With who applied it and when, as JSON.")
@admin_flags
def command(revision: int | None, as_json: bool, admin: Admin) -> None:
    """Print a config as it was applied; who and when goes to stderr, so that `> FILE` is exact."""
    with admin.connected() as channel:
        found: config_pb2.GetResponse = config_pb2_grpc.ConfigServiceStub(channel).Get(
            config_pb2.GetRequest(revision=revision or 0),
            timeout=ANSWER_S,
            metadata=admin.metadata(),
        )
    if as_json:
        click.echo(MessageToJson(found, preserving_proto_field_name=True))
        return
    click.echo(
        f"# revision {found.revision}, snapshot {found.snapshot_version}, from {found.file_name},"
        f" by {found.author}, at {found.applied_at}",
        err=True,
    )
    click.echo(found.config, nl=False)
