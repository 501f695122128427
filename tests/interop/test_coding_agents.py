"""Coding agents complete a tool loop with models of other protocols: they really run a command.

They are unmodified, in a home of their own, and reach nothing but the gateway.
"""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from dataplane.runtime.protocols import Protocol
from tests.support.interop import CONFIG, ROOT, house, told
from tests.support.node import node, packages
from tests.support.vendors.conversation import Asked, Turn
from tests.support.vendors.server import Vendors

PROGRAMS = Path(__file__).parent / "cli"
HOMES = ROOT / "build" / "interop" / "homes"
"""Codex warns of a home in the folder for temporary files."""
COMMAND = "echo outrider $((40 + 2))"
OUTPUT = "outrider 42"
CALLS = {
    "Bash": {"command": COMMAND, "description": "Says something."},
    "exec_command": {"cmd": COMMAND},
    # Codex with its newest models: one tool that takes JavaScript instead of JSON.
    "exec": {"input": f"text((await tools.exec_command({{cmd: '{COMMAND}'}})).output)"},
}
PROMPT = "Have a command run, please."
ALIAS = "model_aliases:\n  {model}: {{{{target: {target}}}}}\n"
CODEX = """\
model = "{model}"
model_provider = "outrider"
[model_providers.outrider]
name = "Outrider"
base_url = "{url}/v1"
env_key = "OUTRIDER_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""
DROP = "on_untranslatable: drop\n"
"""For a model that Codex tells to call one tool at a time, which Gemini has no word for."""


def answer(asked: Asked) -> Turn:
    """As a model does: it has a command run, and repeats what came out."""
    if asked.results:
        return Turn("It said: " + asked.results[-1][2])
    for name, arguments in CALLS.items():
        if name in asked.tools:
            return Turn("I look.", ((name, arguments),))
    return Turn("Nothing to do.")


async def run(
    program: str, arguments: Sequence[str], home: Path, **environ: str
) -> list[dict[str, Any]]:
    """What it prints: JSON in lines."""
    command = packages(PROGRAMS) / "node_modules" / ".bin" / program
    known = {
        "PATH": os.pathsep.join((str(node()), "/usr/bin", "/bin")),
        "HOME": str(home),
        "SHELL": "/bin/bash",
        "TERM": "dumb",
        # Nothing listens there: whatever is not for the gateway fails at once.
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
        "NO_PROXY": "127.0.0.1",
    }
    work = home / "work"
    work.mkdir()
    out = await told((str(command), *arguments), known | environ, work)
    lines = []
    for line in out.splitlines():
        with suppress(ValueError):
            lines.append(json.loads(line))
    return lines


async def claude(model: str, url: str, home: Path) -> str:
    """What Claude Code says in the end."""
    silent = dict.fromkeys(
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY"),
        "1",
    )
    options = ("--output-format", "json", "--allowedTools", "Bash", "--model", model)
    (end,) = await run(
        "claude",
        ("-p", PROMPT, *options),
        home,
        ANTHROPIC_BASE_URL=url,
        ANTHROPIC_API_KEY="sk-client",
        **silent,
    )
    return str(end["result"])


async def codex(model: str, url: str, home: Path) -> str:
    """What Codex says in the end."""
    (home / "config.toml").write_text(CODEX.format(model=model, url=url))
    options = ("--skip-git-repo-check", "--sandbox", "danger-full-access", "--json")
    events = await run(
        "codex",
        ("exec", *options, PROMPT),
        home,
        CODEX_HOME=str(home),
        OUTRIDER_KEY="sk-client",
    )
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return str([item["text"] for item in items if item["type"] == "agent_message"][-1])


def ended_well(said: str, fakes: Vendors, target: Protocol) -> None:
    assert OUTPUT in said
    assert fakes.wrong == {}
    assert list(fakes.asked) == [target]
    last = fakes.asked[target][-1]
    assert [OUTPUT in result for _, _, result in last.results] == [True]


@pytest.mark.full
@pytest.mark.group("coding-agents")
@pytest.mark.parametrize(
    "target", [Protocol.CHAT, Protocol.RESPONSES, Protocol.GEMINI, Protocol.CONVERSE]
)
async def test_claude_code_runs_a_command(target: Protocol) -> None:
    model = "claude-opus-5"
    config = CONFIG + ALIAS.format(model=model, target=target.value)
    HOMES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=HOMES) as home:
        async with house(Path(home), config, answer) as (url, fakes):
            ended_well(await claude(model, url, Path(home)), fakes, target)


@pytest.mark.full
@pytest.mark.group("coding-agents")
@pytest.mark.parametrize(
    ("model", "target", "more"),
    [
        ("gpt-5.5", Protocol.CHAT, ""),
        ("gpt-5.5", Protocol.MESSAGES, ""),
        ("gpt-5.5", Protocol.GEMINI, ""),
        ("gpt-5.5", Protocol.CONVERSE, ""),
        ("gpt-6.1-sol", Protocol.CHAT, ""),
        ("gpt-6.1-sol", Protocol.MESSAGES, ""),
        ("gpt-6.1-sol", Protocol.GEMINI, DROP),
        ("gpt-6.1-sol", Protocol.CONVERSE, ""),
    ],
)
async def test_codex_runs_a_command(model: str, target: Protocol, more: str) -> None:
    config = CONFIG + ALIAS.format(model=model, target=target.value) + more
    HOMES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=HOMES) as home:
        async with house(Path(home), config, answer) as (url, fakes):
            ended_well(await codex(model, url, Path(home)), fakes, target)
