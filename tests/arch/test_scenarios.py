"""Plano's 40 scenarios: each is played by a test, or somebody else's for a reason.

`python -m tests.arch.test_scenarios` writes tests/feature/PLANO.md, for people.
"""

import ast
from functools import cache

from tests.arch.tree import ROOT, files, read
from tests.support.plano import ELSEWHERE, SCENARIOS, TITLES

TABLE = "tests/feature/PLANO.md"
HEAD = """\
# What Plano's users see here

The black-box scenarios of Plano 0.4.36 (`reference/plano.md`, Appendix C): each is
played by a test of `tests/feature/` (marked `@scenario`), or belongs elsewhere.
Made by `python -m tests.arch.test_scenarios`.

| # | scenario | here |
|---|---|---|
"""


@cache
def played() -> dict[int, list[str]]:
    """The verdicts of the tests, by scenario."""
    found: dict[int, list[str]] = {}
    for path in files("tests/feature/test_*.py"):
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.AsyncFunctionDef):
                for number, verdict in map(marked, node.decorator_list):
                    found.setdefault(number, []).append(verdict)
    return found


def marked(decorator: ast.expr) -> tuple[int, str]:
    """The arguments of `@scenario`; 0 of another decorator."""
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "scenario":
        number, verdict = (ast.literal_eval(argument) for argument in decorator.args)
        return number, verdict
    return 0, ""


def test_every_scenario_has_a_place() -> None:
    assert set(played()) - {0} == set(SCENARIOS) - set(ELSEWHERE)


def test_every_verdict_is_one() -> None:
    said = {number: set(verdicts) for number, verdicts in played().items() if number}
    wrong = {
        number: verdict
        for number, verdicts in said.items()
        for verdict in verdicts
        if not verdict.startswith("same") and len(verdict.removeprefix("better: ").split()) < 4
    }
    assert wrong == {}


def test_table_for_people_is_what_the_tests_say() -> None:
    assert read(TABLE) == table(), "run `.venv/bin/python -m tests.arch.test_scenarios`"


def table() -> str:
    """Every scenario, with the verdicts of its tests."""
    verdicts = played()
    rows = (
        f"| {number} | {title} | {'; '.join(dict.fromkeys(verdicts[number]))} |\n"
        if number in verdicts
        else f"| {number} | {title} | ({ELSEWHERE[number]}) |\n"
        for number, title in TITLES.items()
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    (ROOT / TABLE).write_text(table())
