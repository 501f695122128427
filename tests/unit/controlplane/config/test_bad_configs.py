"""Every bad config of the corpus is refused with exactly the problems it has.

`pytest tests/unit/controlplane/config --update-golden` writes the expected files; review the diff.
"""

from pathlib import Path

import pytest

from controlplane.config.parse import decode
from controlplane.config.problem import ConfigErrors
from controlplane.translate.compiler import compile_config

BAD = Path(__file__).parents[3] / "golden" / "config" / "bad"
PRESENT = {"KEY": "sk-test", "EMPTY": "", "TWO_LINES": "one\ntwo"}
CASES = sorted(BAD.glob("*.yaml"))


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 50


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_bad_config_is_refused_with_every_problem(
    case: Path, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(ConfigErrors) as refused:
        compile_config(decode(case.read_bytes(), case.name), case.name, PRESENT)
    told = "".join(f"{problem}\n" for problem in refused.value.problems)
    expected = case.with_suffix(".txt")
    if request.config.getoption("--update-golden", default=False):
        expected.write_text(told)
    assert told == expected.read_text()


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_a_refusal_never_shows_a_key(case: Path) -> None:
    told = case.with_suffix(".txt").read_text()
    assert "sk-abc" not in told
    assert "secret@" not in told
