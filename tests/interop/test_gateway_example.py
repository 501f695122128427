"""deploy/examples/gateway: each program of its README.md is run as it stands there."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.planes import planes
from tests.support.plano import provider

EXAMPLE = Path(__file__).parents[2] / "deploy" / "examples" / "gateway"
ADDRESS = "http://127.0.0.1:12000"
PROGRAMS = re.findall(r"^```python\n(.*?)^```", (EXAMPLE / "README.md").read_text(), re.M | re.S)


def config(url: str) -> str:
    """The example's, but for the addresses."""
    made = yaml.safe_load((EXAMPLE / "outrider.yaml").read_text())
    made["listeners"][0]["port"] = 0
    for entry in made["model_providers"]:
        entry["base_url"] = f"{url}/v1"
    return yaml.safe_dump(made)


@pytest.mark.interop
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda text: text.split()[1])
async def test_program_of_the_readme_prints_an_answer(program: str, tmp_path: Path) -> None:
    assert ADDRESS in program
    keys = {"ANTHROPIC_API_KEY": "a", "OPENAI_API_KEY": "o"}
    async with (
        provider() as fake,
        planes(config(fake.url), tmp_path, environ=keys) as made,
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", program.replace(ADDRESS, made.url("models"))),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    asked = "gpt-4o" if "openai/gpt-4o" in program else "claude-sonnet-4-6"
    assert set(out.decode().split()) == {asked}
    assert {one.body["model"] for one in fake.received} == {asked}
