"""`outrider schema`: the JSON schema of the config, for editors."""

import json

import click

from controlplane.config.published import json_schema


@click.command("schema", short_help="Print the JSON schema of the config.")
def command() -> None:
    """Print the JSON schema of the config.

    Editors complete and check a config with it: write it to a file and begin the config with
    `# yaml-language-server: $schema=outrider.schema.json`.
    """
    click.echo(json.dumps(json_schema(), indent=2))
