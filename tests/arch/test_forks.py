"""Tests in several processes: each is run once, groups stay together, nothing bad is lost."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ONE = """
import os
from pathlib import Path
import pytest

def ran(name):
    with (Path(__file__).parent / "ran.txt").open("a") as file:
        file.write(f"{name} {os.getpid()}\\n")

@pytest.mark.parametrize("number", range(100))
def test_many(number):
    ran(f"many-{number}")

@pytest.mark.group("shared")
@pytest.mark.parametrize("number", range(3))
def test_of_a_group(number):
    ran(f"group-one-{number}")
"""
TWO = """
import os
from test_one import ran
import pytest

@pytest.mark.group("shared")
def test_of_the_same_group():
    ran("group-two")

def test_that_fails():
    assert 1 + 1 == 3

@pytest.fixture
def torn():
    yield
    raise ValueError("in its teardown")

def test_whose_teardown_fails(torn):
    pass

def test_that_is_skipped():
    pytest.skip("with a reason")
"""
DIES = """
import os

def test_that_dies():
    os._exit(0)
"""


def forked(folder: Path, **files: str) -> tuple[int, str]:
    """What two processes make of some files of tests."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  group(name): of one process\n")
    command = (sys.executable, "-m", "pytest", "-p", "tests.support.forks", "--forks", "2", "-ra")
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("forked")


@pytest.fixture(scope="module")
def told(folder: Path) -> tuple[int, str]:
    return forked(folder, test_one=ONE, test_two=TWO)


@pytest.fixture(scope="module")
def ran(folder: Path, told: tuple[int, str]) -> list[list[str]]:
    """Each test that said so, and in which process."""
    return [line.split() for line in (folder / "ran.txt").read_text().splitlines()]


def test_each_is_run_once_and_counted(told: tuple[int, str], ran: list[list[str]]) -> None:
    names = Counter(name for name, _ in ran)
    assert set(names.values()) == {1}
    assert len(names) == 104
    assert "1 failed, 105 passed, 1 skipped, 1 error" in told[1]


def test_those_of_a_group_are_run_by_one_process(ran: list[list[str]]) -> None:
    assert len({process for name, process in ran if name.startswith("group")}) == 1


def test_what_fails_is_told_as_without_them(told: tuple[int, str]) -> None:
    code, text = told
    assert code == 1
    assert re.search(r"^E +assert \(1 \+ 1\) == 3", text, re.MULTILINE)
    assert re.search(r"^FAILED test_two.py::test_that_fails", text, re.MULTILINE)
    assert re.search(r"^ERROR test_two.py::test_whose_teardown_fails - ValueError", text, re.M)
    assert re.search(r"^SKIPPED .*with a reason", text, re.MULTILINE)


def test_process_that_dies_is_a_failure_of_the_test_it_was_at(tmp_path: Path) -> None:
    code, text = forked(tmp_path, test_dies=DIES)
    assert code == 1
    assert re.search(r"^FAILED test_dies.py::test_that_dies - a process ended", text, re.M)
