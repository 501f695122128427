"""The compiled data plane does what the interpreted one does: feature tests of the hot path, run on
it. It is built once, beside the other builds, and kept while nothing changes.
"""

import os
import subprocess
import sys

import pytest

from deploy.compiled import ROOT, build

FOLDER = ROOT / "build" / "compiled"
SUITES = (
    "tests/unit/dataplane/server",
    "tests/unit/dataplane/upstream",
    "tests/feature/test_faults.py",
    "tests/feature/test_filters.py",
    "tests/feature/test_large_exchanges.py",
    "tests/feature/test_leaving.py",
    "tests/feature/test_limits.py",
    "tests/feature/test_recovery.py",
    "tests/feature/test_translated.py",
)


@pytest.mark.slow
@pytest.mark.xdist_group("compiled")
def test_compiled_tree_passes_the_tests_of_the_hot_path() -> None:
    build(FOLDER)
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-m", "not slow"]
    command += ["-p", "tests.support.on_compiled"]
    command += ["-p", "no:cacheprovider", "-o", f"pythonpath={FOLDER} {ROOT} {ROOT / 'proto/gen'}"]
    first = f"{FOLDER}:{ROOT}:{ROOT / 'proto' / 'gen'}"
    ran = subprocess.run(
        [*command, *SUITES],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": first},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
