"""`outrider check FILE`: every problem of a config, before anything runs.

The source line of a problem is never shown: it may hold a key that should not be in the file.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from controlplane.config import schema
from controlplane.config.check import notes
from controlplane.config.environment import environment
from controlplane.config.parse import decode, parse
from controlplane.config.problem import ConfigError, ConfigErrors
from controlplane.config.rules.listeners import port_of
from controlplane.config.rules.models import name_of
from controlplane.snapshot.snapshot import Snapshot
from controlplane.translate.compiler import compile_config

STDIN_NAME = "stdin"


@click.command("check", short_help="Tell every problem of a config.")
@click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "--env-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Variables that the environment lacks; default is .env beside FILE.",
)
@click.option("--skip-secrets", is_flag=True, help="Do not ask whether variables are set.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(file: Path, env_file: Path | None, skip_secrets: bool, as_json: bool) -> None:
    """Tell every problem of the config in FILE ('-' is standard input).

    Exits with 0 when it is fine and with 1 when it is not.
    """
    stdin = str(file) == "-"
    name = STDIN_NAME if stdin else str(file)
    try:
        raw = sys.stdin.buffer.read() if stdin else file.read_bytes()
        text = decode(raw, name)
        beside = None if stdin else file
        present = None if skip_secrets else environment(os.environ, beside, env_file)
        snapshot = compile_config(text, name, present)
    except OSError as e:
        raise click.ClickException(f"{name}: {e.strerror or e}") from e
    except ConfigErrors as e:
        _json(name, e.problems, (), None) if as_json else _refused(name, e.problems)
        sys.exit(1)
    parsed = parse(text, name)
    told = notes(parsed)
    _json(name, (), told, snapshot) if as_json else _fine(name, parsed.config, told, snapshot)


def _json(
    name: str,
    problems: tuple[ConfigError, ...],
    told: tuple[ConfigError, ...],
    snapshot: Snapshot | None,
) -> None:
    answer = {
        "file": name,
        "ok": snapshot is not None,
        "problems": [asdict(problem) for problem in problems],
        "notes": [asdict(note) for note in told],
        "snapshot_version": snapshot.version if snapshot is not None else None,
    }
    click.echo(json.dumps(answer, indent=2))


def _refused(name: str, problems: tuple[ConfigError, ...]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for problem in problems:
        console.print(_line(problem, "red"))
    count = len(problems)
    console.print(Text(f"{name}: {count} problem{'s' if count > 1 else ''}", style="bold"))


def _line(problem: ConfigError, style: str) -> Text:
    """The same characters as str(problem), in colours."""
    where = f"{problem.file}:{problem.line}" if problem.line else problem.file
    line = Text(f"{where}: ", style="bold")
    if problem.path:
        line.append(f"{problem.path}: ", style="not bold cyan")
    line.append(problem.message, style=f"not bold {style}")
    if problem.hint:
        line.append(f" ({problem.hint})", style="not bold green")
    return line


def _fine(
    name: str, config: schema.Config, told: tuple[ConfigError, ...], snapshot: Snapshot
) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{name} is fine", style="bold green"))
    rows = [(li, f"{li.address}:{port_of(li)}") for li in config.listeners]
    width = max(len(listener.name) for listener, _ in rows)
    reach = max(len(at) for _, at in rows)
    for listener, at in rows:
        console.print(
            f"  {listener.name:<{width}}  {listener.type}  {at:<{reach}}  ",
            _serves(listener, config),
            sep="",
            markup=False,
        )
    for note in told:
        console.print(_line(note, "yellow"))
    console.print(f"  snapshot {snapshot.version}", style="dim")


def _serves(listener: schema.Listener, config: schema.Config) -> str:
    """What a listener leads to, in a few words."""
    if listener.type == "agent":
        names = [agent.id + " (default)" * agent.default for agent in listener.agents]
    elif listener.type == "mcp":
        names = list(listener.mcp_servers)
    else:
        names = [name_of(one) + " (default)" * one.default for one in config.model_providers]
        names += config.model_aliases
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
