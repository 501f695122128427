"""`outrider dataplane`: start a data plane; `--help` tells its flags."""

import click

from controlplane.cli.run_plane import PASSED_ON, become


@click.command("dataplane", context_settings=PASSED_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Start a data plane."""
    become("dataplane", arguments)
