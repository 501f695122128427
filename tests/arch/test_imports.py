"""Who may import whom: the contracts of pyproject.toml, as a test."""

import subprocess
import sys
from pathlib import Path

from tests.arch.tree import ROOT, files, read


def test_import_contracts_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_tests_of_one_plane_do_not_import_the_other() -> None:
    mixed = [
        path
        for plane, other in (("controlplane", "dataplane"), ("dataplane", "controlplane"))
        for path in files(f"tests/unit/{plane}/*.py")
        if f"from {other}." in read(path)
    ]
    assert mixed == []
