"""Types hold: tests, so that they are checked while other tests run on the other core.

Without a cache the product takes mypy a third of what everything takes: that is mostly vendors'
clients that only tests and examples import (1,250 modules). `make types` checks everything, too.
"""

import subprocess
import sys

import pytest

from tests.arch.tree import ROOT

PRODUCT = ("controlplane", "dataplane")


@pytest.mark.first
def test_mypy_has_nothing_to_say_of_the_product() -> None:
    ran = _mypy(*PRODUCT)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.first
def test_mypy_has_nothing_to_say_of_examples_and_tests() -> None:
    ran = _mypy(*PRODUCT, "deploy", "tests")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def _mypy(*packages: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", *packages]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
