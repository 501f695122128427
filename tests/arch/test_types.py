"""Types hold in examples and tests, too; `make test` has mypy look at the product by itself."""

import subprocess
import sys

import pytest

from tests.arch.tree import ROOT


@pytest.mark.slow
@pytest.mark.first
def test_mypy_has_nothing_to_say() -> None:
    command = [sys.executable, "-m", "mypy", "controlplane", "dataplane", "deploy", "tests"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
