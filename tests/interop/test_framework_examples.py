"""`make example-NAME` as a user runs it, which asserts what it shows."""

import subprocess
import sys

import pytest

from deploy.examples.frameworks.programs import ROOT, frameworks

LIGHT = "openai_agents"
"""The others are for `make test-full`; what they run is in test_frameworks.py, too."""
LONGEST_S = 240

EXAMPLES = [
    pytest.param(name, marks=[] if name == LIGHT else pytest.mark.full) for name in frameworks()
]


@pytest.mark.interop
@pytest.mark.group("demo")  # the ports of `outrider up`
@pytest.mark.parametrize("framework", EXAMPLES)
def test_example_asserts_what_it_shows_and_all_went_well(framework: str) -> None:
    command = [sys.executable, "-m", "deploy.examples.frameworks.run", framework]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "agents   researcher then writer" in run.stdout
    assert "all went well" in run.stdout
