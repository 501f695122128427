"""`make example-FRAMEWORK`: two agents of a framework in sequence, as their user sees them.

It asserts what it shows: a wrong order, a model call outside of the run, a second trace, or a token
that the gateway counts otherwise than the model, is exit 1. Everything it started is stopped.
"""

import argparse
import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import openai
from openai import AsyncOpenAI
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from deploy.examples.frameworks import traced
from deploy.examples.frameworks.programs import (
    AGENTS_URL,
    COLLECTOR_PORT,
    HERE,
    MODEL_URL,
    PORTS,
    frameworks,
    programs,
)
from deploy.examples.frameworks.traced import Traced
from deploy.examples.frameworks.used import budget_used
from deploy.examples.travel.tour.questions import Answer, Question, ask, user
from deploy.running.collector import collector
from deploy.running.processes import CannotStartError, run_until_stopped, running

BUILD = Path("build")
QUESTION = Question(
    "two agents in sequence, streamed",
    (user("Write to me about Genoa, please."),),
    expected_agents=("researcher", "writer"),
    expected_words=("Dear reader", "Lanterna"),
    model="desk",
    stream=True,
)


def main() -> None:
    """Parse the flags, run, exit with what came of it."""
    flags = argparse.ArgumentParser(prog="run", description="Agents of a framework, end to end.")
    flags.add_argument("framework", choices=frameworks())
    framework = flags.parse_args().framework
    console = Console(highlight=False, soft_wrap=True)
    BUILD.mkdir(exist_ok=True)
    try:
        code = run_until_stopped(_show(console, framework))
    except CannotStartError as error:
        console.print(Text(str(error), style="red"))
        code = 1
    except subprocess.CalledProcessError as error:
        # uv and npm have said why.
        said = f"the environment of {framework} cannot be made: {error}"
        console.print(Text(said, style="red"))
        code = 1
    sys.exit(130 if code is None else code)


async def _show(console: Console, framework: str) -> int:
    console.print(f"[bold]Outrider: a researcher and a writer of {framework}[/bold]")
    console.print("starting two agents, a scripted model and both planes ...")
    log = BUILD / f"example-{framework}.log"
    trace_id = secrets.token_hex(16)
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="outrider-"))
        wanted = programs(framework, HERE / "outrider.yaml", Path(folder))
        async with running(wanted, PORTS, log):
            # Later than the children, as gRPC and forks do not go together; it outlives them.
            of = stack.enter_context(collector(COLLECTOR_PORT))
            console.print(f"ready; logs are in {log}\n")
            try:
                answer = await _ask(trace_id)
            except openai.OpenAIError as error:
                console.print(Text(f"failed: {error}", style="red"))
                return 1
            booked = await asyncio.to_thread(_booked)
            used = await budget_used(answer.headers["x-outrider-run-id"], booked)
        # A data plane that ends sends what it still has.
        run = traced.of_run(of.all(), trace_id)
    problems = [*answer.problems, *run.problems]
    problems += _accounts(booked, used, run)
    _print(console, answer, run, used)
    for problem in problems:
        console.print(Text(f"wrong: {problem}", style="red"))
    console.print("everything that was started is stopped")
    console.print("[red]not all went well[/red]" if problems else "[green]all went well[/green]")
    return 1 if problems else 0


async def _ask(trace_id: str) -> Answer:
    """As any program with the SDK would; the trace is the client's own."""
    headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}
    async with AsyncOpenAI(
        base_url=AGENTS_URL, api_key="none", max_retries=0, default_headers=headers
    ) as client:
        return await ask(client, QUESTION)


def _booked() -> int:
    """Tokens of all calls, as the model has booked them."""
    with urllib.request.urlopen(f"{MODEL_URL}/ledger", timeout=10) as told:
        return sum(entry["input_tokens"] + entry["output_tokens"] for entry in json.load(told))


def _accounts(booked: int, used: int, run: Traced) -> list[str]:
    """What three bookkeepers do not agree on: the model, the budget, the trace."""
    counts = {
        "the model": booked,
        "the run's budget": used,
        "the trace": sum(call.tokens for call in run.calls),
    }
    return [] if len(set(counts.values())) == 1 else [f"tokens are counted differently: {counts}"]


def _print(console: Console, answer: Answer, run: Traced, used: int) -> None:
    console.print(f"asked    {QUESTION.messages[0].get('content')}", markup=False)
    console.print(f"agents   [cyan]{' then '.join(answer.agents)}[/cyan]")
    console.print(f"answer   {answer.text.strip()}", markup=False)
    first, whole = answer.first_byte_s * 1e3, answer.whole_s * 1e3
    console.print(f"took     first byte {first:.0f} ms, whole {whole:.0f} ms")
    console.print(f"budget   {used} tokens used by run {answer.headers['x-outrider-run-id']}")
    tree = Tree(f"trace    {run.trace_id}")
    for agent in run.agents:
        branch = tree.add(f"[cyan]{agent.name}[/cyan] {agent.seconds * 1e3:.0f} ms")
        for call in agent.calls:
            branch.add(f"model {call.name}: {call.tokens} tokens, {call.seconds * 1e3:.0f} ms")
    console.print(tree, "")


if __name__ == "__main__":
    main()
