"""`make demo`: the travel desk on this machine, as its user runs it. `make up` leaves it running.

It asserts what it shows: a wrong agent, a failed request or a worker without the new version is
exit 1. Whatever happens, everything it started is stopped.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import grpc
import openai
from openai import AsyncOpenAI
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from deploy.examples.travel.tour import live, questions
from deploy.examples.travel.tour.programs import PORTS, programs
from deploy.running.processes import CannotStartError, cores, run_until_stopped, running

CONFIG = Path(__file__).parent / "outrider.yaml"
BUILD = Path("build")
SHOWN = 240  # characters of an answer


def main() -> None:
    """Parse the flags, run, exit with what came of it."""
    flags = argparse.ArgumentParser(prog="demo", description="The travel example, end to end.")
    flags.add_argument("--stay", action="store_true", help="leave it running until Ctrl-C")
    chosen = flags.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    BUILD.mkdir(exist_ok=True)
    try:
        code = run_until_stopped(_stay(console) if chosen.stay else _tour(console))
    except CannotStartError as error:
        console.print(Text(str(error), style="red"))
        sys.exit(1)
    if code is None:
        console.print("stopped")
        code = 0 if chosen.stay else 130
    sys.exit(code)


async def _stay(console: Console) -> int:
    """Serve the example's own file, so that an edit of it can be watched."""
    console.print("starting two agents, the model and both planes ...")
    with tempfile.TemporaryDirectory(prefix="outrider-") as state:
        wanted = programs(CONFIG, Path(state), cores())
        async with running(wanted, PORTS, BUILD / "up.log") as children:
            console.print(
                f"""[green]running[/green]; edit {CONFIG} and watch it change
logs are in {BUILD / "up.log"}

  curl {questions.AGENTS_URL}/chat/completions -i -H 'content-type: application/json' \\
    -d '{{"messages":[{{"role":"user","content":"Will it rain in Oslo tomorrow?"}}]}}'
  curl {questions.MODELS_URL}/models
  .venv/bin/outrider nodes
  curl http://127.0.0.1:19000/metrics

Ctrl-C stops everything."""
            )
            ends = [asyncio.ensure_future(child.ended()) for child in children]
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            ended = [c.name for c, end in zip(children, ends, strict=True) if end in done]
            raise CannotStartError(f"{', '.join(ended)} ended")


async def _tour(console: Console) -> int:
    """Five requests, then a change under load."""
    console.print("[bold]Outrider: the travel desk[/bold]")
    console.print("starting two agents, a model (SmolLM2-135M) and both planes ...")
    with tempfile.TemporaryDirectory(prefix="outrider-") as folder:
        config = Path(shutil.copy(CONFIG, folder))
        workers = cores()
        wanted = programs(config, Path(folder) / "state", workers)
        async with running(wanted, PORTS, BUILD / "demo.log"):
            console.print(f"ready: {workers} workers; logs are in {BUILD / 'demo.log'}\n")
            problems = await _show_all(console, config, workers)
    console.print("everything that was started is stopped")
    if problems:
        console.print(f"[red]{len(problems)} things went wrong:[/red]")
        for problem in problems:
            console.print(Text(f"  {problem}", style="red"))
        console.print(f"the log is {BUILD / 'demo.log'}")
        return 1
    console.print("[green]all went well[/green]")
    return 0


async def _show_all(console: Console, config: Path, workers: int) -> list[str]:
    # Retries of the SDK would hide a failure that this demo must see.
    async with (
        AsyncOpenAI(base_url=questions.AGENTS_URL, api_key="none", max_retries=0) as agents,
        AsyncOpenAI(base_url=questions.MODELS_URL, api_key="none", max_retries=0) as models,
    ):
        problems = await _show_questions(console, agents, models)
        problems += await _show_change(console, agents, models, config, workers)
    return problems


async def _show_questions(console: Console, agents: AsyncOpenAI, models: AsyncOpenAI) -> list[str]:
    problems: list[str] = []
    for name, client in (("agents", agents), ("models", models)):
        listed = [model.id async for model in client.models.list()]
        console.print(f"GET {client.base_url}models: {', '.join(listed)}")
        if not listed:
            problems.append(f"the listener for {name} lists nothing")
    console.print()
    weather = await _show(console, 1, agents, questions.WEATHER, problems)
    await _show(console, 2, agents, questions.BOTH, problems)
    await _show(console, 3, agents, questions.SMALL_TALK, problems)
    await _show(console, 4, models, questions.COMPLETION, problems)
    await _show(console, 5, agents, questions.follow_up(weather), problems)
    return problems


async def _show(
    console: Console,
    number: int,
    client: AsyncOpenAI,
    question: questions.Question,
    problems: list[str],
) -> str:
    """Ask, print, note what is wrong; the answer's text."""
    console.print(f"[bold]{number}. {question.title}[/bold]")
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", justify="right", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("asked", Text(str(question.messages[-1].get("content"))))
    try:
        answer = await questions.ask(client, question)
    except openai.OpenAIError as error:
        problems.append(f"{number}. {error}")
        rows.add_row("failed", Text(str(error), style="red"))
        console.print(rows, "")
        return ""
    if question.to_agents:
        rows.add_row("agents", Text(" then ".join(answer.agents), style="cyan"))
        rows.add_row("scores", Text(answer.headers.get("x-outrider-scores", "none")))
        rows.add_row("why", Text(answer.headers.get("x-outrider-reason", "not said")))
    else:
        rows.add_row("model", Text(f"{question.model} (an alias)", style="cyan"))
    rows.add_row("answer", Text(_cut(answer.text)))
    rows.add_row(
        "took",
        f"first byte {answer.first_byte_s * 1e3:.0f} ms, whole {answer.whole_s * 1e3:.0f} ms, "
        f"tokens {answer.input_tokens} in, {answer.output_tokens} out",
    )
    for problem in answer.problems:
        rows.add_row("wrong", Text(problem, style="red"))
    console.print(rows, "")
    problems += [f"{number}. {problem}" for problem in answer.problems]
    return answer.text


async def _show_change(
    console: Console, agents: AsyncOpenAI, models: AsyncOpenAI, config: Path, workers: int
) -> list[str]:
    problems: list[str] = []
    console.print("[bold]A change of one route, under load[/bold]")
    await _show_car(console, agents, live.CAR_BEFORE, problems)
    try:
        change = await live.change_under_load(agents, models, config, workers)
    except grpc.aio.AioRpcError as error:
        return [*problems, f"the control plane's admin API: {error.details()}"]
    console.print("  edited: the flights agent now rents cars too, says its route")
    console.print(
        f"  snapshot {change.old_version} -> {change.new_version}, revision {change.revision}"
    )
    table = Table("worker", "acknowledged", "after")
    for ack in change.acks:
        table.add_row(ack.id, ack.version, f"{ack.seconds * 1e3:.0f} ms")
    console.print(table)
    sent = ", ".join(f"{count} {name}" for name, count in sorted(change.load.answered.items()))
    failed = len(change.load.failures)
    style = "red" if failed else "green"
    console.print(f"  meanwhile: {sent}; [{style}]{failed} failed[/{style}]")
    problems += change.problems
    await _show_car(console, agents, live.CAR_AFTER, problems)
    console.print()
    return problems


async def _show_car(
    console: Console, agents: AsyncOpenAI, question: questions.Question, problems: list[str]
) -> None:
    """The same question before and after: the change shows in who answers."""
    said = str(question.messages[-1].get("content"))
    try:
        answer = await questions.ask(agents, question)
    except openai.OpenAIError as error:
        problems.append(f"{question.title} the change: {error}")
        return
    who = f"[cyan]{' then '.join(answer.agents)}[/cyan]"
    why = answer.headers.get("x-outrider-scores", "")
    console.print(f"  {question.title}: {said!r} -> {who} ({why}): {escape(_cut(answer.text))}")
    problems += [f"{question.title} the change: {problem}" for problem in answer.problems]


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else flat[: SHOWN - 3] + "..."


if __name__ == "__main__":
    main()
