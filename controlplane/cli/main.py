"""The `outrider` command: finds the verb's file and runs it; other verbs are not imported."""

from importlib import import_module

import click

# Verb -> what it is for. Each is a module of this package.
VERBS = {
    "up": "Start both planes on this machine.",
    "controlplane": "Start a control plane.",
    "dataplane": "Start a data plane.",
    "check": "Find every problem of a config.",
    "apply": "Give a running control plane a new config.",
    "get": "Show the config in force, or an earlier revision.",
    "nodes": "Show what every data-plane worker acknowledged or refused.",
    "explain": "Tell which agents would be chosen for a conversation, and why.",
    "limits": "Show who has used what of the limits.",
    "keys": "Make API keys for callers.",
    "clusters": "Show how the endpoints are doing that data planes send to.",
    "schema": "Print the JSON schema of the config.",
}


class Verbs(click.Group):
    """A group whose commands are imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order in which one needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command."""
        if cmd_name not in VERBS:
            return None
        command = import_module(f"controlplane.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="outrider", message="outrider %(version)s")
def main() -> None:
    """Outrider: a control plane that streams live config to light proxies for AI agents."""
