"""Types hold: a test, so that they are checked while other tests run on the other core."""

import subprocess
import sys

import pytest

from tests.arch.tree import ROOT


@pytest.mark.first
def test_mypy_has_nothing_to_say() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "controlplane", "dataplane", "deploy", "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
