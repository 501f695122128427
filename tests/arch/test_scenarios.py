"""Plano's 40 scenarios: each is played by a test, or somebody else's for a reason."""

import ast

from tests.arch.tree import files, read
from tests.support.plano import ELSEWHERE, SCENARIOS


def played() -> dict[int, list[str]]:
    """The verdicts of the tests, by scenario."""
    found: dict[int, list[str]] = {}
    for path in files("tests/feature/test_plano_*.py"):
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
        if verdict != "same" and len(verdict.removeprefix("better: ").split()) < 4
    }
    assert wrong == {}
