"""What deploy/compiled.py lists can be compiled: found in a second, not by a build."""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from deploy.compiled import IN_C, MODULES, ROOT
from tests.arch.tree import files, read

LISTED = sorted(
    "/".join(["dataplane", *filter(None, package.split(".")), f"{name}.py"])
    for package, names in MODULES.items()
    for name in names.split()
)


@cache
def nodes(path: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(read(path))))


def classes(path: str) -> Iterator[ast.ClassDef]:
    return (node for node in nodes(path) if isinstance(node, ast.ClassDef))


def bases(path: str) -> Iterator[tuple[str, str]]:
    """Each class that inherits from one of ours: its name, and the file of that one."""
    homes = {node.name: path for node in classes(path)}
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dataplane."):
            file = f"{node.module.replace('.', '/')}.py" if node.module else ""
            homes |= {alias.asname or alias.name: file for alias in node.names}
    for made in classes(path):
        for base in made.bases:
            if isinstance(base, ast.Name) and base.id in homes:
                yield made.name, homes[base.id]


def test_modules_are_there() -> None:
    assert set(LISTED) <= set(files("dataplane/*.py"))


@pytest.mark.parametrize("path", LISTED)
def test_module_has_no_structs_and_deletes_no_attributes(path: str) -> None:
    structs = [
        node.name
        for node in classes(path)
        if any("Struct" in ast.unparse(base) for base in node.bases)
    ]
    assert not structs, "msgspec reads annotations that mypyc does not keep"
    deleted = [
        ast.unparse(node)
        for node in nodes(path)
        if isinstance(node, ast.Delete)
        and any(isinstance(target, ast.Attribute) for target in node.targets)
    ]
    assert not deleted, "a sentinel is what mypyc understands"


def test_classes_are_compiled_with_their_bases_and_all_who_inherit_from_them() -> None:
    apart = [
        f"{path}: {name}"
        for path in files("dataplane/*.py")
        for name, base in bases(path)
        if (path in LISTED) is not (base in LISTED)
    ]
    assert not apart


def test_what_is_in_c_is_in_python_too_and_has_tests_that_run_on_both() -> None:
    for module in IN_C.split():
        assert f"dataplane/{module}.py" in files("dataplane/*.py")
        package, _, name = module.rpartition("/")
        assert f"tests/unit/dataplane/{package}/test_{name}.py" in files("tests/unit/*.py")
    found = {path.relative_to(ROOT / "dataplane") for path in (ROOT / "dataplane").rglob("*.c")}
    assert {f"{path.with_suffix('')}" for path in found} == set(IN_C.split())
