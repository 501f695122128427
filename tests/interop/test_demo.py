"""`make demo` as a user runs it: real agents, the real model, the official SDK."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "deploy" / "examples" / "travel" / "demo.py"
LONGEST_S = 240


@pytest.mark.interop
@pytest.mark.group("demo")  # the ports of `outrider up`
def test_demo_asserts_what_it_shows_and_all_went_well() -> None:
    command = [sys.executable, str(DEMO)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_S)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 failed" in run.stdout
    assert "all went well" in run.stdout
