"""How files are named, how long they are, what an __init__ may hold."""

import ast
from pathlib import PurePath

import pytest

from tests.arch.tree import files, read

LONGEST = 400
# ARCHITECTURE 10: names that say nothing about what is in the file.
BANNED = {"base", "common", "core", "handler", "handlers", "helper", "helpers", "manager", "misc"}
BANNED |= {"types", "util", "utils"}
SOURCES = ("controlplane/*.py", "dataplane/*.py", "deploy/*.py", "tests/*.py")


def test_no_file_is_too_long_to_read() -> None:
    ours = [path for path in files(*SOURCES) if not path.startswith("tests/")]
    lengths = {path: read(path).count("\n") for path in ours}
    assert {path: lines for path, lines in lengths.items() if lines > LONGEST} == {}


def test_names_of_files_and_folders_say_something() -> None:
    bad = [path for path in files(*SOURCES) if BANNED & {*PurePath(path).with_suffix("").parts}]
    assert bad == []


@pytest.mark.parametrize("path", [p for p in files(*SOURCES) if p.endswith("/__init__.py")])
def test_init_holds_a_docstring_and_nothing_else(path: str) -> None:
    body = ast.parse(read(path)).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def test_every_module_says_what_it_is_for() -> None:
    planes = files("controlplane/*.py", "dataplane/*.py", "deploy/*.py")
    silent = [path for path in planes if not ast.get_docstring(ast.parse(read(path)))]
    assert silent == []
