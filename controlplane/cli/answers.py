"""How verbs show what the admin API answers: as a picture or as JSON, once or as it changes."""

import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

import click
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from rich.console import Console, RenderableType
from rich.live import Live

# Wide enough that a file or a pipe gets whole lines.
_NOT_A_TERMINAL = 240

M = TypeVar("M", bound=Message)
Picture = Callable[[M], RenderableType]


def show(answer: M, picture: Picture[M], as_json: bool) -> None:
    """Print one answer."""
    if as_json:
        click.echo(_text(answer, 2))
    else:
        _console().print(picture(answer))


def follow(answers: Iterable[M], picture: Picture[M], as_json: bool) -> None:
    """Show each answer in the place of the one before; as JSON, each on a line of its own."""
    if as_json:
        for answer in answers:
            click.echo(_text(answer, None))
        return
    with Live(console=_console(), auto_refresh=False) as live:
        for answer in answers:
            live.update(picture(answer), refresh=True)


def _text(answer: Message, indent: int | None) -> str:
    """JSON with every field, by the names of the proto."""
    return MessageToJson(
        answer,
        indent=indent,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _NOT_A_TERMINAL)
