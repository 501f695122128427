"""Every pure module has a unit test file where one looks for it."""

import ast
import tomllib

from tests.arch.tree import ROOT, files, read

# Values without behaviour of their own, tested by everything that uses them.
WITHOUT_TESTS: set[str] = {
    "dataplane/filters/api.py",
    "dataplane/runtime/decision.py",
    "dataplane/runtime/effects.py",
    "dataplane/runtime/messages.py",
}


def pure_modules() -> list[str]:
    """The modules that the contract "pure" of pyproject.toml names, without bare docstrings."""
    linter = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]
    (pure,) = [c for c in linter["contracts"] if c["id"] == "pure"]
    folders = [source.replace(".", "/") for source in pure["source_modules"]]
    found = files(*[f"{f}/*.py" for f in folders], *[f"{f}.py" for f in folders])
    return [path for path in found if len(ast.parse(read(path)).body) > 1]


def mirror(path: str) -> str:
    """Where the tests of a module are."""
    folder, _, name = path.rpartition("/")
    return f"tests/unit/{folder}/test_{name}"


def test_every_pure_module_has_its_tests() -> None:
    tested = set(files("tests/unit/*.py"))
    missing = [p for p in pure_modules() if mirror(p) not in tested and p not in WITHOUT_TESTS]
    assert missing == []


def test_the_list_of_exceptions_is_not_stale() -> None:
    assert {
        p for p in WITHOUT_TESTS if not (ROOT / p).exists() or (ROOT / mirror(p)).exists()
    } == set()
