"""Other people's clients: environments of their own, and sessions against a gateway.

A session runs a program of `tests/interop/clients/` once, against one model of every protocol.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dataplane.runtime.protocols import Protocol
from deploy.running.environments import python_with
from tests.support.planes import planes
from tests.support.vendors.conversation import answer
from tests.support.vendors.server import Answer, Vendors, vendors

ROOT = Path(__file__).parents[2]
CLIENTS = "tests.interop.clients"
LONGEST_S = 240
KEYS = {"KEY": "sk-house", "AWS_ID": "AKIDEXAMPLE", "AWS_SECRET": "secret"}

CONFIG = """\
version: v0.4.0
model_providers:
  - {{model: house/gpt-4o, name: chat, base_url: "{url}/v1", access_key: $KEY, apis: [chat]}}
  - model: house/gpt-5-mini
    name: responses
    base_url: "{url}/v1"
    access_key: $KEY
    apis: [responses]
  - {{model: anthropic/claude-sonnet-4-5, name: messages, base_url: "{url}", access_key: $KEY}}
  - {{model: gemini/gemini-2.5-flash, name: gemini, base_url: "{url}", access_key: $KEY}}
  - model: amazon_bedrock/eu.anthropic.claude-sonnet-4-5-20250929-v1:0
    name: converse
    base_url: "{url}"
    region: eu-west-1
    aws: {{access_key_id: $AWS_ID, secret_access_key: $AWS_SECRET}}
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: 0}}
"""


@dataclass(frozen=True, slots=True)
class Session:
    """What a program told, and what its providers were asked."""

    told: Mapping[str, Mapping[str, dict[str, Any]]]
    """By model (the value of a Protocol), then by task."""
    vendors: Vendors


def environment(name: str, requirements: tuple[str, ...]) -> str:
    """An interpreter of an environment that has just these packages; made once, kept in build/."""
    if not requirements:
        return sys.executable
    return str(python_with(ROOT / "build" / "interop" / name, "\n".join(requirements)))


def session(python: str, program: str, *arguments: str) -> Session:
    """Run a program; its arguments come after the gateway's URL and before the models."""
    return played((python, "-m", f"{CLIENTS}.{program}"), *arguments)


def played(command: Sequence[str], *arguments: str) -> Session:
    """Run any command that takes what a program of `clients/` takes, and tells what one tells."""
    return asyncio.run(_played(command, arguments))


@asynccontextmanager
async def house(
    directory: Path, config: str = CONFIG, say: Answer = answer
) -> AsyncIterator[tuple[str, Vendors]]:
    """A gateway in front of every fake vendor: its URL, and they."""
    async with vendors(say) as fakes:
        text = config.format(url=f"http://127.0.0.1:{fakes.port}")
        async with planes(text, directory, environ=KEYS) as made:
            yield made.url("models"), fakes


async def told(
    command: Sequence[str],
    environ: Mapping[str, str],
    cwd: Path = ROOT,
    *,
    codes: tuple[int, ...] = (0,),
) -> bytes:
    """What a command prints. It has no standard input, and must end with one of these codes."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), LONGEST_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode in codes, (out + err).decode()
    return out


async def _played(command: Sequence[str], arguments: Sequence[str]) -> Session:
    models = [protocol.value for protocol in Protocol]
    with TemporaryDirectory() as directory:
        async with house(Path(directory)) as (url, fakes):
            out = await told((*command, url, *arguments, *models), environ(directory))
        return Session(json.loads(out.splitlines()[-1]), fakes)


def environ(home: str) -> dict[str, str]:
    """Nothing of this machine's own keys and settings; nothing is reported to anybody."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "PYTHONWARNINGS": "ignore",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LANGSMITH_TRACING": "false",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
    }
