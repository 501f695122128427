"""The official `openai` SDK, current and 1.x, unmodified, through both kinds of listener."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.agents import says, service
from tests.support.planes import planes
from tests.support.upstream import (
    DONE,
    USAGE_EVENT,
    Received,
    chunked_head,
    event,
    in_chunks,
    json_answer,
    upstream,
)

ROOT = Path(__file__).parents[2]
SESSION = Path(__file__).with_name("openai_session.py")
OLDER = "openai==1.109.1"

CONFIG = """\
version: v0.4.0
agents:
  - id: greeter
    url: {agent}
listeners:
  - type: agent
    name: agents
    address: 127.0.0.1
    port: 0
    agents:
      - id: greeter
        description: Says hello.
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
model_providers:
  - model: local/tiny
    base_url: http://127.0.0.1:{provider}/v1
model_aliases:
  fast:
    target: local/tiny
"""


def python_with(requirement: str) -> str:
    """An interpreter of an environment that has just this SDK; made once, kept in build/."""
    home = ROOT / "build" / "venvs" / requirement.replace("==", "-")
    python = home / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, requirement], check=True)
    return str(python)


async def provider(received: Received) -> Any:
    """Streams when it is asked to."""
    if json.loads(received.body).get("stream"):
        yield chunked_head()
        yield in_chunks(event("hel") + event("lo") + USAGE_EVENT + DONE, 7)
    else:
        yield json_answer()


async def session(python: str, base_url: str, model: str, listed: str) -> dict[str, Any]:
    """Run the developer's program and read what it tells."""
    process = await asyncio.create_subprocess_exec(
        *(python, str(SESSION), f"{base_url}/v1", model, listed),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    told: dict[str, Any] = json.loads(out)
    return told


@pytest.mark.interop
@pytest.mark.group("openai-venv")
@pytest.mark.parametrize("requirement", [None, OLDER], ids=["current", "1.x"])
async def test_sdk_lists_creates_and_streams_through_both_listeners(
    requirement: str | None, tmp_path: Path
) -> None:
    python = sys.executable if requirement is None else python_with(requirement)
    async with upstream(provider) as model, service(says("hel", "lo")) as agent:
        text = CONFIG.format(agent=agent.url, provider=model.endpoint.port)
        async with planes(text, tmp_path) as made:
            models = await session(python, made.url("models"), "fast", "local/tiny")
            agents = await session(python, made.url("agents"), "any", "greeter")
    assert models["listed"] == ["fast", "local/tiny"]
    assert models["retrieved"] == "local/tiny"
    assert agents["listed"] == ["greeter"]
    for told in (models, agents):
        assert told["version"].startswith("1." if requirement else "3.")
        assert "".join(told["pieces"]) == told["streamed"] == "hello"
        assert told["text"]
        assert told["request_id"]
        assert told["refused"] == {"status": 404, "code": "model_not_found"}
