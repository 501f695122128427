"""`outrider explain`: which agents would be chosen for a conversation, and why."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from outriderpb.admin.v1 import decision_pb2, decision_pb2_grpc
from outriderpb.fleet.v1 import explanation_pb2
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from controlplane.cli.answers import show
from controlplane.cli.connection import ANSWER_S, Admin, admin_flags

_BAR = 20
_ROLES = ("user", "assistant")


@click.command("explain", short_help="Tell which agents would be chosen, and why.")
@click.argument("listener")
@click.argument("messages", nargs=-1)
@click.option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="In place of MESSAGES: a chat request, or a list of messages, as JSON; '-' is stdin.",
)
@click.option("--worker", default="", help="Ask the data-plane worker with this id.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@admin_flags
def command(
    listener: str,
    messages: tuple[str, ...],
    file: Path | None,
    worker: str,
    as_json: bool,
    admin: Admin,
) -> None:
    """Have a data plane decide which agents of LISTENER act on a conversation; none is called.

    MESSAGES are what was said, the user and the assistant by turns; the last one is what is asked.
    """
    body = json.dumps({"messages": _conversation(messages, file)}).encode()
    request = decision_pb2.ExplainRequest(listener=listener, body=body, worker=worker)
    with admin.connected() as channel:
        stub = decision_pb2_grpc.DecisionServiceStub(channel)
        answer = stub.Explain(request, timeout=ANSWER_S, metadata=admin.metadata())
    show(answer, picture, as_json)


def _conversation(messages: tuple[str, ...], file: Path | None) -> list[Any]:
    if (file is None) == (not messages):
        raise click.UsageError("give MESSAGES or --file")
    if file is None:
        if len(messages) % 2 == 0:
            raise click.UsageError(
                "the last one of MESSAGES must be the user's: give an odd number"
            )
        return [{"role": _ROLES[at % 2], "content": one} for at, one in enumerate(messages)]
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError as e:
        raise click.ClickException(f"{file}: is not JSON: {e}") from e
    said = found.get("messages") if isinstance(found, dict) else found
    if not isinstance(said, list):
        raise click.ClickException(f"{file}: neither a chat request nor a list of messages")
    return said


def picture(answer: decision_pb2.ExplainResponse) -> Group:
    """The decision in a line, its reason, and how every agent did."""
    one = answer.explanation
    shown: list[RenderableType] = [_head(one), Text(one.reason)]
    if one.scores:
        shown += [Text(), _scores(one)]
    for step in one.steps:
        shown.append(_step(step))
    shown += [Text(), _foot(one, answer.worker)]
    return Group(*shown)


def _head(one: explanation_pb2.Explanation) -> Text:
    joint = " + " if one.shape == "parallel" else " -> "
    text = Text(joint.join(one.agents), style="bold green")
    if one.by_default:
        text.append("  the default agent", style="not bold yellow")
    elif one.shape not in ("", "one"):
        text.append(f"  {one.shape}", style="not bold dim")
    return text


def _scores(one: explanation_pb2.Explanation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("AGENT", no_wrap=True)
    table.add_column("SCORE", justify="right")
    table.add_column("")
    for score in one.scores:
        chosen = score.agent in one.agents and not one.by_default
        bar = "#" * round(score.score * _BAR)
        style = "bold green" if chosen else ""
        table.add_row(Text(score.agent, style=style), f"{score.score:.2f}", Text(bar, style=style))
    return table


def _step(step: explanation_pb2.ExplanationStep) -> Text:
    what = f": would have chosen {', '.join(step.agents)}" if step.agents else ""
    return Text(f"before: {step.method}{what}: {step.problem}", style="red" if step.failed else "")


def _foot(one: explanation_pb2.Explanation, worker: str) -> Text:
    facts = [f"decided by {one.method} ({one.orchestrator})"]
    if one.confidence:
        facts.append(f"confidence {one.confidence:.2f}")
    facts.append(f"min_confidence {one.min_confidence:g}")
    if one.ask_below:
        facts.append(f"ask_below {one.ask_below:g}")
    if one.previous:
        facts.append(f"before: {one.previous}")
    facts.append(f"{one.seconds * 1000:.1f} ms on {worker}")
    return Text(", ".join(facts), style="dim")
